import type { Areas } from "../../core/core.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { Blobs } from "./blobs.ts";
import { UPLOAD } from "./service.ts";
import type { FileStore } from "./store.ts";

export interface Keeping {
  /** Time for which a file may lie unused. */
  unusedMs: number;
  /** Time for which a file is kept at most, unless kept work carries it: its key is recognised for as long. */
  keysMs: number;
}

const SWEEP = "files.sweep";
const ORPHANS = "files.orphans";
const HOUR_MS = 3_600_000;
const SOON_MS = 1000;
const SLICE = 500;
/** Folders of bytes looked through in one run: all 256 in 16 hours. */
const SHARDS = 16;
/** Bytes without a row are left alone for so long: their row may be on its way. */
const ORPHAN_MS = 24 * HOUR_MS;
const MAX_MS = 10 * 60_000;

/**
 * Removes what nobody needs any more: uses by messages that retention took, files that no message has carried for a time,
 * and bytes without a file.
 */
export function createSweep({ kernel, core }: Areas, store: FileStore, blobs: Blobs, { unusedMs, keysMs }: Keeping) {
  const { db, due, clock, idempotency, onError } = kernel;
  const { rows: messages } = core.messages;

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

  async function sweep(tx: Tx, row: DueRow): Promise<void> {
    const { after = 0 } = row.data as { after?: number };
    const now = clock.now();
    const { looked, reached } = await store.dropUses(tx, after, await messages.floor(tx), now, SLICE);
    const unused = await store.unused(tx, now - unusedMs, SLICE);
    for (const file of unused) await store.remove(tx, file.id);
    await idempotency.forget(tx, UPLOAD, now - keysMs, SLICE);
    tx.afterCommit(() => {
      // What is missed by a death of the process is found with the bytes that have no file.
      for (const sha256 of new Set(unused.map((file) => file.sha256))) dropBytes(sha256).catch(onError);
    });
    const isMore = looked === SLICE || unused.length === SLICE;
    const next = { after: looked === SLICE ? reached : 0 };
    await due.schedule(tx, SWEEP, "files", now + (isMore ? SOON_MS : HOUR_MS), next);
  }

  return {
    dueHandlers: { [SWEEP]: sweep },
    dueOutside: { [ORPHANS]: { maxMs: MAX_MS, work: dropOrphans } },
    async start(tx: Tx): Promise<void> {
      for (const kind of [SWEEP, ORPHANS])
        if (!(await due.find(tx, kind, "files"))) await due.schedule(tx, kind, "files", clock.now() + HOUR_MS);
    },
  };
}
