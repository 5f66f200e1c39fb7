import { plainText } from "./plain-text.ts";

export interface JsonLinesOptions {
  onLine(value: Record<string, unknown>): void;
  /** Called with the beginning of a line that is no JSON object, cleaned. */
  onNoise(text: string): void;
  /** Longest line, in bytes. */
  maxBytes?: number;
}

const MAX_BYTES = 16 * 1024 * 1024;
const NOISE_CHARS = 500;
const LINE_FEED = 0x0a;

/** Reads one JSON object a line from a stream of bytes. Lines end at a line feed; the last one may have none. */
export function createJsonLines({ onLine, onNoise, maxBytes = MAX_BYTES }: JsonLinesOptions) {
  let parts: Uint8Array[] = [];
  let length = 0;

  function takePart(part: Uint8Array): void {
    // Of a line that is too long only the beginning is kept, for the log.
    if (length <= maxBytes) parts.push(part);
    length += part.length;
    if (length > maxBytes) parts = [Buffer.from(Buffer.concat(parts).subarray(0, NOISE_CHARS))];
  }

  function endLine(): void {
    const text = Buffer.concat(parts).toString("utf8");
    const bytes = length;
    parts = [];
    length = 0;
    const value = bytes > maxBytes ? undefined : objectIn(text);
    if (value) onLine(value);
    else if (bytes > maxBytes) onNoise(`A line of ${bytes} bytes, longer than ${maxBytes}: ${cut(text)}`);
    else if (text.trim() !== "") onNoise(cut(text));
  }

  return {
    take(chunk: Uint8Array): void {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
        takePart(chunk.subarray(from, end));
        endLine();
        from = end + 1;
      }
      if (from < chunk.length) takePart(chunk.slice(from));
    },
    /** Takes the last line. */
    end(): void {
      if (length > 0) endLine();
    },
  };
}

const cut = (text: string): string => plainText(text.slice(0, NOISE_CHARS)).trim();

/** Object that a line is; undefined for other text. */
export function objectIn(line: string): Record<string, unknown> | undefined {
  if (!line.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
