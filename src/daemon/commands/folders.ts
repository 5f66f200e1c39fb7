import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { DaemonError } from "../errors.ts";

/** Folder below the workspace, after links are resolved. @throws DaemonError for one outside, or none */
export function folderIn(workspace: string, cwd: string | undefined): string {
  const root = realpathSync(workspace);
  const path = cwd === undefined ? root : isAbsolute(cwd) ? cwd : join(root, cwd);
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isDirectory()) throw new DaemonError(`${path} is no folder.`);
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    throw new DaemonError(`There is no folder ${path}.`);
  }
  if (real !== root && !real.startsWith(`${root}/`))
    throw new DaemonError(`${path} is outside of the workspace ${root}. Name a folder below it.`);
  // A path stands in our own words to models.
  if (/\p{Cc}/u.test(real))
    throw new DaemonError(`${JSON.stringify(real)} has control characters. Name another folder.`);
  return real;
}
