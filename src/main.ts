import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, ConfigFault, environment, isGiven, readConfig } from "./config.ts";
import { readConfigFile } from "./config-file.ts";
import { flagsHelp, readFlags } from "./flags.ts";
import { systemClock } from "./kernel/clock.ts";
import { claimFolder } from "./kernel/db/own-folder.ts";
import { createLogger } from "./log-lines.ts";
import { createRelay } from "./relay.ts";
import { VERSION } from "./version.ts";

// The command line completes them in a shell.
export { serverFlags } from "./flags.ts";

const DRAIN_MS = 5000;

/** The server program with the words of its command line. It ends the process. */
export async function serve(words: readonly string[]): Promise<void> {
  const flags = readFlags(words);
  if (flags.isHelp || flags.isVersion) {
    console.log(flags.isHelp ? flagsHelp() : VERSION);
    process.exit(0);
  }
  let config: Config | undefined;
  try {
    const file = flags.config === undefined ? undefined : readConfigFile(flags.config);
    const faults = [...flags.faults, ...(file?.faults ?? [])];
    const sources = { file: file?.values, flags: flags.values, from: flags.from, faults };
    config = readConfig(environment(), sources);
    await run(config, isGiven("SIGNALBOX_DATA_DIR", environment(), sources));
  } catch (error) {
    console.error(startFault(error, config));
    process.exit(error instanceof ConfigFault && words.length > 0 ? 2 : 1);
  }
}

/** Relay, listen, close on SIGTERM and SIGINT. */
async function run(config: Config, isFolderNamed: boolean): Promise<void> {
  // Files made here are for their owner alone.
  process.umask(0o077);
  claimFolder(config.dataDir, isFolderNamed);
  const logger = createLogger(config.logLevel);
  if (!isPrivate(config))
    logger.warn(
      { host: config.host },
      "Tokens can be read on the way: this address is not loopback, and there is no TLS. Listen on 127.0.0.1, or put a TLS " +
        "proxy in front and set SIGNALBOX_PUBLIC_URL to its https address.",
    );
  const relay = await createRelay(config, systemClock, logger);
  // Two relays on one port would share its connections, each with half of the messages.
  relay.app.listen({ hostname: config.host, port: config.port, reusePort: false });
  const server = relay.app.server;
  if (!server) throw new Error("the server did not start");
  const url = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${server.port}`;
  const notice = join(config.dataDir, "server.json");
  // Whole or not at all: the command line reads it at any time.
  rmSync(`${notice}.new`, { force: true });
  writeFileSync(`${notice}.new`, JSON.stringify({ url, pid: process.pid }));
  renameSync(`${notice}.new`, notice);
  // A fault in one background task must not take the others down; what is owed is in the database.
  process.on("unhandledRejection", (error) => logger.error({ err: error }, "unhandled rejection"));

  // Adapters see the relay from outside, but need no network to reach the one that they run in.
  const inside = (url: string, init?: RequestInit) => relay.app.handle(new Request(url, init));
  const own = { url: "http://localhost", token: relay.operatorToken, fetch: inside };
  const chats = config.chats ?? [];
  // Loaded only where a chat account is configured: most relays have none.
  const adapters = chats.length
    ? import("./adapters/in-server.ts").then(({ startAdapters }) => startAdapters(chats, own, logger))
    : undefined;

  let stopping = false;
  async function stop(signal: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "stopping");
    const forced = setTimeout(() => process.exit(1), DRAIN_MS * 3);
    // They have to tell the relay what they have posted.
    await Promise.race([adapters?.then((running) => running.stop()), Bun.sleep(DRAIN_MS)]);
    // Refuses new connections; what is under way goes on.
    const drained = server?.stop(false);
    const closed = relay.close();
    await Promise.race([Promise.all([drained, closed]), Bun.sleep(DRAIN_MS)]);
    await closed;
    await server?.stop(true);
    rmSync(notice, { force: true });
    clearTimeout(forced);
    logger.info("stopped");
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
  // Logged last: a reader of this line may stop the relay at once.
  logger.info(
    { url, version: VERSION, dataDir: config.dataDir, durability: config.durability },
    `Signalbox listens on ${url}`,
  );
  // Never by the log, which others may read.
  if (process.stdout.isTTY) {
    const { url: link } = await relay.signInLink(config.publicUrl ?? url);
    console.log(`Open the console: ${link}\nThe link works once, for 10 minutes. Another: signalbox console`);
  }
}

/** Whether tokens stay on this machine, or a proxy is said to encrypt them. */
const isPrivate = ({ host, publicUrl = "" }: Config): boolean =>
  /^(localhost|127(\.\d+){3}|::1)$/.test(host) || publicUrl.startsWith("https:");

const FOLDER_FAULTS: Record<string, string> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system takes no writes",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "it is a file, not a folder",
  EISDIR: "a folder is where one of its files has to be",
  ENOENT: "it cannot be made there",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links lead in a circle",
  EDQUOT: "the disk quota is used up",
  SQLITE_NOTADB: "its signalbox.db is no database. Restore a backup, or move the file away",
  SQLITE_CORRUPT: "its signalbox.db is damaged. Restore a backup",
  SQLITE_CANTOPEN: "its signalbox.db cannot be opened",
  SQLITE_READONLY: "this user may not write its signalbox.db",
  SQLITE_FULL: "the disk is full",
};

/** Says why the start failed, with the way out. */
function startFault(error: unknown, config: Config | undefined): string {
  if (!(error instanceof Error)) return String(error);
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  if (!config) return error.message;
  const { host, port, dataDir } = config;
  if (code === "EADDRINUSE")
    return `Port ${port} of ${host} is taken, perhaps by another relay. Stop that one, or give another port with --port or SIGNALBOX_PORT.`;
  if (code === "EACCES" && syscall === "listen" && port > 0 && port < 1024)
    return `Port ${port} may not be used by this user. Give one above 1023 with --port or SIGNALBOX_PORT.`;
  // For a name that leads nowhere Bun gives the code of some earlier failure.
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || syscall === "listen")
    return `${host} is not an address of this machine. Give another with --host or SIGNALBOX_HOST, such as 127.0.0.1.`;
  const reason = FOLDER_FAULTS[code];
  return reason
    ? `The data folder ${dataDir} cannot be used: ${reason}. Give another with --data or SIGNALBOX_DATA_DIR.`
    : error.message;
}

// Not awaited: the bundle is CommonJS, where nothing is at the top level.
if (import.meta.main) void serve(process.argv.slice(2));
