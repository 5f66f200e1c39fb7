import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivately } from "../private-file.ts";

/** Hooks leave a relay alone for this long after it kept one of them waiting without an answer. */
const LEFT_ALONE_MS = 60_000;

/** Record, for all hooks of this person, that a relay does not answer: otherwise each hook would wait for it again. */
export function createSilence(folder: string, url: string) {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
  const file = join(folder, "silent", name);
  return {
    isSilent(now: number): boolean {
      const since = Number(textOf(file) || Number.NaN);
      // A time in the future comes from a clock that was set back.
      return now >= since && now - since < LEFT_ALONE_MS;
    },
    note(now: number): void {
      try {
        writePrivately(file, String(now));
      } catch {}
    },
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
