import { join } from "node:path";
import { FOLDER } from "../../root.ts";

/** Starts the database worker in its own thread, which does not keep the process alive. Bundles have it as JavaScript. */
export function startWorker(): Worker {
  const worker: Worker & { unref?(): void } = new Worker(join(FOLDER, "kernel/db/worker"));
  // Bun has it; the DOM type does not.
  worker.unref?.();
  return worker;
}
