import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join, parse, resolve } from "node:path";
import { absolute, CONFIG_PATH, readConfig, readToken } from "../daemon/config-file.ts";
import { DaemonError } from "../daemon/errors.ts";
import { makeProviders } from "../daemon/providers.ts";
import { EXIT, Stop } from "./exit.ts";
import { ownCommand } from "./own.ts";
import { namesIn, splitEnvironment } from "./service-environment.ts";
import { deleteService, isOurs, LABEL, type Manager, NAME, serviceFileFor, servicePath } from "./service-file.ts";

const homeOf = ({ HOME }: NodeJS.ProcessEnv): string => HOME || homedir();

/** Manager of services on a platform. @throws Stop where there is neither systemd nor launchd */
export function managerOf(platform: NodeJS.Platform): Manager {
  if (platform === "linux") return "systemd";
  if (platform === "darwin") return "launchd";
  throw new Stop(
    EXIT.usage,
    "Services are written for systemd and launchd. Start signalbox orchestrator by your own means.",
  );
}

/** Time of a stop beyond that of its turns. */
const STOP_SECONDS = 60;

/**
 * Service of a configuration that a daemon can start with.
 * @returns with the names that its file must not hold, and that `secretsFile` does not give yet
 * @throws DaemonError, Stop when the daemon could not start
 */
export async function serviceOf(given: string | undefined, manager: Manager, environment: NodeJS.ProcessEnv) {
  const whole = given?.startsWith("~/") ? given : given && resolve(given);
  const path = absolute(whole ?? CONFIG_PATH, "--config");
  const config = readConfig(path);
  if (config.tokenFile === undefined)
    throw new DaemonError(
      `${path} names no tokenFile. A service holds no secret, so it has no SIGNALBOX_TOKEN: write the token into a file, chmod 600, and name the file in tokenFile.`,
    );
  readToken(config, {});
  await makeProviders(config, { environment: {}, bridge: [] }, null);
  const { dir, name } = parse(path);
  const secretsFile = join(dir, `${name}.env`);
  const { variables, withheld } = splitEnvironment(config, environment);
  const isGiven = namesIn(secretsFile);
  const file = serviceFileFor(manager, {
    ...{ home: homeOf(environment), variables, secretsFile },
    stopSeconds: config.stopMinutes * 60 + STOP_SECONDS,
    command: ownCommand("orchestrator", "--config", path),
  });
  return { file, secretsFile, withheld: withheld.filter((one) => !isGiven.includes(one)) };
}

/**
 * Stops and disables the service of a daemon, and deletes its file.
 * @returns the file, and whether it was there @throws Stop when the manager refuses; nothing is deleted then
 */
export async function uninstallService(manager: Manager, force: boolean, environment: NodeJS.ProcessEnv) {
  const path = servicePath(manager, homeOf(environment));
  if (!force && !isOurs(path)) return { path, wasThere: false };
  const call = callerOf(environment);
  if (manager === "systemd") {
    await call(["systemctl", "--user", "disable", "--now", NAME]);
    deleteService(path);
    await call(["systemctl", "--user", "daemon-reload"]);
  } else {
    const target = `gui/${process.getuid?.() ?? 0}/${LABEL}`;
    const isLoaded = await call(["launchctl", "print", target]).then(
      () => true,
      () => false,
    );
    if (isLoaded) await call(["launchctl", "bootout", target]);
    deleteService(path);
  }
  return { path, wasThere: true };
}

/** Calls the program of a manager. Does nothing where it is not installed: then it runs no service. */
function callerOf(environment: NodeJS.ProcessEnv) {
  const { PATH = "" } = environment;
  // Shells of `su` and of some SSH servers lack it, and the manager is there.
  const env = { XDG_RUNTIME_DIR: `/run/user/${process.getuid?.() ?? 0}`, ...environment };
  return ([name = "", ...args]: string[]): Promise<void> => {
    const program = Bun.which(name, { PATH });
    if (program === null) return Promise.resolve();
    return new Promise((settle, reject) =>
      execFile(program, args, { env }, (error, _, stderr) => {
        if (!error) return settle();
        const reason = stderr.trim() || error.message;
        reject(new Stop(EXIT.problem, `${[name, ...args].join(" ")} failed: ${reason}. The service may still run.`));
      }),
    );
  };
}
