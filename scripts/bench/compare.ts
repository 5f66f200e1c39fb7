import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./relay.ts";

/** Puts the files of a commit into a folder, with the libraries of this checkout. */
export async function checkOut(commit: string, folder: string): Promise<string> {
  await mkdir(folder);
  const archive = Bun.spawn(["git", "-C", ROOT, "archive", commit], { stdin: "ignore", stderr: "inherit" });
  const unpack = Bun.spawn(["tar", "-x", "-C", folder], {
    stdin: archive.stdout,
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await archive.exited) !== 0 || (await unpack.exited) !== 0) throw new Error(`there is no commit ${commit}`);
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}
