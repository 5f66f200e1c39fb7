import { join } from "node:path";
import { BUN_FLAGS } from "../../../src/cli/own.ts";
import { freePort, startChild, until } from "../child.ts";
import { type QueueLike, queuePeer, type WorkerLike } from "./job-queue.ts";
import { type Installed, LANES, type PeerProduct } from "./peer.ts";

interface Bunqueue {
  Queue: new (name: string, options: object) => QueueLike;
  Worker: new (name: string, processor: () => Promise<void>, options: object) => WorkerLike;
}

/** Its server over TCP, each job written before it is confirmed. Its SQLite does not sync a commit. */
async function open({ load, fileOf }: Installed, folder: string) {
  const port = await freePort();
  const command = [
    process.execPath,
    ...BUN_FLAGS,
    join(fileOf("bunqueue"), "../cli/index.js"),
    "start",
    "--host",
    "127.0.0.1",
  ];
  const ports = ["--tcp-port", String(port), "--http-port", String(await freePort())];
  startChild([...command, ...ports, "--data-path", join(folder, "bunqueue.db")], join(folder, "bunqueue.log"), {
    RATE_LIMIT_MAX_REQUESTS: "1000000000",
  });
  await until("the start of bunqueue", async () => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  });
  const { Queue, Worker } = await load<Bunqueue>("bunqueue/client");
  const connection = { host: "127.0.0.1", port };
  const start = (process: () => Promise<void>) => new Worker("messages", process, { connection, concurrency: LANES });
  return queuePeer(new Queue("messages", { connection }), start, { durable: true, removeOnComplete: true });
}

export const bunqueue: PeerProduct = {
  name: "bunqueue",
  title: "bunqueue, durable jobs (SQLite, not synced)",
  npm: "bunqueue",
  open,
};
