import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writePrivately } from "../private-file.ts";

/** What the hooks of one session of a harness know of each other. */
const Memory = z.object({
  /** How often in a row the session was kept from stopping. */
  blocks: z.int().min(0),
  /** Everything up to here was shown, and is yet to be acknowledged. */
  shownUpTo: z.int().min(0).optional(),
  /** The session was kept once for what is unread up to here. */
  countedUpTo: z.int().min(0).optional(),
});
export type Memory = z.infer<typeof Memory>;

const KEPT_MS = 7 * 86_400_000;

/** Each hook is a process of its own: what it knows is in a file for each session. */
export function sessionMemory(folder: string, agentId: string, session: string) {
  const sessions = join(folder, "sessions");
  const name = createHash("sha256")
    .update(JSON.stringify([agentId, session]))
    .digest("hex")
    .slice(0, 32);
  const file = join(sessions, `${name}.json`);
  return {
    /** undefined when nothing is known. */
    read(): Memory | undefined {
      try {
        return Memory.parse(JSON.parse(readFileSync(file, "utf8")));
      } catch {
        return undefined;
      }
    },
    write: (memory: Memory): void => writePrivately(file, JSON.stringify(memory)),
    /** Sessions that nothing was heard of for a week. */
    forgetOld(now: number): void {
      for (const name of readdirSync(sessions)) {
        const path = join(sessions, name);
        if (now - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
      }
    },
  };
}
