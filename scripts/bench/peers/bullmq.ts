import { type QueueLike, queuePeer, type WorkerLike } from "./job-queue.ts";
import { type Installed, LANES, type PeerProduct } from "./peer.ts";
import { startRedis } from "./redis.ts";

interface BullMq {
  Queue: new (name: string, options: object) => QueueLike;
  Worker: new (name: string, processor: () => Promise<void>, options: object) => WorkerLike;
}

async function open({ load }: Installed, folder: string) {
  const port = await startRedis(folder);
  const { Queue, Worker } = await load<BullMq>("bullmq");
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  return queuePeer(
    new Queue("messages", { connection }),
    (process) => new Worker("messages", process, { connection, concurrency: LANES, removeOnComplete: { count: 0 } }),
  );
}

export const bullMq: PeerProduct = {
  name: "bullmq",
  title: "BullMQ on Redis, appendfsync always",
  npm: "bullmq",
  program: "redis-server",
  open,
};
