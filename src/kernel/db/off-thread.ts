import type { OffThreadTasks, WorkerCall, WorkerReply } from "./worker-calls.ts";
import { startWorker } from "./worker-thread.ts";

export interface OffThread {
  run<K extends keyof OffThreadTasks>(task: K, ask: OffThreadTasks[K]["ask"]): Promise<OffThreadTasks[K]["answer"]>;
  close(): void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Runs long database work (copies, checks, counts) in a worker thread, started when first needed. */
export function createOffThread(file: string): OffThread {
  let worker: Worker | undefined;
  let calls = 0;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const made = startWorker();
    made.onmessage = (event: MessageEvent<WorkerReply>) => {
      const { id, answer, error } = event.data;
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (error !== undefined) waiter?.reject(new Error(error));
      else waiter?.resolve(answer);
    };
    made.onerror = (event) => {
      for (const waiter of waiting.values()) waiter.reject(new Error(event.message));
      waiting.clear();
      worker = undefined;
    };
    return made;
  }

  return {
    run(task, ask) {
      worker ??= start();
      const id = ++calls;
      const call: WorkerCall = { id, task, file, ask };
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
        worker?.postMessage(call);
      });
    },
    close() {
      worker?.terminate();
      for (const waiter of waiting.values()) waiter.reject(new Error("the relay is closing"));
      waiting.clear();
    },
  };
}
