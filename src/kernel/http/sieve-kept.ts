import { Problem } from "../../protocol/problem.ts";

/** Room for kept parts, within the limits of parsing. */
export const ROOM = { bytes: 4_000_000, values: 90_000 };

/** Part of the body as sent. `values`: members and items, counted as in `parseText`. */
export interface Copied {
  bytes: Uint8Array;
  values: number;
}

const encoder = new TextEncoder();

/** Growing JSON text that can be cut back to an earlier place. */
export function createKept() {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let values = 0;

  function addBytes(copied: Copied): void {
    parts.push(copied.bytes);
    bytes += copied.bytes.length;
    values += copied.values;
  }

  return {
    add: (text: string, count: number): void => addBytes({ bytes: encoder.encode(text), values: count }),
    addBytes,
    mark: () => ({ parts: parts.length, bytes, values }),
    backTo(mark: { parts: number; bytes: number; values: number }): void {
      parts.length = mark.parts;
      bytes = mark.bytes;
      values = mark.values;
    },
    /** Tells whether a part fits in after a place. */
    hasRoom: (mark: { bytes: number; values: number }, copied: Copied, room = ROOM): boolean =>
      mark.bytes + copied.bytes.length <= room.bytes && mark.values + copied.values <= room.values,
    all: (): Uint8Array => Buffer.concat(parts),
  };
}

/** Completes a JSON string that was cut off anywhere. @throws Problem 400 */
export function closedText(beginning: Uint8Array): Uint8Array {
  const text = decoded(beginning, true);
  // The longest sequence that a cut can break is \uXXXX.
  for (let cut = 0; cut < 6; cut++) {
    try {
      const whole: string = JSON.parse(`${text.slice(0, text.length - cut)}"`);
      return encoder.encode(JSON.stringify(whole.replace(/[\uD800-\uDBFF]$/, "").toWellFormed()));
    } catch {}
  }
  throw notJson();
}

/** Decodes UTF-8. `isCut`: drops an incomplete last character. @throws Problem 400 */
export function decoded(bytes: Uint8Array, isCut = false): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    throw new Problem("not-json", "The body is not UTF-8.");
  }
}

export const notJson = (): Problem =>
  new Problem("not-json", "The body is not JSON: check its quotes, commas and brackets.");
