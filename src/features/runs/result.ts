import { RESULT_BYTES } from "../../protocol/limits.ts";
import { isSilence } from "../../protocol/silence.ts";
import type { RunRow } from "./row.ts";

/** Result of a turn: as its row keeps it, and its whole text. */
export interface Result {
  text: string;
  columns: Pick<RunRow, "result" | "resultCut" | "resultFileId" | "resultFiles" | "missingFiles" | "silent">;
}

export interface Said {
  text: string | null;
  silent?: boolean;
  /** File with the whole text, when it is too long for the row. */
  fileId?: string | undefined;
  files?: readonly string[];
  missingFiles?: readonly string[];
}

export const isLong = (text: string): boolean => Buffer.byteLength(text) > RESULT_BYTES;

export function toResult({ text, silent = false, fileId, files = [], missingFiles = [] }: Said): Result {
  const isQuiet = silent || isSilence(text);
  const whole = isQuiet ? "" : (text ?? "");
  const isCut = isLong(whole);
  return {
    text: whole,
    columns: {
      result: whole.trim() === "" ? null : isCut ? cut(whole) : whole,
      resultCut: isCut,
      resultFileId: isCut ? (fileId ?? null) : null,
      resultFiles: files.length ? JSON.stringify(files) : null,
      missingFiles: missingFiles.length ? JSON.stringify(missingFiles) : null,
      silent: isQuiet,
    },
  };
}

/** The beginning of a long text, without a broken character at its end. */
function cut(text: string): string {
  const bytes = Buffer.from(text).subarray(0, RESULT_BYTES);
  return new TextDecoder().decode(bytes, { stream: true });
}
