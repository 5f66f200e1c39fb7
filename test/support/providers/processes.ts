import { randomBytes } from "node:crypto";
import { type ContainedTask, startContained } from "../../../src/harness/providers/process/contained.ts";
import { atEnd } from "../ending.ts";

/** Waits of a sweep, short: the kernel of the test machine ends a killed process at once. */
export const QUICK_SWEEP = { roundMs: 20, quietMs: 60, limitMs: 10_000 };

export const newSessionId = (): string => `ses_${randomBytes(10).toString("hex")}`;

/** Pids with the marker of a session, counted by a program that is not ours. */
export function markedFromOutside(sessionId: string): number[] {
  const script = `grep -slz "^SIGNALBOX_SESSION=${sessionId}$" /proc/[0-9]*/environ`;
  const { stdout } = Bun.spawnSync(["sh", "-c", script], { env: { PATH: process.env.PATH ?? "" } });
  return [...stdout.toString().matchAll(/\/proc\/(\d+)\//g)].map(([, pid]) => Number(pid));
}

/** Shell script as the CLI of a session, contained. It is ended with the test. */
export async function startScript(script: string, more: Partial<ContainedTask> = {}) {
  const sessionId = newSessionId();
  const lines: Record<string, unknown>[] = [];
  const noise: string[] = [];
  const contained = await startContained({
    words: ["/bin/sh", "-c", script],
    cwd: "/",
    environment: { PATH: process.env.PATH ?? "" },
    sessionId,
    containment: { sweep: QUICK_SWEEP },
    onLine: (line) => lines.push(line),
    onNoise: (text) => noise.push(text),
    ...more,
  });
  atEnd(async () => {
    await contained.close({ graceMs: 0 });
  });
  return { contained, sessionId, lines, noise };
}
