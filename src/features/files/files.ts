import { join } from "node:path";
import type { Messaging } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import { createBlobs } from "./blobs.ts";
import { createFiles } from "./service.ts";
import { createFileStore } from "./store.ts";
import { createSweep } from "./sweep.ts";

export interface FilingParts {
  messaging: Messaging;
  idempotency: Idempotency;
  dataDir: string;
  maxBytes: number;
  types: readonly string[];
  unusedHours: number;
  retentionDays: number;
}

const HOUR_MS = 3_600_000;

export type Filing = ReturnType<typeof createFiling>;

/** Wires attachments: their bytes, who may read them, and the removal of what nobody needs. */
export function createFiling(parts: FilingParts) {
  const { messaging, idempotency, dataDir, maxBytes, types, unusedHours, retentionDays } = parts;
  const { db, agents, access, due, clock, quotas, disk, onError } = messaging;
  const store = createFileStore(db);
  const blobs = createBlobs(join(dataDir, "files"));
  const messages = messaging.store;
  const files = createFiles({ agents, messages, access, idempotency, store, clock, types, quotas, disk });
  const sweep = createSweep({
    ...{ db, store, blobs, due, clock, onError },
    ...{ unusedMs: unusedHours * HOUR_MS, keysMs: (retentionDays * 24 + unusedHours) * HOUR_MS + HOUR_MS },
    ...{ idempotency, floorOf: messages.floor },
  });
  messaging.sender.check(files.checkDraft);
  messaging.sender.onPlanned(files.keepUntil);
  messaging.sender.onAppended((tx, row) => files.carried(tx, row));

  return {
    files,
    /** What has to be there before anybody asks. */
    start: (tx: Tx): Promise<void> => sweep.start(tx),
    routes: lateRoutes(["/v1/files"], async () =>
      (await import("./routes.ts")).fileRoutes({ db, files, blobs, maxBytes }),
    ),
  };
}
