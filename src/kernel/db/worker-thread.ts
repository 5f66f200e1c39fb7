import { join } from "node:path";
import { FOLDER } from "../../root.ts";

/** Starts `worker.ts` in a thread of its own, which keeps no process alive. Without a suffix: bundles have it as JavaScript. */
export function startWorker(): Worker {
  const worker: Worker & { unref?(): void } = new Worker(join(FOLDER, "kernel/db/worker"));
  // Bun has it; the DOM type does not.
  worker.unref?.();
  return worker;
}
