import { type Copied, notJson } from "./sieve-kept.ts";
import { BACKSLASH, COLON, COMMA, isBlank, newScan, QUOTE, type Scan, scanValue } from "./sieve-scan.ts";

/** Steps of reading; each yields when the piece is used up. */
export type Steps<T> = Generator<undefined, T>;

/** Copies what is read from a place on; told before the piece is gone. */
export interface Copy {
  take(): void;
  /** undefined when it was more than asked for. */
  whole(): Copied | undefined;
  beginning(): { bytes: Uint8Array; isCut: boolean };
}

/** Names of members that are looked for. */
export type Names = ReturnType<typeof createNames>;

/** Compares names as bytes: making a text of each takes five times as long. */
export function createNames(names: Iterable<string>) {
  const wanted = [...names].map((name) => ({ name, bytes: Buffer.from(name) }));
  const isWanted = (given: string | undefined) => wanted.some(({ name }) => name === given);
  return {
    /** Whether the bytes from one place to another are one of the names. */
    has: (piece: Uint8Array, from: number, to: number): boolean =>
      wanted.some(({ bytes }) => {
        if (bytes.length !== to - from) return false;
        for (let i = 0; i < bytes.length; i++) if (bytes[i] !== piece[from + i]) return false;
        return true;
      }),
    /** The same for a name with escapes. */
    hasWritten: (piece: Uint8Array, from: number, to: number): boolean =>
      to - from <= NAME_BYTES &&
      isWanted(nameOf(Buffer.from(piece.buffer, piece.byteOffset + from, to - from).toString())),
    delete(name: string): void {
      const index = wanted.findIndex((one) => one.name === name);
      if (index >= 0) wanted.splice(index, 1);
    },
  };
}

/** As text; undefined for one that is no JSON. `written`: as it came, without its quotes. */
export function nameOf(written: string): string | undefined {
  if (!written.includes("\\")) return written;
  try {
    return JSON.parse(`"${written}"`);
  } catch {
    return undefined;
  }
}

/** The longest name that a path may hold, written as nothing but escapes. */
const NAME_BYTES = 6 * 512;
export const END = -1;

/** Goes over JSON that comes in pieces, value by value. */
export function createReader() {
  let piece: Uint8Array = new Uint8Array();
  let at = 0;
  let isOver = false;
  /** Members and items so far, counted as `parseText` does. */
  let values = 0;
  const copies = new Set<Copy>();

  /** The next byte that is no white space. */
  function* peek(): Steps<number> {
    for (;;) {
      if (at < piece.length) {
        const code = piece[at] as number;
        if (!isBlank(code)) return code;
        at++;
      } else if (isOver) return END;
      else yield;
    }
  }

  /** Goes over one value, or the rest of a list that was begun. */
  function* skip(scan: Scan = newScan()): Steps<void> {
    if ((yield* peek()) === END) throw notJson();
    for (;;) {
      const before = scan.values;
      const found = scanValue(piece, at, scan);
      at = found.at;
      values += scan.values - before;
      if (found.isDone) return;
      if (isOver) {
        if (scan.depth > 0 || scan.within !== "word") throw notJson();
        return;
      }
      yield;
    }
  }

  /** Whether another item or member follows; goes over the comma or the end. */
  function* isMore(close: number): Steps<boolean> {
    const code = yield* peek();
    if (code !== COMMA && code !== close) throw notJson();
    at++;
    values++;
    return code === COMMA;
  }

  /** Goes over the opening bracket; whether anything follows it. */
  function* isBegun(close: number): Steps<boolean> {
    at++;
    values++;
    if ((yield* peek()) !== close) return true;
    at++;
    return false;
  }

  /** Goes over members within this piece that are unknown and followed by another: 50 ns each. */
  function skipUnknown(members: Names): void {
    for (;;) {
      const end = endOfMember(members);
      if (end === undefined) return;
      at = end;
    }
  }

  /** The place behind the comma of an unknown member; undefined when it is known, or does not end in this piece. */
  function endOfMember(members: Names): number | undefined {
    let i = pastBlank(at);
    if (piece[i] !== QUOTE) return undefined;
    const from = ++i;
    let isPlain = true;
    for (; i < piece.length && piece[i] !== QUOTE; i++)
      if (piece[i] === BACKSLASH) {
        isPlain = false;
        i++;
      }
    if (i >= piece.length || (isPlain ? members.has(piece, from, i) : members.hasWritten(piece, from, i)))
      return undefined;
    i = pastBlank(i + 1);
    if (piece[i] !== COLON) return undefined;
    const scan = newScan();
    const { at: end, isDone } = scanValue(piece, i + 1, scan);
    i = pastBlank(end);
    if (!isDone || piece[i] !== COMMA) return undefined;
    values += scan.values + 2;
    return i + 1;
  }

  function pastBlank(from: number): number {
    let i = from;
    while (i < piece.length && isBlank(piece[i] as number)) i++;
    return i;
  }

  /** The name of a member as it came, and the colon; undefined for one that is too long to be known. */
  function* readName(): Steps<string | undefined> {
    if ((yield* peek()) !== QUOTE) throw notJson();
    const copy = copyFrom(NAME_BYTES);
    yield* skip();
    const name = copy.whole();
    if ((yield* peek()) !== COLON) throw notJson();
    at++;
    values++;
    return name && Buffer.from(name.bytes.subarray(1, -1)).toString("utf8");
  }

  function copyFrom(most: number): Copy {
    const parts: Uint8Array[] = [];
    let from = at;
    let size = 0;
    const before = values;
    const copy: Copy = {
      take() {
        const part = piece.subarray(from, Math.min(at, from + Math.max(0, most - size)));
        if (part.length > 0) parts.push(new Uint8Array(part));
        size += at - from;
        from = 0;
      },
      whole() {
        const { bytes, isCut } = copy.beginning();
        return isCut ? undefined : { bytes, values: values - before };
      },
      beginning() {
        copy.take();
        copies.delete(copy);
        return { bytes: Buffer.concat(parts), isCut: size > most };
      },
    };
    copies.add(copy);
    return copy;
  }

  function goOn(next: Uint8Array): void {
    for (const copy of copies) copy.take();
    piece = next;
    at = 0;
  }

  return {
    peek,
    skip,
    isBegun,
    isMore,
    skipUnknown,
    readName,
    copyFrom,
    goOn,
    /** There is no further piece. */
    end(): void {
      isOver = true;
      goOn(new Uint8Array());
    },
  };
}
