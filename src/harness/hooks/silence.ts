import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivately } from "../private-file.ts";

/** After a relay kept a hook waiting in vain, hooks leave it alone for this long. */
const LEFT_ALONE_MS = 60_000;

/** Remembers, for all hooks of this person, that a relay does not answer: each hook would wait for it anew. */
export function createSilence(folder: string, url: string) {
  const name = createHash("sha256").update(url).digest("hex").slice(0, 16);
  const file = join(folder, "silent", name);
  return {
    isSilent(now: number): boolean {
      const since = Number(textOf(file) || Number.NaN);
      // A time to come is one of a clock that was set back.
      return now >= since && now - since < LEFT_ALONE_MS;
    },
    note(now: number): void {
      try {
        writePrivately(file, String(now));
      } catch {}
    },
    forget(): void {
      rmSync(file, { force: true });
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
