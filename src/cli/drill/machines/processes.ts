import { readdirSync, readFileSync } from "node:fs";

/** A process of a session, seen from outside. */
export interface Seen {
  pid: number;
  sessionId: string;
  parent: number;
  /** Whether it is the agent CLI, and no tool of it. */
  isAgent: boolean;
}

const MARK = /(?:^|\0)SIGNALBOX_SESSION=([^\0]+)/;

/** Processes with the marker of a session whose home is below a folder. Linux alone shows environments in this way. */
export function lookAround(folder: string): Seen[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    const environ = read(pid, "environ");
    const sessionId = MARK.exec(environ)?.[1];
    if (sessionId === undefined || !environ.includes(`HOME=${folder}/`)) return [];
    const isAgent = read(pid, "cmdline").includes("/agent.js\0");
    const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(read(pid, "stat"))?.[1]);
    return [{ pid, sessionId, parent, isAgent }];
  });
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    // Ended meanwhile, or another user's.
    return "";
  }
}

const LOOK_MS = 20;

/** Looks again and again for two agents in one session, until told to stop. @returns a sentence for each such pair */
export async function watchWriters(folder: string, stopped: () => boolean): Promise<Set<string>> {
  const found = new Set<string>();
  while (!stopped()) {
    const all = lookAround(folder).filter(({ isAgent }) => isAgent);
    // A tool of an agent looks like it until its own program has begun.
    const own = all.filter(({ parent }) => !all.some(({ pid }) => pid === parent));
    const agents = Map.groupBy(own, ({ sessionId }) => sessionId);
    for (const [sessionId, pids] of agents)
      if (pids.length > 1)
        found.add(`session ${sessionId} had two agents: ${pids.map(({ pid }) => pid).join(" and ")}`);
    await Bun.sleep(LOOK_MS);
  }
  return found;
}
