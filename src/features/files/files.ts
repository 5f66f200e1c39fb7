import { join } from "node:path";
import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { createBlobs } from "./blobs.ts";
import { createFileService } from "./service.ts";
import { createFileStore } from "./store.ts";
import { createSweep } from "./sweep.ts";

/** Text that becomes a file. */
export interface FileText {
  agentId: AgentId;
  name: string;
  text: string;
}

export interface FileOptions {
  dataDir: string;
  maxBytes: number;
  types: readonly string[];
  unusedHours: number;
  retentionDays: number;
}

export type Files = ReturnType<typeof createFiles>;

/** Attachments: their bytes, the right to read them, and the removal of unused ones. */
export function createFiles(areas: Areas, options: FileOptions) {
  const { db } = areas.kernel;
  const { maxBytes, unusedHours, retentionDays } = options;
  const store = createFileStore();
  const blobs = createBlobs(join(options.dataDir, "files"));
  const service = createFileService(areas, store, options.types);
  const unusedMs = unusedHours * HOUR_MS;
  const keysMs = (retentionDays * 24 + unusedHours) * HOUR_MS + HOUR_MS;
  const sweep = createSweep(areas, store, blobs, { unusedMs, keysMs });
  return {
    service,
    stored: service.stored,
    checkUse: service.checkUse,
    countUse: service.countUse,
    keepUntil: service.keepUntil,
    /** Keeps a text as a file of an agent, in a write that may take it. `add` makes its row; without it the bytes go again. */
    async withText<T>(text: FileText, write: (tx: Tx, add: () => Promise<string>) => Promise<T>): Promise<T> {
      const body = new Blob([text.text]).stream();
      const received = await blobs.receive(body, Number.POSITIVE_INFINITY);
      try {
        return await blobs.turn(async () => {
          await blobs.keep(received);
          const { sha256, size } = received;
          return db.write((tx) => write(tx, () => service.addText(tx, { ...text, sha256, size })));
        });
      } finally {
        await blobs.discard(received);
      }
    },
    /** A file that a row held goes by age from now on, unless a message carries it. */
    release: (tx: Tx, id: string): Promise<void> => store.release(tx, id, areas.kernel.clock.now()),
    sweeps: sweep.sweeps,
    dueOutside: sweep.dueOutside,
    /** Plans the search for orphaned bytes. */
    start: sweep.start,
    routes: lateRoutes(["/v1/files"], async () =>
      (await import("./routes.ts")).fileRoutes(db, service, blobs, maxBytes),
    ),
  };
}
