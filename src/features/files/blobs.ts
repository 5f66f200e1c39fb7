import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../protocol/problem.ts";

/** Bytes that have arrived and are not kept yet. */
export interface Received {
  sha256: string;
  size: number;
  /** Where they lie until they are kept; gone after `discard`. */
  path: string;
}

export type Blobs = ReturnType<typeof createBlobs>;

const SHA256 = /^[0-9a-f]{64}$/;

/** Bytes on disk by their hash: `files/ab/abcdef…`. What has begun to arrive is in `files/arriving/`. */
export function createBlobs(folder: string) {
  const arriving = join(folder, "arriving");
  // Whatever is in there was cut off by the end of the process.
  rmSync(arriving, { recursive: true, force: true });
  mkdirSync(arriving, { recursive: true, mode: 0o700 });
  let last: Promise<unknown> = Promise.resolve();

  const shardOf = (sha256: string): string => join(folder, sha256.slice(0, 2));
  const pathOf = (sha256: string): string => join(shardOf(sha256), sha256);

  async function writeAll(path: string, body: ReadableStream<Uint8Array>, limit: number) {
    const hash = createHash("sha256");
    const file = await open(path, "wx", 0o600);
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > limit) throw new Problem("too-large", `A file may be up to ${limit} bytes here.`);
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return { sha256: hash.digest("hex"), size };
  }

  return {
    pathOf,

    /** To disk as it comes: no more than a chunk is in memory. @throws Problem 400, 413, 503 */
    async receive(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Received> {
      const path = join(arriving, randomUUID());
      try {
        return { ...(await writeAll(path, body ?? new Blob([]).stream(), limit)), path };
      } catch (error) {
        await rm(path, { force: true });
        if (error instanceof Problem) throw error;
        if ((error as NodeJS.ErrnoException).syscall !== undefined) throw unstored(error);
        throw new Problem("bad-request", "The body ended before it was whole.");
      }
    },

    /** Gives them their place, on disk when this resolves. @throws Problem 503 */
    async keep({ path, sha256 }: Received): Promise<void> {
      try {
        await mkdir(shardOf(sha256), { recursive: true, mode: 0o700 });
        await rename(path, pathOf(sha256));
        for (const changed of [shardOf(sha256), folder]) {
          const directory = await open(changed);
          await directory.sync().finally(() => directory.close());
        }
      } catch (error) {
        throw unstored(error);
      }
    },
    discard: (received: Received): Promise<void> => rm(received.path, { force: true }),
    drop: (sha256: string): Promise<void> => rm(pathOf(sha256), { force: true }),

    /** The hashes in one of 256 folders whose bytes came before a time. */
    async olderThan(shard: number, before: number): Promise<string[]> {
      const name = shard.toString(16).padStart(2, "0");
      const found = await readdir(join(folder, name)).catch(() => []);
      const old: string[] = [];
      for (const sha256 of found.filter((entry) => SHA256.test(entry)))
        if ((await stat(join(folder, name, sha256))).mtimeMs < before) old.push(sha256);
      return old;
    },

    /** Serialises keeping bytes with their row, and dropping bytes without one. */
    turn<T>(work: () => Promise<T>): Promise<T> {
      const mine = last.then(work);
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** The disk is full, or will not take it. */
function unstored(cause: unknown): Problem {
  const problem = new Problem("storage-unavailable", "The file could not be stored.", { retryAfterSeconds: 5 });
  return Object.assign(problem, { cause });
}
