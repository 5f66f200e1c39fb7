import { inLanes, type Peer } from "./peer.ts";

/** Common ground of BullMQ and its kin. */
export interface QueueLike {
  add(name: string, data: object, options?: object): Promise<unknown>;
  close(): Promise<void>;
  addBulk(jobs: { name: string; data: object; opts?: object }[]): Promise<unknown>;
}
export interface WorkerLike {
  on(event: "completed", listener: () => void): unknown;
  close(): Promise<void>;
}

export function queuePeer(
  queue: QueueLike,
  startWorker: (process: () => Promise<void>) => WorkerLike,
  options: object = {},
): Peer {
  const send = (message: string) => queue.add("message", { message }, options);

  let closed = Promise.resolve();
  /** Works with one worker until it has completed `count`. */
  async function untilCompleted(count: number) {
    await closed;
    const all = Promise.withResolvers<void>();
    let done = 0;
    const worker = startWorker(async () => {});
    worker.on("completed", () => {
      done += 1;
      if (done === count) all.resolve();
    });
    await all.promise;
    closed = worker.close();
  }

  return {
    send,
    async fill(messages) {
      for (let n = 0; n < messages.length; n += 1000) {
        const jobs = messages
          .slice(n, n + 1000)
          .map((message) => ({ name: "message", data: { message }, opts: options }));
        await queue.addBulk(jobs);
      }
    },
    workOff: untilCompleted,
    flow: (messages) => Promise.all([untilCompleted(messages.length), inLanes(messages, send)]),
    close: () => closed.then(() => queue.close()),
  };
}
