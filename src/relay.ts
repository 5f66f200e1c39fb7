import type { Logger } from "pino";
import { type AllAreas, createAreas, type Replacements, tables } from "./areas.ts";
import type { Config } from "./config.ts";
import type { App } from "./edges/http/app.ts";
import { operatorSecret } from "./identity/auth/operator-token.ts";
import type { Route } from "./identity/auth/route.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Db } from "./kernel/db/database.ts";
import type { SignInLink } from "./protocol/sign-in.ts";
import { speakPlainly } from "./protocol/wording.ts";
import { subscribe } from "./reactions.ts";
import { createHttp } from "./routes.ts";

export interface Relay {
  app: App;
  /** Every route, as the OpenAPI document has it. */
  routes(): Promise<Route[]>;
  /** The operator's secret. */
  operatorToken: string;
  /** A link that signs the operator's browser in, for the terminal that the relay was started on. */
  signInLink(base: string): Promise<SignInLink>;
  /** Runs everything that is due now; for tests, whose clock is moved by hand. */
  settle(): Promise<void>;
  /** Database of the relay, for tools that compare memory with it. */
  readonly db: Db;
  /** Stops taking requests, finishes writes, tells streams, closes the database. */
  close(): Promise<void>;
  /** Closes without storing what memory alone holds, as a crash does; for tests, whose files go with it. */
  abandon(): Promise<void>;
}

/** Builds the areas, lowest first. Nothing listens yet. */
export async function createRelay(
  config: Config,
  clock: Clock,
  logger: Logger,
  replaced: Replacements = {},
): Promise<Relay> {
  speakPlainly();
  const areas = await createAreas(config, clock, logger, replaced);
  const { kernel, core, runs, metrics } = areas;
  subscribe(areas);
  kernel.hooks.seal();
  for (const table of tables(areas)) {
    kernel.due.serve(table);
    core.retention.add(table.sweeps ?? []);
  }
  kernel.db.afterBatch((writes, milliseconds) => {
    metrics.committed(writes, milliseconds);
    core.messages.log.runWoken();
    runs.log.runWoken();
  });
  const operatorToken = operatorSecret(config.dataDir, config.token);
  const http = createHttp(config, areas);
  await start(areas, operatorToken);
  return {
    app: http.app,
    routes: http.routes,
    operatorToken,
    db: kernel.db,
    signInLink: areas.identity.signIn.linkOfRelay,
    async settle() {
      await kernel.due.settle();
      await core.messages.search.settle();
      await core.messages.warmUp.settle();
    },
    close: () => close(areas),
    abandon: () => abandon(areas),
  };
}

/** Fills memory from the rows, makes what has to be there, and starts the timers. */
async function start(areas: AllAreas, operatorToken: string): Promise<void> {
  const { kernel, identity, core, delegations, files, sessions, limits, channels, announcements, a2a } = areas;
  const { db } = kernel;
  await identity.load();
  await core.messages.quotas.load();
  await delegations.load();
  await areas.holds.load();
  await announcements.load();
  await sessions.counts.load();
  await limits.load();
  await db.write(async (tx) => {
    await identity.agents.ensureBuiltIns(tx);
    await identity.auth.adoptOperator(tx, operatorToken);
    await files.start(tx);
    await channels.start(tx);
  });
  await a2a.load();
  await areas.stats.load();
  kernel.due.start();
  kernel.connections.start();
  identity.presence.start(kernel.onError);
  core.messages.search.notice();
  core.messages.warmUp.start();
}

async function stopWork({ kernel, core }: AllAreas): Promise<void> {
  kernel.connections.closeAll();
  kernel.connections.stop();
  await kernel.due.stop();
  core.messages.search.stop();
  core.retention.stop();
  await core.messages.warmUp.stop();
}

async function close(areas: AllAreas): Promise<void> {
  const { kernel, identity, core, stats } = areas;
  await stopWork(areas);
  await identity.presence.stop();
  await core.inbox.deliveries.stop();
  await core.messages.quotas.stop();
  await stats.stop();
  await core.messages.merges.stop();
  await kernel.db.close();
}

async function abandon(areas: AllAreas): Promise<void> {
  await stopWork(areas);
  await areas.core.messages.merges.stop();
  await areas.kernel.db.abandon();
}
