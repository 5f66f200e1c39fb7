import { readlinkSync } from "node:fs";
import { isAbsolute } from "node:path";

/** Links that lead on to others, as Linux allows. */
const MAX_LINKS = 40;

/**
 * A path after its links are resolved, step by step as the system does it, also those that lead to what is not there yet. A path that is
 * relative, has a `..`, or whose links lead in a circle stays as it is: programs differ in what they open by it.
 */
export function realPath(path: string): string {
  const rest = stepsOf(path).reverse();
  if (!isAbsolute(path) || rest.includes("..")) return path;
  const real: string[] = [];
  let links = 0;
  for (let step = rest.pop(); step !== undefined; step = rest.pop()) {
    const target = step === ".." ? undefined : targetOf(`/${[...real, step].join("/")}`);
    if (step === "..") real.pop();
    else if (target === undefined) real.push(step);
    else {
      if (++links > MAX_LINKS) return path;
      if (isAbsolute(target)) real.length = 0;
      rest.push(...stepsOf(target).reverse());
    }
  }
  return `/${real.join("/")}`;
}

const stepsOf = (path: string): string[] => path.split("/").filter((step) => step !== "" && step !== ".");

/** Target of a link; undefined for anything else. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
