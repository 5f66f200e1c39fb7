import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

/** Links that lead on to others, as Linux allows. */
const MAX_LINKS = 40;

/**
 * A path after its links are resolved, also those that lead to what is not there yet. A relative path, and one whose links lead in a
 * circle, stays as it is.
 */
export function realPath(path: string, links = MAX_LINKS): string {
  if (!isAbsolute(path) || links === 0) return path;
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    if (folder === path) return path;
    const place = join(realPath(folder, links - 1), basename(path));
    return isLink(place) ? realPath(resolve(dirname(place), readlinkSync(place)), links - 1) : place;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
