import { type Copied, notJson } from "./sieve-kept.ts";
import { BACKSLASH, COLON, COMMA, isBlank, newScan, QUOTE, type Scan, scanValue } from "./sieve-scan.ts";

/** Steps of reading; a step yields when its piece is used up. */
export type Steps<T> = Generator<undefined, T>;

/** Copy of everything read from a place on. `take` is called before a piece is released. */
export interface Copy {
  take(): void;
  /** `undefined` when the copy grew beyond its limit. */
  whole(): Copied | undefined;
  beginning(): { bytes: Uint8Array; isCut: boolean };
}

/** Names of wanted members. */
export type Names = ReturnType<typeof createNames>;

/** Compares names as bytes: decoding each name takes five times as long. */
export function createNames(names: Iterable<string>) {
  const wanted = [...names].map((name) => ({ name, bytes: Buffer.from(name) }));
  const isWanted = (given: string | undefined) => wanted.some(({ name }) => name === given);
  return {
    /** Tells whether a range of bytes is one of the names. */
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

/** Reads JSON in pieces, value by value. */
export function createReader() {
  let piece: Uint8Array = new Uint8Array();
  let at = 0;
  let isOver = false;
  /** Members and items so far, counted as in `parseText`. */
  let values = 0;
  const copies = new Set<Copy>();

  /** Next byte that is no white space. */
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

  /** Skips one value, or the rest of a list. */
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

  /** Consumes the comma or the closing bracket; true when another item follows. */
  function* isMore(close: number): Steps<boolean> {
    const code = yield* peek();
    if (code !== COMMA && code !== close) throw notJson();
    at++;
    values++;
    return code === COMMA;
  }

  /** Consumes the opening bracket; false when the list or object is empty. */
  function* isBegun(close: number): Steps<boolean> {
    at++;
    values++;
    if ((yield* peek()) !== close) return true;
    at++;
    return false;
  }

  /** Skips unknown members that end within this piece and have a successor: 50 ns each. */
  function skipUnknown(members: Names): void {
    for (;;) {
      const end = endOfMember(members);
      if (end === undefined) return;
      at = end;
    }
  }

  /** Place after the comma of an unknown member; `undefined` for a wanted one, and when it ends in a later piece. */
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

  /** Consumes a name and its colon; `undefined` for a name longer than any wanted one. */
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
    /** Marks the end of the body. */
    end(): void {
      isOver = true;
      goOn(new Uint8Array());
    },
  };
}
