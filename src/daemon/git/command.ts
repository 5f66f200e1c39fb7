import { execFile } from "node:child_process";

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT = 4 * 1024 * 1024;

/** Runs git in a folder; undefined when it fails, says too much or takes too long: 10 s unless `timeoutMs` says more. */
export type Git = (cwd: string, args: readonly string[], timeoutMs?: number) => Promise<string | undefined>;

/** Values stand behind it: git takes none of them for an option. Paths alone stand behind `--`. */
export const END_OF_OPTIONS = "--end-of-options";

/**
 * Keeps git from running anything for a repository that an agent may have set up: no prompt, no pager, no hook, no helper. What an agent
 * wrote into the repository's configuration would else run outside of the agent's own limits.
 */
const ENVIRONMENT = {
  ...{ GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", GIT_PAGER: "cat", GIT_ASKPASS: "true", LC_ALL: "C" },
  ...{ GIT_NO_LAZY_FETCH: "1", GIT_SSH_COMMAND: "false", GIT_ALLOW_PROTOCOL: "none" },
};
const ALWAYS = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"];

/** Runs a git of this machine, with the search path and the home of this process alone. */
export function createGit(file = "git"): Git {
  const { PATH = "", HOME = "" } = process.env;
  return (cwd, args, timeout = TIMEOUT_MS) =>
    new Promise((resolve) => {
      const options = { cwd, env: { PATH, HOME, ...ENVIRONMENT }, timeout, maxBuffer: MAX_OUTPUT };
      execFile(file, [...ALWAYS, ...args], options, (error, stdout) => resolve(error ? undefined : stdout));
    });
}
