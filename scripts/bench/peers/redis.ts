import { join } from "node:path";
import { freePort, startChild, until } from "../child.ts";
import { type Installed, inLanes, type PeerProduct } from "./peer.ts";

type Entry = [id: string, fields: string[]];
interface RedisClient {
  xadd(stream: string, id: "*", field: string, value: string): Promise<string>;
  xgroup(create: "CREATE", stream: string, group: string, from: "$", make: "MKSTREAM"): Promise<string>;
  xreadgroup(
    ...words: ["GROUP", string, string, "COUNT", number, "STREAMS", string, ">"]
  ): Promise<[stream: string, entries: Entry[]][] | null>;
  disconnect(): void;
  xack(stream: string, group: string, id: string): Promise<number>;
}
interface IoRedis {
  Redis: new (port: number, host: string) => RedisClient;
}

/** A redis-server that has synced its file before it answers. */
export async function startRedis(folder: string): Promise<number> {
  const port = await freePort();
  const settings = `--bind 127.0.0.1 --port ${port} --dir ${folder} --save --appendonly yes --appendfsync always`;
  const words = settings.split(" ").flatMap((word) => (word === "--save" ? [word, ""] : [word]));
  const child = startChild(["redis-server", ...words, "--maxmemory-policy", "noeviction"], join(folder, "redis.log"));
  await until("the start of redis-server", async () =>
    (await child.output()).includes("Ready to accept connections") ? true : undefined,
  );
  return port;
}

const STREAM = "messages";
const GROUP = "workers";

/** A stream with one consumer group; one client connection, as ioredis is meant to be used. */
async function open({ load }: Installed, folder: string) {
  const port = await startRedis(folder);
  const { Redis } = await load<IoRedis>("ioredis");
  const redis = new Redis(port, "127.0.0.1");
  await redis.xgroup("CREATE", STREAM, GROUP, "$", "MKSTREAM");
  const send = (message: string) => redis.xadd(STREAM, "*", "message", message);
  const work = async (lane: number) => {
    const answer = await redis.xreadgroup("GROUP", GROUP, `w${lane}`, "COUNT", 1, "STREAMS", STREAM, ">");
    const entry = answer?.[0]?.[1][0];
    if (!entry) throw new Error("nothing to claim");
    await redis.xack(STREAM, GROUP, entry[0]);
  };
  return {
    send,
    fill: (messages: readonly string[]) => Promise.all(messages.map(send)),
    workOff: (count: number) => inLanes([...Array(count).keys()], (_, lane) => work(lane)),
    flow: (messages: readonly string[]) =>
      inLanes(messages, async (message, lane) => {
        await send(message);
        await work(lane);
      }),
    close: () => redis.disconnect(),
  };
}

export const redisStreams: PeerProduct = {
  name: "redis",
  title: "Redis Streams, appendfsync always",
  npm: "ioredis",
  program: "redis-server",
  open,
};
