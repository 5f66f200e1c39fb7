import type { Areas } from "../../core/core.ts";
import type { Slice, Sweep } from "../../core/retention/sweeps.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Blobs } from "./blobs.ts";
import { UPLOAD } from "./service.ts";
import type { FileStore } from "./store.ts";

export interface Keeping {
  /** Time for which a file may lie unused. */
  unusedMs: number;
  /** Time for which a file is kept at most, unless kept work carries it: its key is recognised for as long. */
  keysMs: number;
}

const ORPHANS = "files.orphans";
const SLICE = 500;
/** Folders of bytes looked through in one run: all 256 in 16 hours. */
const SHARDS = 16;
/** Bytes without a row are left alone for so long: their row may be on its way. */
const ORPHAN_MS = 24 * HOUR_MS;
const MAX_MS = 10 * 60_000;

/**
 * Removes unneeded rows and bytes: uses by messages that retention took, files that no message has carried for a time,
 * and bytes without a file.
 */
export function createSweep({ kernel }: Areas, store: FileStore, blobs: Blobs, { unusedMs, keysMs }: Keeping) {
  const { db, due, clock, idempotency, onError } = kernel;

  async function dropOrphans() {
    const first = (Math.floor(clock.now() / HOUR_MS) * SHARDS) % 256;
    for (let shard = first; shard < first + SHARDS; shard++)
      for (const sha256 of await blobs.olderThan(shard, clock.now() - ORPHAN_MS)) await dropBytes(sha256);
    return async () => clock.now() + HOUR_MS;
  }

  /** In turn with what keeps bytes: none go that a file has just come to need. */
  function dropBytes(sha256: string): Promise<void> {
    return blobs.turn(async () => {
      if (!(await db.read((on) => store.hasContent(on, sha256)))) await blobs.drop(sha256);
    });
  }

  async function sweepUses(tx: Tx, { floor, from = 0, limit }: Slice) {
    const { looked, reached } = await store.dropUses(tx, Number(from), floor, clock.now(), limit);
    return looked === limit ? { from: reached } : 0;
  }

  async function sweepUnused(tx: Tx, { before, limit }: Slice): Promise<number> {
    const unused = await store.unused(tx, before, limit);
    for (const file of unused) await store.remove(tx, file.id);
    tx.afterCommit(() => {
      // Bytes left by a death of the process are found as orphans.
      for (const sha256 of new Set(unused.map((file) => file.sha256))) dropBytes(sha256).catch(onError);
    });
    return unused.length;
  }

  const sweeps: Sweep[] = [
    { name: "files.uses", limit: SLICE, sweep: sweepUses },
    { name: "files.unused", keepMs: unusedMs, limit: SLICE, sweep: sweepUnused },
    {
      name: "files.keys",
      keepMs: keysMs,
      limit: SLICE,
      sweep: (tx, { before, limit }) => idempotency.forget(tx, UPLOAD, before, limit),
    },
  ];

  return {
    sweeps,
    dueOutside: { [ORPHANS]: { maxMs: MAX_MS, work: dropOrphans } },
    async start(tx: Tx): Promise<void> {
      if (!(await due.find(tx, ORPHANS, "files"))) await due.schedule(tx, ORPHANS, "files", clock.now() + HOUR_MS);
    },
  };
}
