import { Problem } from "../../protocol/problem.ts";
import { createPauses } from "../breathe.ts";
import { checkEncoding } from "./head.ts";

export const DEFAULT_BODY_LIMIT = 1024 * 1024;

/** Reads a body that is too large to parse, piece by piece, and keeps the part that its verb needs. */
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

/** Parts of a body that were dropped. */
export interface LeftOut {
  /** Size of the whole body in bytes. */
  of: number;
  bytes: number;
  /** Items of its list. */
  items: number;
}

/** Observer of a body while it arrives. */
export interface Watcher {
  take?(piece: Uint8Array): void;
  /** Asked once for a body above the route's limit; the body is refused when no sieve is returned. */
  sieve?(): Promise<Sieve>;
}

/** Size limits of a body: up to `bodyLimit` bytes it is kept as sent, up to `largest` it goes through a sieve. */
export interface Limits {
  bodyLimit?: number | undefined;
  largest?: number | undefined;
}

/** Bytes taken between two looks at the clock: less than 1 ms, but 10 where a sieve keeps thousands of short members. */
const PIECE_BYTES = 16 * 1024;

/** Reads the body as sent, or passes a larger one through a sieve. @throws Problem 400, 413, 415 */
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

/** Reads the body as sent. @throws Problem 400, 413, 415 */
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
  // Chunks that have arrived follow each other without a turn of the event loop.
  const pause = createPauses();
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > most) throw tooLarge(most);
    if (watcher.take) await pass(chunk, watcher.take, pause);
    chunks.push(chunk);
    await pause();
    if (size <= whole) continue;
    sieve ??= await watcher.sieve?.();
    if (!sieve) throw tooLarge(whole);
    for (const kept of chunks) await pass(kept, sieve.take, pause);
    chunks = [];
  }
  return sieve ?? Buffer.concat(chunks);
}

/** Hands bytes on in pieces, with turns of the event loop between them. */
export async function pass(
  bytes: Uint8Array,
  take: (piece: Uint8Array) => void,
  pause = createPauses(),
): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    take(bytes.subarray(at, at + PIECE_BYTES));
    await pause();
  }
}
