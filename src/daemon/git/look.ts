import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryOf } from "../../protocol/repositories.ts";
import { END_OF_OPTIONS, type Git } from "./command.ts";

/** State of a folder under git. */
export interface GitState {
  /** Root of the working tree, absolute. */
  root: string;
  /** Folder that all worktrees of the repository share, absolute: it says which repository a worktree belongs to. */
  common: string;
  /** `host/owner/name` of the remote `origin`; null without one that is known. */
  repository: string | null;
  /** null when no branch is out. */
  branch: string | null;
  /** Commit that is out; null before the first. */
  head: string | null;
  /** Commits that no remote branch has; null without a remote branch to compare with. */
  ahead: number | null;
  /** Paths with changes that no commit has, from the root, 1,000 at most. */
  dirty: string[];
  /** Number of all of them. */
  dirtyCount: number;
}

const MAX_PATHS = 1000;

/** Looks at a folder; undefined when git knows nothing of it. Changes nothing, and runs nothing that the repository names. */
export async function lookAt(git: Git, cwd: string): Promise<GitState | undefined> {
  const places = await git(cwd, ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"]);
  const [root, common] = places?.split("\n") ?? [];
  if (!root || !common) return undefined;
  const own = await ownSettings(git, cwd);
  const without = own && withoutFilters(own);
  if (!without) return undefined;
  const status = await git(cwd, [
    ...without,
    ...["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=all"],
  ]);
  if (status === undefined) return undefined;
  const remote = await git(cwd, ["config", "--get", "remote.origin.url"]);
  const { ahead, ...said } = read(status);
  return {
    ...{ root, common, repository: (remote && repositoryOf(remote.trim())) || null },
    ...{ ...said, ahead: ahead ?? (await unpushed(git, cwd, said.head)) },
  };
}

/** Names of what the repository itself configures, as its agents may have; undefined where git cannot say them. */
export async function ownSettings(git: Git, cwd: string): Promise<string[] | undefined> {
  const listed = await git(cwd, ["config", "--list", "--show-scope", "--name-only", "-z", "--includes"]);
  const fields = listed?.split("\0");
  return fields?.filter((name, index) => index % 2 === 1 && /^(local|worktree)$/.test(fields[index - 1] ?? "") && name);
}

/**
 * Options that switch off the filters which the repository itself configures: `git status` runs the filter of a file that was touched.
 * Filters of the user's own configuration stay.
 */
export function withoutFilters(own: readonly string[]): string[] | undefined {
  const drivers = own.flatMap((name) => /^filter\.([\s\S]+)\.[a-z]+$/i.exec(name)?.[1] ?? []);
  // A name with = would end too early in an option: such a repository is not looked at.
  if (drivers.some((name) => name.includes("="))) return undefined;
  return [...new Set(drivers)].flatMap((name) =>
    ["clean=", "smudge=", "process=", "required=false"].flatMap((option) => ["-c", `filter.${name}.${option}`]),
  );
}

/** Commits that no remote branch has, of a branch without an upstream; null in a repository without remote branches. */
async function unpushed(git: Git, cwd: string, head: string | null): Promise<number | null> {
  if (head === null) return null;
  const remotes = await git(cwd, ["for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes"]);
  if (!remotes?.trim()) return null;
  const count = await git(cwd, [
    ...["rev-list", "--count", "--max-count=1000", "--not", "--remotes", "--not"],
    ...[END_OF_OPTIONS, head, "--"],
  ]);
  return count === undefined ? null : Number(count.trim());
}

/** Reads `git status --porcelain=v2 --branch -z`. */
function read(
  status: string,
): Pick<GitState, "branch" | "head" | "dirty" | "dirtyCount"> & { ahead: number | undefined } {
  const state = { branch: null as string | null, head: null as string | null, ahead: undefined as number | undefined };
  const dirty: string[] = [];
  let dirtyCount = 0;
  const entries = status.split("\0");
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] ?? "";
    const [, header, value = ""] = /^# branch\.(\S+) ([\s\S]*)$/.exec(entry) ?? [];
    if (header === "oid" && value !== "(initial)") state.head = value;
    else if (header === "head" && value !== "(detached)") state.branch = value;
    else if (header === "ab") state.ahead = Number(/^\+(\d+)/.exec(value)?.[1]);
    const path = pathOf(entry);
    if (path === undefined) continue;
    dirtyCount++;
    if (dirty.length < MAX_PATHS) dirty.push(path);
    // The former name of a renamed file follows as an entry of its own.
    if (entry.startsWith("2 ")) index++;
  }
  return { ...state, dirty, dirtyCount };
}

/** Number of fields before the path, by the kind of entry. */
const FIELDS: Record<string, number> = { "1": 8, "2": 9, u: 10, "?": 1 };

function pathOf(entry: string): string | undefined {
  const before = entry[1] === " " ? FIELDS[entry[0] ?? ""] : undefined;
  return before === undefined ? undefined : entry.split(" ").slice(before).join(" ");
}

/** Whether a folder or one above it, up to `top`, has a `.git`: spares a process in all others. */
export function isUnderGit(cwd: string, top = "/"): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return true;
    if (folder === top || dirname(folder) === folder) return false;
  }
}

/** Whether a folder is part of a repository below the workspace, or of one that is the workspace, after links are resolved. */
export function isInRepository(workspace: string, cwd: string): boolean {
  try {
    return isUnderGit(realpathSync(cwd), realpathSync(workspace));
  } catch {
    return false;
  }
}
