import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writePrivately } from "../private-file.ts";

/** State that the hooks of one session share. */
const Memory = z.object({
  /** Times in a row that the session was kept from stopping. */
  blocks: z.int().min(0),
  /** Newest message that was shown and is yet to be acknowledged. */
  shownUpTo: z.int().min(0).optional(),
  /** Newest unread message that the session was kept for once. */
  countedUpTo: z.int().min(0).optional(),
});
export type Memory = z.infer<typeof Memory>;

const KEPT_MS = 7 * 86_400_000;

export type SessionMemory = ReturnType<typeof sessionMemory>;

/** Memory of a session in a file of its own: each hook is a new process. */
export function sessionMemory(folder: string, agentId: string, session: string) {
  const sessions = join(folder, "sessions");
  const name = createHash("sha256")
    .update(JSON.stringify([agentId, session]))
    .digest("hex")
    .slice(0, 32);
  const file = join(sessions, `${name}.json`);
  return {
    /** `undefined` when there is no memory, or none that can be read. */
    read(): Memory | undefined {
      try {
        return Memory.parse(JSON.parse(readFileSync(file, "utf8")));
      } catch {
        return undefined;
      }
    },
    write: (memory: Memory): void => writePrivately(file, JSON.stringify(memory)),
    /** Deletes the memory of sessions without a hook for a week. */
    forgetOld(now: number): void {
      for (const name of readdirSync(sessions)) {
        const path = join(sessions, name);
        if (now - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
      }
    },
  };
}
