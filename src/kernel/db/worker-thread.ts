import { join } from "node:path";
import { FOLDER } from "../../root.ts";

/** Name of the worker's file in the folder of a built program; see scripts/build.ts. */
declare const WORKER_FILE: string | undefined;

/** Starts the database worker in a thread that does not keep the process alive. Bundles hold it as JavaScript. */
export function startWorker(): Worker {
  const file = typeof WORKER_FILE === "undefined" ? "kernel/db/worker" : WORKER_FILE;
  const worker: Worker & { unref?(): void } = new Worker(join(FOLDER, file));
  // Missing in the DOM type; Bun has it.
  worker.unref?.();
  return worker;
}
