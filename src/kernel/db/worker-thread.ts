import { join } from "node:path";
import { FOLDER } from "../../root.ts";

/** Starts the database worker in a thread that does not keep the process alive. Bundles hold it as JavaScript. */
export function startWorker(): Worker {
  const worker: Worker & { unref?(): void } = new Worker(join(FOLDER, "kernel/db/worker"));
  // Missing in the DOM type; Bun has it.
  worker.unref?.();
  return worker;
}
