import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Room } from "../bench.ts";
import { missing, peersFolder } from "./cells.ts";
import { installedIn } from "./peer.ts";
import { redisStreams, startRedis } from "./redis.ts";

type Entry = [id: string, fields: string[]];

interface Pipeline {
  xadd(stream: string, id: "*", field: string, value: string): Pipeline;
  exec(): Promise<unknown>;
}

interface RedisClient {
  pipeline(): Pipeline;
  xread(
    ...words: ["COUNT", number, "BLOCK", number, "STREAMS", string, string]
  ): Promise<[stream: string, entries: Entry[]][] | null>;
  disconnect(): void;
}

interface IoRedis {
  Redis: new (port: number, host: string) => RedisClient;
}

/** Logs to write, each in batches, and each followed by readers of its own. */
interface Traffic {
  streams: number;
  entries: number;
  batch: number;
  readers: number;
  lanes: number;
  entry(n: number): string;
}

/** Redis Streams with readers, each on a connection of its own as XREAD BLOCK needs it; undefined where it is not installed. */
export async function openStreamsPeer(room: Room) {
  const reason = missing(redisStreams);
  if (reason) {
    room.skip("Redis Streams, watched", reason);
    return undefined;
  }
  const folder = join(room.folder, "redis-log");
  await mkdir(folder);
  const port = await startRedis(folder);
  const { Redis } = await installedIn(peersFolder()).load<IoRedis>("ioredis");
  let rounds = 0;

  async function read(stream: string, entries: number): Promise<void> {
    const redis = new Redis(port, "127.0.0.1");
    let last = "0";
    for (let seen = 0; seen < entries; ) {
      const answer = await redis.xread("COUNT", 500, "BLOCK", 10_000, "STREAMS", stream, last);
      const got = answer?.[0]?.[1] ?? [];
      seen += got.length;
      last = got.at(-1)?.[0] ?? last;
    }
    redis.disconnect();
  }

  return {
    async run({ streams, entries, batch, readers, lanes, entry }: Traffic): Promise<void> {
      rounds += 1;
      const names = Array.from({ length: streams }, (_, n) => `run-${rounds}-${n}`);
      const reading = names.flatMap((name) => Array.from({ length: readers }, () => read(name, entries)));
      const queue = names[Symbol.iterator]();
      const writers = Array.from({ length: lanes }, async () => {
        const redis = new Redis(port, "127.0.0.1");
        for (let next = queue.next(); !next.done; next = queue.next())
          for (let from = 0; from < entries; from += batch) {
            const pipeline = redis.pipeline();
            for (let n = from; n < from + batch; n += 1) pipeline.xadd(next.value, "*", "event", entry(n));
            await pipeline.exec();
          }
        redis.disconnect();
      });
      await Promise.all([...writers, ...reading]);
    },
  };
}
