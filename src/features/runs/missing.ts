import type { RunRow } from "./row.ts";

/** A text for a chat that says which of the named files the relay does not have. */
export function withMissing(text: string, { missingFiles }: Pick<RunRow, "missingFiles">): string {
  const names: string[] = missingFiles === null ? [] : JSON.parse(missingFiles);
  if (names.length === 0) return text;
  return `${text}\n\n[missing ${names.length > 1 ? "files" : "file"}: ${names.join(", ")}]`.trimStart();
}
