import type { RunLink } from "../../protocol/runs.ts";
import { END_OF_OPTIONS, type Git } from "./command.ts";
import type { GitState } from "./look.ts";

/** Commits of one turn that are linked. */
const MAX_COMMITS = 20;
const SHORT = 12;

/** Result of a turn as git shows it. */
export interface TurnGit {
  links: RunLink[];
  /** Paths that the turn changed, from the root: committed or not. */
  changed: string[];
}

/** Branch and commits that a turn made, by what git said at its start and at its end. A turn that only read links to nothing. */
export async function turnGit(git: Git, before: GitState | undefined, after: GitState | undefined): Promise<TurnGit> {
  if (!after) return { links: [], changed: [] };
  const isSame = before !== undefined && before.root === after.root;
  const commits = isSame ? await commitsSince(git, after, before.head) : [];
  const committed = commits.length > 0 && isSame ? await pathsSince(git, after, before.head) : [];
  const known = new Set(isSame ? before.dirty : after.dirty);
  const changed = [...new Set([...committed, ...after.dirty.filter((path) => !known.has(path))])];
  const hasMoved = isSame && (before.branch !== after.branch || before.head !== after.head);
  const links =
    hasMoved || changed.length > 0 ? [...branchLink(after), ...commits.map((sha) => commitLink(after, sha))] : [];
  return { links, changed };
}

/** Project of a folder: the repository, else the folder that its worktrees share. */
export const projectOf = ({ repository, common }: GitState): string => repository ?? common.replace(/\/\.git$/, "");

async function commitsSince(git: Git, after: GitState, head: string | null): Promise<string[]> {
  if (after.head === null || after.head === head) return [];
  const range = head === null ? [after.head] : [`${head}..${after.head}`];
  const listed = await git(after.root, [
    "rev-list",
    "--reverse",
    `--max-count=${MAX_COMMITS}`,
    END_OF_OPTIONS,
    ...range,
    "--",
  ]);
  return listed?.split("\n").filter(Boolean) ?? [];
}

async function pathsSince(git: Git, after: GitState, head: string | null): Promise<string[]> {
  if (head === null || after.head === null) return [];
  const options = ["--no-ext-diff", "--no-textconv", "--no-renames", "--name-only", "-z"];
  const listed = await git(after.root, ["diff-tree", "-r", ...options, END_OF_OPTIONS, head, after.head, "--"]);
  return listed?.split("\0").filter(Boolean) ?? [];
}

function branchLink({ branch, repository, ahead, dirtyCount }: GitState): RunLink[] {
  if (branch === null) return [];
  const facts = [...(ahead ? [`${ahead} not pushed`] : []), ...(dirtyCount > 0 ? [`${dirtyCount} not committed`] : [])];
  const url = repository === null ? null : `https://${repository}/tree/${encodeURI(branch)}`;
  return [{ kind: "branch", ref: branch, url, state: facts.join(", ") || null, evidence: "git" }];
}

function commitLink({ repository }: GitState, sha: string): RunLink {
  const url = repository === null ? null : `https://${repository}/commit/${sha}`;
  return { kind: "commit", ref: sha.slice(0, SHORT), url, evidence: "git" };
}
