import { Problem } from "../../protocol/problem.ts";
import { createPauses } from "../breathe.ts";
import { checkEncoding } from "./head.ts";

export const DEFAULT_BODY_LIMIT = 1024 * 1024;

/** Takes a body that is too large to be parsed piece by piece, and keeps what its verb needs. */
export interface Sieve {
  take(piece: Uint8Array): void;
  /** @throws Problem 400, 413 */
  end(): Sifted;
}

export interface Sifted {
  /** JSON. */
  text: string;
  leftOut: LeftOut;
}

/** How much of a body was left out. */
export interface LeftOut {
  /** Bytes of the whole body. */
  of: number;
  bytes: number;
  /** Items of its list. */
  items: number;
}

/** Sees all of a body while it arrives. */
export interface Watcher {
  take?(piece: Uint8Array): void;
  /** Asked once for a body above the route's limit; without an answer that is refused. */
  sieve?(): Promise<Sieve>;
}

/** Bytes of a body: up to `whole` they are kept as they are, up to `most` they go through a sieve. */
export interface Limits {
  bodyLimit?: number | undefined;
  largest?: number | undefined;
}

/** Bytes handed on in one go: scanning them takes less than a millisecond. */
const PIECE_BYTES = 64 * 1024;

/** The body as it came, or the sieve that has seen all of a larger one. @throws Problem 400, 413, 415 */
export async function readWatched(
  { bodyLimit: whole = DEFAULT_BODY_LIMIT, largest: most = whole }: Limits,
  request: Request,
  watcher: Watcher,
): Promise<Uint8Array | Sieve> {
  checkEncoding(request);
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared > most) throw tooLarge(most);
  try {
    if (declared > whole || Number.isNaN(declared)) return await readPieces(request.body, { whole, most }, watcher);
    const bytes = await request.bytes();
    if (watcher.take) await pass(bytes, watcher.take);
    return bytes;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("bad-request", "The body ended before it was whole.");
  }
}

/** The body as it came. @throws Problem 400, 413, 415 */
export const readBytes = ({ bodyLimit }: Limits, request: Request): Promise<Uint8Array> =>
  readWatched({ bodyLimit }, request, {}) as Promise<Uint8Array>;

export const tooLarge = (limit: number): Problem =>
  new Problem("too-large", `The body may be up to ${limit} bytes here.`);

async function readPieces(
  body: ReadableStream<Uint8Array> | null,
  { whole, most }: { whole: number; most: number },
  watcher: Watcher,
): Promise<Uint8Array | Sieve> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let sieve: Sieve | undefined;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > most) throw tooLarge(most);
    if (watcher.take) await pass(chunk, watcher.take);
    chunks.push(chunk);
    if (size <= whole) continue;
    sieve ??= await watcher.sieve?.();
    if (!sieve) throw tooLarge(whole);
    for (const kept of chunks) await pass(kept, sieve.take);
    chunks = [];
  }
  return sieve ?? Buffer.concat(chunks);
}

/** Hands bytes on in pieces; the event loop goes on in between. */
export async function pass(bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void> {
  const pause = createPauses();
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    take(bytes.subarray(at, at + PIECE_BYTES));
    await pause();
  }
}
