import { END_OF_OPTIONS, type Git } from "./command.ts";

/** Repository of a branch, the branch that it came from, and the commit that it began at. */
interface Beginning {
  root: string;
  base: string | null;
  start: string;
}

/** Differences of a big branch take their time. */
const PATIENCE_MS = 120_000;
/** Paths that are compared. */
const MAX_PATHS = 500;

/**
 * Commits that the branch it came from does not have, here or at a remote; undefined where that cannot be told. A branch that was
 * squashed into one commit, or rebased, has no commit there, and all of its changes: it counts as there.
 */
export async function unmerged(
  git: Git,
  { root, base, start }: Beginning,
  tips: readonly string[],
): Promise<number | undefined> {
  const counts: number[] = [];
  for (const ref of base === null ? [start] : await basesOf(git, root, base)) {
    const said = await git(root, ["rev-list", "--count", "--max-count=1000", END_OF_OPTIONS, ...tips, `^${ref}`, "--"]);
    if (said === undefined) continue;
    const isThere = said.trim() !== "0" && base !== null && (await haveChanges(git, root, ref, tips));
    counts.push(isThere ? 0 : Number(said.trim()));
  }
  return counts.length > 0 ? Math.min(...counts) : undefined;
}

/** The branch, and what remotes have of it. */
async function basesOf(git: Git, root: string, base: string): Promise<string[]> {
  const listed = await git(root, ["for-each-ref", "--format=%(refname)", `refs/heads/${base}`, "refs/remotes"]);
  const isBase = (ref: string) =>
    ref === `refs/heads/${base}` || /^refs\/remotes\/[^/]+\//.exec(ref)?.[0] + base === ref;
  return listed?.split("\n").filter(isBase) ?? [];
}

/** Whether a branch has all changes of every tip, under other commits. */
async function haveChanges(git: Git, root: string, ref: string, tips: readonly string[]): Promise<boolean> {
  for (const tip of new Set(tips)) if (!(await hasChanges(git, root, ref, tip))) return false;
  return true;
}

/** Whether one commit of the branch changes exactly what those of the tip together do, or the branch has the same as each of them. */
async function hasChanges(git: Git, root: string, ref: string, tip: string): Promise<boolean> {
  const from = (await git(root, ["merge-base", END_OF_OPTIONS, ref, tip]))?.trim();
  const names = from && (await git(root, ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, tip]));
  const paths = names ? names.split("\0").filter(Boolean) : [];
  if (!from || paths.length === 0 || paths.length > MAX_PATHS) return false;
  const whole = await git(root, ["diff-tree", "-r", ...EXACT, from, tip], PATIENCE_MS);
  const theirs = new Set(await patchesOf(git, root, [`${from}..${ref}`, "--", ...paths]));
  if (whole === undefined || theirs.size === 0) return false;
  if (theirs.has(plain(whole))) return true;
  const merges = await git(root, ["rev-list", "--count", "--merges", `${from}..${tip}`, "--"]);
  const own = merges?.trim() === "0" ? await patchesOf(git, root, [`${from}..${tip}`, "--"]) : undefined;
  return own?.every((patch) => theirs.has(patch)) === true;
}

/** Differences to the byte, by nothing that the repository names. */
const EXACT = [
  "-p",
  "--full-index",
  "--no-renames",
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--submodule=short",
];

/** Changes of each commit, without those that change nothing. Undefined where git cannot say them. */
async function patchesOf(git: Git, root: string, range: readonly string[]): Promise<string[] | undefined> {
  const form = ["--no-merges", "--no-show-signature", "--format=%x00"];
  const said = await git(root, ["--literal-pathspecs", "log", ...form, ...EXACT, ...range], PATIENCE_MS);
  return said?.split("\0").flatMap((patch) => plain(patch) || []);
}

/** Changes without their place: other commits may have moved it. A binary file has its content's id alone. */
const plain = (patch: string): string =>
  patch
    .replace(/^\n+|\n+$/g, "")
    .split(/^(?=diff --git )/m)
    .map((file) => (file.includes("\nBinary files ") ? file : file.replace(/^index .*\n/m, "")).replace(/\n+$/, ""))
    .join("\n")
    .replace(/^@@ .*$/gm, "@@");
