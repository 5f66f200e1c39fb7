import { relative, resolve } from "node:path";
import type { SessionEvent } from "../../harness/providers/provider.ts";
import type { RunLink } from "../../protocol/runs.ts";
import type { Look } from "../journal/looks.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Observed, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { type GitState, isUnderGit, lookAt } from "./look.ts";
import { pullOpenedBy } from "./pull-requests.ts";
import { projectOf, turnGit } from "./turn-links.ts";

const MAX_LINKS = 100;
const MAX_CODES = 32;
const MAX_CHANGED = 200;
/** Characters of paths in one report. */
const MAX_EVIDENCE = 6000;

export type Observations = ReturnType<typeof createObservations>;

/** Sees what turns did beside what their models say: git before and after, pull requests of tools, exit codes of commands. */
export function createObservations(services: Services) {
  const { journal, git, life } = services;
  /** Calls of tools that have no result yet, by session. */
  const calls = new Map<string, Map<string, { name: string; args: unknown }>>();
  const working = new Map<string, { turnId: string; look: Look }>();

  const look = async (cwd: string): Promise<GitState | undefined> => (isUnderGit(cwd) ? lookAt(git, cwd) : undefined);

  function store(turnId: string, found: Look): void {
    if (journal.isOpen) journal.write(() => journal.looks.put(turnId, found));
  }

  function hear(sessionId: string, event: SessionEvent & { type: "tool" }): void {
    const open = calls.get(sessionId) ?? new Map<string, { name: string; args: unknown }>();
    calls.set(sessionId, open);
    if (event.phase === "start") open.set(event.id, { name: event.name, args: event.args });
    if (event.phase !== "result") return;
    const call = open.get(event.id);
    open.delete(event.id);
    const now = working.get(sessionId);
    if (!now) return;
    const pull = call && pullOpenedBy({ ...call, result: event.result, isError: event.isError });
    if (pull) now.look.pulls.push(pull);
    if (event.exitCode !== undefined) now.look.exitCodes = [...now.look.exitCodes, event.exitCode].slice(-MAX_CODES);
    if (pull) store(now.turnId, now.look);
  }

  return {
    /** Looks at the folder of a turn that begins, or goes on. @returns its project: the repository, else the folder */
    async begin(turn: TurnRow, session: SessionRow): Promise<string> {
      const state = await look(session.cwd);
      life.throwIfAborted();
      const known = journal.looks.get(turn.id);
      const found = known ?? { before: state ?? null, pulls: [], edited: [], shared: false, exitCodes: [] };
      if (!known) store(turn.id, found);
      for (const other of working.values())
        if (state && other.look.before?.root === state.root) other.look.shared = found.shared = true;
      working.set(session.id, { turnId: turn.id, look: found });
      return state ? projectOf(state) : session.cwd;
    },

    /** The turn of a session goes on in another one. */
    moved(from: string, to: string): void {
      const now = working.get(from);
      if (now) working.set(to, now);
      working.delete(from);
    },

    /** Looks again once a turn is over. */
    async end(turn: TurnRow, session: SessionRow): Promise<Observed> {
      const now = working.get(session.id);
      const found = now?.turnId === turn.id ? now.look : journal.looks.get(turn.id);
      working.delete(session.id);
      calls.delete(session.id);
      const after = await look(session.cwd);
      const { links, changed } = await turnGit(git, found?.before ?? undefined, after);
      return {
        project: after ? projectOf(after) : session.cwd,
        links: merged([...links, ...(found?.pulls ?? [])]),
        changed: after && found ? own(found, after, changed).slice(0, MAX_CHANGED) : [],
        seen: {
          ...(found?.exitCodes.length && { exitCodes: found.exitCodes }),
          ...(after && { dirtyFiles: after.dirtyCount }),
          ...(after?.ahead != null && { unpushedCommits: after.ahead }),
          ...(after?.branch && { branch: after.branch }),
          ...(after?.head && { head: after.head }),
        },
      };
    },

    /** Links of the newest turns of a session, each once. */
    linksOf({ agentId, sessionKey, id }: SessionRow): RunLink[] {
      const turns = journal.turns.newest(agentId, sessionKey, 20).filter(({ sessionId }) => sessionId === id);
      return merged(turns.toReversed().flatMap(({ end }) => end?.observed?.links ?? []));
    },

    /** Observer of all sessions. */
    observe(session: SessionRow, event: SessionEvent): void {
      if (event.type === "tool") hear(session.id, event);
      if (event.type === "diff") working.get(session.id)?.look.edited.push(event.path);
    },
  };
}

/** Paths that the turn itself changed: where others worked in its folder too, those alone that its tools edited. */
function own({ shared, edited }: Look, { root }: GitState, changed: string[]): string[] {
  if (!shared) return changed;
  const named = new Set(edited.map((path) => relative(root, resolve(root, path))));
  return changed.filter((path) => named.has(path));
}

/** Places that a turn changed, as its session reports them: the relay looks for others there. Reads never count. */
export function placesOf({ project, changed, seen }: Observed): Record<string, unknown> | undefined {
  if (changed.length === 0) return undefined;
  let room = MAX_EVIDENCE;
  const paths = changed.filter((path) => {
    room -= project.length + path.length + 40;
    return room > 0;
  });
  return {
    changed: paths.map((path) => ({ repository: project, path })),
    ...(seen.branch && { branch: { repository: project, name: seen.branch } }),
  };
}

/** Each link once, with its newest state, in the order of their last mention. */
function merged(links: readonly RunLink[]): RunLink[] {
  const found = new Map<string, RunLink>();
  for (const link of links) {
    const key = `${link.kind}\n${link.ref ?? ""}\n${link.url ?? ""}`;
    found.delete(key);
    found.set(key, link);
  }
  return [...found.values()].slice(-MAX_LINKS);
}
