import { join } from "node:path";
import type { Areas } from "../../core/core.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import { createBlobs } from "./blobs.ts";
import { createFileService } from "./service.ts";
import { createFileStore } from "./store.ts";
import { createSweep } from "./sweep.ts";

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
  const store = createFileStore(db);
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
    sweeps: sweep.sweeps,
    dueOutside: sweep.dueOutside,
    /** Plans the search for orphaned bytes. */
    start: sweep.start,
    routes: lateRoutes(["/v1/files"], async () =>
      (await import("./routes.ts")).fileRoutes(db, service, blobs, maxBytes),
    ),
  };
}
