import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { systemClock } from "./clock.ts";
import { environment, readConfig } from "./config.ts";
import { createRelay } from "./relay.ts";
import { VERSION } from "./version.ts";

const DRAIN_MS = 5000;

/** The server program: configuration, relay, listen, close on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  const config = readConfig(environment());
  // What it makes, its owner alone may read.
  process.umask(0o077);
  // Written at once and in order: the first line with a url is read by who started this.
  const logger = pino({ level: config.logLevel }, pino.destination({ sync: true }));
  const relay = await createRelay(config, systemClock, logger);
  // Two relays on one port would share its connections, each with half of the messages.
  relay.app.listen({ hostname: config.host, port: config.port, reusePort: false });
  const server = relay.app.server;
  if (!server) throw new Error("the server did not start");
  const url = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${server.port}`;
  const notice = join(config.dataDir, "server.json");
  // Whole or not at all: the command line reads it at any time.
  writeFileSync(`${notice}.new`, JSON.stringify({ url, pid: process.pid }));
  renameSync(`${notice}.new`, notice);
  logger.info(
    { url, version: VERSION, dataDir: config.dataDir, durability: config.durability },
    `Signalbox listens on ${url}`,
  );

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
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
