import { existsSync, lstatSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DaemonError } from "../errors.ts";
import { isUnderGit, lookAt } from "../git/look.ts";
import { addTree, removeTree, type Tree } from "../git/worktree.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { WorktreeRow } from "../journal/worktrees.ts";
import type { Services } from "../services.ts";

/** Letters of a session's id in the names of its folder and its branch. */
const SUFFIX = 6;

export type Worktrees = ReturnType<typeof createWorktrees>;

interface Parts {
  /** Whether a process or a turn of a session is there. */
  isBusy(sessionId: string): boolean;
  /** Called with a session whose worktree stays, and why. */
  kept(session: SessionRow, tree: Tree, why: string): void;
}

/**
 * Git worktrees of sessions, below the workspace. Each is made before its session begins, and removed after it has ended, if nothing would be
 * lost by that. One that was removed is made again when its session goes on.
 */
export function createWorktrees(services: Services, { isBusy, kept }: Parts) {
  const { journal, config, git, life, log } = services;
  /** Work at one worktree is done one after the other. */
  const working = new Map<string, Promise<unknown>>();

  function inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const next = (working.get(id) ?? Promise.resolve()).catch(() => undefined).then(work);
    working.set(id, next);
    const over = () => void (working.get(id) === next && working.delete(id));
    next.then(over, over);
    return next;
  }

  /** @throws DaemonError where the folder is no part of a repository that may be used */
  async function planned({ id, name, cwd }: Pick<SessionRow, "id" | "name" | "cwd">): Promise<Tree> {
    const refuse = (why: string) => new DaemonError(`No worktree can be made for ${cwd}: ${why}`);
    const state = isUnderGit(cwd) ? await lookAt(git, cwd) : undefined;
    life.throwIfAborted();
    if (!state) throw refuse("git does not know it. Name a folder of a repository, or work without a worktree.");
    const workspace = realpathSync(config.workspace);
    // A link in place of .git could name any repository of this machine.
    for (const place of [state.root, state.common])
      if (!isBelow(workspace, realpathSync(place)))
        throw refuse(`its repository is outside of the workspace ${workspace}.`);
    if (state.head === null) throw refuse("its repository has no commit yet.");
    const own = `${name}-${id.slice(-SUFFIX)}`;
    const path = join(folderFor(workspace), own);
    return {
      root: state.root,
      common: state.common,
      path,
      branch: `signalbox/${own}`,
      base: state.branch,
      start: state.head,
    };
  }

  /** @throws DaemonError */
  async function begin(session: SessionRow): Promise<WorktreeRow> {
    const tree = await planned(session);
    const row: WorktreeRow = { id: session.id, tree, state: "begun" };
    const note = `This folder is a git worktree of your own, on the branch ${tree.branch}. Commit your work on it.`;
    journal.write(() => {
      journal.worktrees.put(row);
      const notes = [session.note, note].filter(Boolean).join("\n\n");
      journal.sessions.change(session.id, {
        cwd: join(tree.path, relative(tree.root, realpathSync(session.cwd))),
        note: notes,
      });
    });
    return row;
  }

  /** Makes the worktree of a session, where it is not there. @throws DaemonError */
  async function make(id: string, session: SessionRow): Promise<void> {
    const row = journal.worktrees.get(id) ?? (id === session.id ? await begin(session) : undefined);
    if (!row || (row.state === "there" && existsSync(row.tree.path))) return;
    folderFor(realpathSync(config.workspace));
    const isThere = await addTree(git, row.tree);
    life.throwIfAborted();
    if (!isThere) throw new DaemonError(`Git could not make the worktree ${row.tree.path}, on ${row.tree.branch}.`);
    journal.write(() => journal.worktrees.put({ ...row, state: "there" }));
    log(`Worktree ${row.tree.path} is there`, { session: session.id });
  }

  /** The session, in a folder that is there. */
  function placed(id: string): SessionRow {
    const row = journal.sessions.get(id);
    if (!row) throw new Error(`the journal has no session ${id}`);
    const tree = row.worktree === null ? undefined : journal.worktrees.get(row.worktree)?.tree;
    // A folder that no commit has is in no worktree.
    if (!tree || !isBelow(tree.path, row.cwd) || statSync(row.cwd, { throwIfNoEntry: false })?.isDirectory())
      return row;
    return journal.write(() => journal.sessions.change(id, { cwd: tree.path }));
  }

  /** @returns why it stays */
  async function tidy(id: string, endedId?: string): Promise<string | undefined> {
    const row = journal.isOpen ? journal.worktrees.get(id) : undefined;
    if (!row || life.aborted) return undefined;
    const sessions = journal.sessions.inWorktree(id);
    const ids = sessions.map((one) => one.id);
    const open = journal.turns.open().flatMap(({ sessionId, plan }) => [sessionId, plan.sessionId]);
    if (ids.some((one) => isBusy(one) || open.includes(one))) return undefined;
    const isOver = sessions.every(({ state }) => state === "dead");
    const why = row.state === "gone" ? undefined : await removeTree(git, row.tree, ids);
    if (life.aborted) return undefined;
    if (why !== undefined) {
      const told = sessions.filter((one) => one.state !== "dead" || one.id === endedId);
      for (const one of told) kept(one, row.tree, why);
      return keptText(row.tree, why);
    }
    if (row.state !== "gone") log(`Worktree ${row.tree.path} is removed: nothing of it would be lost`);
    journal.write(() => (isOver ? journal.worktrees.remove(id) : journal.worktrees.put({ ...row, state: "gone" })));
    return undefined;
  }

  const noted = (error: unknown): undefined => {
    if (!life.aborted) log(`A worktree was left: ${error instanceof Error ? error.message : error}`);
    return undefined;
  };

  return {
    /** The session as it begins a process or a turn, in its worktree if it has one. @throws DaemonError */
    async ready(session: SessionRow): Promise<SessionRow> {
      const { worktree } = journal.sessions.get(session.id) ?? session;
      if (worktree === null) return session;
      return inTurn(worktree, async () => {
        const now = journal.sessions.get(session.id) ?? session;
        await make(worktree, now);
        return placed(session.id);
      });
    },
    /** @throws DaemonError where no worktree can be made for a folder */
    async check(cwd: string): Promise<void> {
      await planned({ id: "", name: "", cwd });
    },
    /** Branch of a session's worktree. */
    branchOf: ({ worktree }: SessionRow): string | undefined =>
      worktree === null ? undefined : journal.worktrees.get(worktree)?.tree.branch,
    /** A session has ended, or its process: its worktree goes, unless something of it would be lost. @returns a sentence if it stays */
    async ended({ id, worktree }: SessionRow): Promise<string | undefined> {
      return worktree === null ? undefined : inTurn(worktree, () => tidy(worktree, id)).catch(noted);
    },
    /** Looks at every worktree that nobody works in: its branch may be merged by now. */
    async sweep(): Promise<void> {
      if (!journal.isOpen) return;
      for (const { id } of journal.worktrees.all()) await inTurn(id, () => tidy(id)).catch(noted);
    },
  };
}

/** Sentence about a worktree that stays. */
export const keptText = ({ path, branch }: Tree, why: string): string =>
  `Its worktree ${path} is kept, on the branch ${branch}: ${why}.`;

const isBelow = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}/`);

/**
 * Folder for worktrees, which git passes over where the workspace is a repository itself. An agent may have put a link in its place.
 * @throws DaemonError
 */
function folderFor(workspace: string): string {
  const own = join(workspace, ".signalbox");
  const folder = join(own, "worktrees");
  for (const place of [own, folder]) {
    const there = lstatSync(place, { throwIfNoEntry: false });
    if (!there) mkdirSync(place, { mode: 0o700 });
    else if (!there.isDirectory()) throw new DaemonError(`${place} is no folder of its own.`);
  }
  const ignore = join(folder, ".gitignore");
  if (!lstatSync(ignore, { throwIfNoEntry: false })) writeFileSync(ignore, "*\n", { flag: "wx", mode: 0o600 });
  return folder;
}
