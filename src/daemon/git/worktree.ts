import { existsSync, lstatSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { counted } from "../counted.ts";
import type { Git } from "./command.ts";
import { END_OF_OPTIONS } from "./command.ts";
import { lookAt, ownSettings, withoutFilters } from "./look.ts";
import { unmerged } from "./merged.ts";

/** Working tree of a session, on a branch of its own. */
export interface Tree {
  /** Root of the repository's own working tree, and the folder that all of its trees share. */
  root: string;
  common: string;
  path: string;
  branch: string;
  /** Branch that it came from; null where none was out. */
  base: string | null;
  /** Commit that it began at. */
  start: string;
}

/** A big repository takes its time. */
const PATIENCE_MS = 300_000;
const OWN = ".signalbox/";

/**
 * Options under which git writes into a repository, and runs nothing that it names; undefined where there are none. Later versions of git
 * run hooks of the configuration.
 */
async function safely(git: Git, root: string): Promise<string[] | undefined> {
  const own = await ownSettings(git, root);
  if (!own || own.some((name) => /^hook\./i.test(name))) return undefined;
  const without = withoutFilters(own);
  return without && [...without, "-c", "submodule.recurse=false"];
}

/** Makes a working tree: on its branch where that is there, else at the commit that it begins at. @returns whether it is there */
export async function addTree(git: Git, { root, path, branch, start }: Tree): Promise<boolean> {
  const safe = await safely(git, root);
  if (!safe) return false;
  // Forgets one whose folder is gone, or that was made by half.
  await git(root, [...safe, "worktree", "remove", "--force", "--force", path], PATIENCE_MS);
  if (lstatSync(path, { throwIfNoEntry: false })) return false;
  const isKnown = (await tipOf(git, root, branch)) !== undefined;
  const at = isKnown ? [path, branch] : ["--no-track", "-b", branch, path, start];
  const added = await git(root, [...safe, "worktree", "add", "--quiet", ...at], PATIENCE_MS);
  return added !== undefined && existsSync(path) && realpathSync(path) === path;
}

/**
 * Removes a working tree with its branch, if nothing would be lost: no changes, and every commit, or all that they change, is in the branch that it came from.
 * `own`: names of folders below `.signalbox/` that are ours. @returns why it stays; undefined once it is gone
 */
export async function removeTree(git: Git, tree: Tree, own: readonly string[]): Promise<string | undefined> {
  const { root, path, branch } = tree;
  const safe = await safely(git, root);
  if (!safe) return "git cannot look at its repository";
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const why = isThere ? await reasonToKeep(git, tree) : undefined;
  if (why !== undefined) return why;
  if (isThere) dropOwn(path, own);
  await git(root, [...safe, "worktree", "remove", path], PATIENCE_MS);
  if (existsSync(path)) return "git did not remove it";
  const tip = await tipOf(git, root, branch);
  if (tip === undefined || (await unmerged(git, tree, [tip])) !== 0) return undefined;
  const listed = await git(root, ["for-each-ref", "--format=%(worktreepath)", `refs/heads/${branch}`]);
  if (listed?.trim() === "") await git(root, [...safe, "update-ref", "-d", `refs/heads/${branch}`, tip]);
  return undefined;
}

async function tipOf(git: Git, root: string, branch: string): Promise<string | undefined> {
  const tip = await git(root, ["rev-parse", "--verify", "--quiet", END_OF_OPTIONS, `refs/heads/${branch}^{commit}`]);
  return tip?.trim() || undefined;
}

async function reasonToKeep(git: Git, tree: Tree): Promise<string | undefined> {
  const { root, path, branch, common } = tree;
  const state = existsSync(path) && realpathSync(path) === path ? await lookAt(git, path) : undefined;
  if (!state || state.root !== path || state.common !== common)
    return "it is no working tree of its repository any more";
  const changed = state.dirtyCount - state.dirty.filter((one) => one.startsWith(OWN)).length;
  if (changed > 0) return `${counted(changed, "path")} ${changed === 1 ? "has" : "have"} changes that no commit has`;
  const tips = [state.head, await tipOf(git, root, branch)].filter((tip) => tip != null);
  const count = await unmerged(git, tree, tips);
  if (count === 0) return undefined;
  const from = tree.base === null ? "its beginning" : `the branch that it came from`;
  return count === undefined
    ? "its commits cannot be compared"
    : `${counted(count, "commit")} of it ${count === 1 ? "is" : "are"} not in ${from}`;
}

/** Removes our own folders, which git would take for changes. */
function dropOwn(path: string, own: readonly string[]): void {
  const folder = join(path, OWN);
  if (!lstatSync(folder.slice(0, -1), { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of own) rmSync(join(folder, name), { recursive: true, force: true });
  try {
    rmdirSync(folder);
  } catch {
    // Others put something there, too.
  }
}
