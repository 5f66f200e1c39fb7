import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Commands of systemd, and the folder of this user's manager. */
export interface UserSystemd {
  run: string;
  ctl: string;
  runtimeDir: string;
}

/** Containment by the kernel, beside the marker: it also holds processes that clear their environment. */
export interface ScopeOptions {
  systemd: UserSystemd;
  /** Memory of a session with all its tools, in bytes. */
  memoryMaxBytes: number | null;
}

/** Manager of this user; null where there is none, as in most containers. */
export function findUserSystemd(environment: Readonly<Record<string, string | undefined>>): UserSystemd | null {
  const { XDG_RUNTIME_DIR: runtimeDir, PATH = "" } = environment;
  if (!runtimeDir || !existsSync(join(runtimeDir, "systemd", "private"))) return null;
  const [run, ctl] = [Bun.which("systemd-run", { PATH }), Bun.which("systemctl", { PATH })];
  return run && ctl ? { run, ctl, runtimeDir } : null;
}

export interface Scope {
  /** Command line that starts the command in the scope, with the same pid. */
  words: string[];
  environment: Record<string, string>;
  /** Kills everything in the scope. Never rejects: the marker is looked for afterwards anyway. */
  kill(): Promise<void>;
}

/** By a shell: `env` would take the path of a command with `=` in it for a variable. */
const WITHOUT_MANAGER = ["/bin/sh", "-c", 'unset XDG_RUNTIME_DIR; exec "$@"', "sh"];

/** Scope of a new process of a session. */
export function createScope(
  { systemd, memoryMaxBytes }: ScopeOptions,
  sessionId: string,
  words: string[],
  environment: Readonly<Record<string, string>>,
): Scope {
  const unit = `signalbox-${sessionId}-${randomBytes(4).toString("hex")}.scope`;
  const manager = { XDG_RUNTIME_DIR: systemd.runtimeDir };
  // systemd-run finds the manager by this variable; the command gets it only when it was given to it.
  const own = environment.XDG_RUNTIME_DIR === undefined ? WITHOUT_MANAGER : [];
  const limits = memoryMaxBytes === null ? [] : ["-p", `MemoryMax=${memoryMaxBytes}`];
  return {
    words: [
      ...[systemd.run, "--user", "--scope", "--quiet", "--collect", `--unit=${unit}`, ...limits],
      ...["--", ...own, ...words],
    ],
    environment: own.length > 0 ? { ...environment, ...manager } : { ...environment },
    kill: () =>
      new Promise((resolve) => {
        execFile(systemd.ctl, ["--user", "kill", "--signal=KILL", unit], { env: manager, timeout: 10_000 }, () =>
          resolve(),
        );
      }),
  };
}
