import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { createCore } from "./core/core.ts";
import type { SocketServer } from "./core/inbox/socket-route.ts";
import type { Sweep } from "./core/retention/sweeps.ts";
import { createA2A } from "./edges/a2a/a2a.ts";
import { createAnnouncements } from "./edges/announcements/announcements.ts";
import { createApprovalCards } from "./edges/approvals/approvals.ts";
import { createAttention } from "./edges/attention/attention.ts";
import { createChannels } from "./edges/channels/channels.ts";
import { createNames } from "./edges/channels/names.ts";
import { createChat } from "./edges/chat/chat.ts";
import { createChatCommands } from "./edges/chat-commands/chat-commands.ts";
import { createDigests } from "./edges/envelope/digests.ts";
import { type App, createApp, upgradeWith } from "./edges/http/app.ts";
import { createGate } from "./edges/http/gate.ts";
import { createHandle } from "./edges/http/handle.ts";
import { createIntegrations } from "./edges/integrations/integrations.ts";
import { createMcp } from "./edges/mcp/mcp.ts";
import type { ServerMaker } from "./edges/mcp/server.ts";
import { createPulls } from "./edges/pulls/pulls.ts";
import { createWatch } from "./edges/watch/watch.ts";
import { createWebhooks } from "./edges/webhooks/webhooks.ts";
import { createApprovals } from "./features/approvals/approvals.ts";
import { createCommands } from "./features/commands/commands.ts";
import { createConflicts } from "./features/conflicts/conflicts.ts";
import { createDelegations } from "./features/delegations/delegations.ts";
import { createFiles } from "./features/files/files.ts";
import { createHolds } from "./features/holds/holds.ts";
import { createJobs } from "./features/jobs/jobs.ts";
import { createLimits } from "./features/limits/limits.ts";
import { createLoops } from "./features/loops/loops.ts";
import { createLoopRule } from "./features/loops/rule.ts";
import { createModels } from "./features/models/models.ts";
import { createOrphans } from "./features/orphans/orphans.ts";
import { createPairs } from "./features/pairs/pairs.ts";
import { createProfiles } from "./features/profiles/profiles.ts";
import { createRuns } from "./features/runs/runs.ts";
import { createSchedules } from "./features/schedules/schedules.ts";
import { createSessions } from "./features/sessions/sessions.ts";
import { createTasks } from "./features/tasks/tasks.ts";
import { createTraces } from "./features/traces/traces.ts";
import { allRoutes, lateRoutes, type Routes } from "./identity/auth/late-routes.ts";
import { derivationKey, operatorSecret } from "./identity/auth/operator-token.ts";
import type { Route } from "./identity/auth/route.ts";
import { createIdentity } from "./identity/identity.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Db } from "./kernel/db/database.ts";
import type { DiskProbe } from "./kernel/db/disk.ts";
import type { DueTable } from "./kernel/due/due.ts";
import { createRateLimit } from "./kernel/http/rate-limit.ts";
import { createKernel } from "./kernel/kernel.ts";
import type { StuckPeers } from "./kernel/log/peers.ts";
import { createBackups } from "./ops/backups/backups.ts";
import { createHealth } from "./ops/health/health.ts";
import { gaugesOf } from "./ops/metrics/gauges.ts";
import { createMetrics } from "./ops/metrics/metrics.ts";
import { createTelemetry } from "./ops/telemetry/telemetry.ts";
import { CONSOLE_PLACES } from "./protocol/console.ts";
import type { SignInLink } from "./protocol/sign-in.ts";
import { speakPlainly } from "./protocol/wording.ts";
import { subscribe } from "./reactions.ts";

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
  /** Stops taking requests, finishes writes, tells streams, closes the database. */
  /** Database of the relay, for tools that compare memory with it. */
  readonly db: Db;
  close(): Promise<void>;
}

/** Parts that tests put in place of ours. */
export interface Replacements {
  mcpServer?: ServerMaker | undefined;
  diskProbe?: DiskProbe | undefined;
  stuckPeers?: StuckPeers | undefined;
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
  };
}

export type AllAreas = Awaited<ReturnType<typeof createAreas>>;

/** Every area, made in the order in which they may use each other. */
export async function createAreas(config: Config, clock: Clock, logger: Logger, replaced: Replacements = {}) {
  const { retentionDays, dataDir, publicUrl } = config;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const kernel = await createKernel({
    ...{ dataDir, durability: config.durability, key: derivationKey(dataDir), clock, logger },
    ...{ egressPrivate: config.egressPrivate, diskReserveBytes: config.diskReserveBytes },
    ...{ diskProbe: replaced.diskProbe, stuckPeers: replaced.stuckPeers },
  });
  const identity = createIdentity(kernel, { agentTtlMs: config.agentTtlSeconds * 1000, publicUrl });
  const loopWindowMs = config.loopWindowSeconds * 1000;
  const rule = createLoopRule(kernel, {
    ...{ chain: config.loopLimit, windowMs: loopWindowMs, threadPerMinute: config.threadRate },
  });
  const core = await createCore(kernel, identity, {
    ...{ judge: rule.judge, names: createNames(kernel), retentionDays, loopWindowMs },
    quotas: { messages: config.messagesPerDay, files: config.filesPerDay },
    budgets: { perAgent: config.delegationsPerAgent, perRoot: config.delegationsPerRoot },
  });
  const base = { kernel, identity, core };
  const loops = createLoops(base, rule);
  const traces = createTraces(base);
  const tasks = createTasks(base);
  const delegations = createDelegations(base);
  const files = createFiles(base, {
    ...{ dataDir, maxBytes: config.fileMaxBytes, types: config.fileTypes },
    ...{ unusedHours: config.fileUnusedHours, retentionDays },
  });
  const sessions = createSessions(base);
  const limits = createLimits({ kernel, identity, core, sessions });
  const runs = await createRuns(
    { kernel, identity, core, delegations, files, traces, sessions },
    { spawnDepth: config.spawnDepth, perParent: config.runsPerParent, eventHours: config.runEventHours, retentionDays },
  );
  const approvals = createApprovals({ kernel, identity, core, runs });
  const profiles = createProfiles(base);
  const commands = createCommands({
    ...{ kernel, identity, core, delegations, files, runs, approvals, sessions, profiles },
  });
  const holds = createHolds({ kernel, identity, core, delegations, runs, commands, sessions });
  const orphans = createOrphans({ kernel, identity, core, sessions, runs });
  const conflicts = createConflicts({ kernel, identity, core, sessions });
  const pairs = createPairs(base);
  const schedules = createSchedules(base);
  const jobs = createJobs(base);
  const models = createModels(base);
  const channels = createChannels({ kernel, identity, core, files, approvals });
  const announcements = createAnnouncements({ kernel, identity, core, runs, channels });
  const cards = createApprovalCards({ kernel, identity, core, approvals, runs, channels });
  const chatCommands = createChatCommands({
    ...{ kernel, identity, core, approvals, cards, channels, commands, delegations, holds, sessions },
  });
  const webhooks = createWebhooks(base);
  const attention = createAttention({
    ...{ kernel, identity, core, cards, approvals, announcements, conflicts, loops, runs, sessions, webhooks },
  });
  const pulls = createPulls({ kernel, identity, core, runs, channels });
  const integrations = createIntegrations({ kernel, identity, core, tasks, pulls });
  const gate = createGate({ host: config.host, publicUrl, allowed: config.allowedHosts });
  const mcp = createMcp(
    { kernel, identity, core, delegations, traces, runs, commands, sessions, gate },
    replaced.mcpServer,
  );
  const a2a = createA2A({ kernel, identity, core, delegations, runs }, { publicUrl });
  const watch = createWatch({ kernel, identity, core, runs });
  const chat = createChat({ kernel, identity, core, runs, approvals });
  const digests = createDigests({ kernel, identity, core, delegations, runs });
  const metrics = createMetrics(
    gaugesOf({ kernel, identity, core, delegations, runs, announcements, a2a, sessions, limits }),
  );
  const health = createHealth({ kernel, identity, core, announcements, sessions, metrics });
  const backups = createBackups(base);
  const telemetry = createTelemetry({ kernel, identity, core, runs }, config.telemetry ?? NO_COLLECTOR);
  return {
    ...{ kernel, identity, core, loops, traces, tasks, delegations, files, runs, pairs, schedules, jobs },
    ...{ approvals, cards, chatCommands, models, sessions, limits, commands, profiles, holds, orphans, conflicts },
    ...{
      channels,
      announcements,
      webhooks,
      pulls,
      integrations,
      gate,
      mcp,
      a2a,
      chat,
      watch,
      attention,
      digests,
      metrics,
      health,
      backups,
      telemetry,
    },
  };
}

const NO_COLLECTOR = { endpoint: undefined, headers: {}, hasContent: false };

/** Work at times and rows that age, by area. */
const tables = (areas: AllAreas): (DueTable & { sweeps?: readonly Sweep[] })[] => [
  ...[
    areas.identity,
    ...areas.core.due,
    areas.tasks,
    areas.delegations,
    areas.files,
    areas.runs,
    areas.sessions,
    areas.limits,
    areas.orphans,
    areas.conflicts,
    areas.approvals,
    areas.commands,
    areas.holds,
    areas.cards,
    areas.pairs,
    areas.schedules,
  ],
  areas.jobs,
  areas.chatCommands,
  ...[areas.channels, areas.announcements, areas.webhooks, areas.integrations, areas.pulls, areas.a2a, areas.chat],
  ...[areas.telemetry, areas.attention],
];

/** The routes of all areas behind the one handler. */
function createHttp(config: Config, areas: AllAreas) {
  const { kernel, identity, gate, metrics } = areas;
  const limit = createRateLimit(kernel.clock, config.rateLimit);
  const handle = createHandle({ kernel, identity, gate }, limit, metrics.request);
  const server: SocketServer = {
    identify: (request, id) => handle.identify(request, id, "stream"),
    isSignedIn: handle.isSignedIn,
    upgrade: (request, data, headers) => upgradeWith(app)(request, data, headers),
  };
  const described: Routes = [
    areas.health.probes,
    areas.health.routes,
    areas.backups.routes,
    identity.lateRoutes,
    areas.runs.routes,
    areas.approvals.routes,
    areas.sessions.routes,
    areas.commands.routes,
    areas.profiles.routes,
    areas.holds.routes,
    areas.limits.routes,
    areas.announcements.routes,
    ...[areas.traces.routes, areas.loops.routes, areas.webhooks.routes, areas.channels.routes, areas.pairs.routes],
    ...[areas.chat.routes, areas.watch.routes(server), areas.attention.routes],
    ...[areas.integrations.routes, areas.a2a.routes, areas.files.routes, areas.schedules.routes, areas.digests.routes],
    ...[areas.jobs.routes, areas.models.routes],
    // All at once: a path of one may look like a parameter of another (/v1/messages/stream).
    lateRoutes(["/v1"], async () => {
      const core = import("./core/routes.ts").then(({ coreRoutes }) => coreRoutes(areas, limit, server));
      return (await Promise.all([identity.routes(), core, areas.tasks.routes(), areas.delegations.routes()])).flat();
    }),
  ].flat();
  const pages = lateRoutes(["/", "/assets", ...CONSOLE_PLACES.map((place) => `/${place}`)], async () =>
    (await import("./edges/console/routes.ts")).consoleRoutes(),
  );
  // The pages of the console are one page, at many addresses.
  const listed = async () =>
    (await allRoutes([...described, pages])).filter(({ operationId }) => operationId !== "consolePage");
  const docs = lateRoutes(["/openapi.json", "/docs"], async () =>
    (await import("./edges/http/docs.ts")).docsRoutes(listed, config.publicUrl),
  );
  const app: App = createApp([...described, docs, pages, areas.a2a.bindings, ...areas.mcp.bindings], handle);
  return { app, routes: async () => [...(await listed()), ...(await allRoutes([docs]))] };
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
  kernel.due.start();
  kernel.connections.start();
  identity.presence.start(kernel.onError);
  core.messages.search.notice();
  core.messages.warmUp.start();
}

async function close({ kernel, identity, core }: AllAreas): Promise<void> {
  const { connections, due, db } = kernel;
  connections.closeAll();
  connections.stop();
  await due.stop();
  core.messages.search.stop();
  core.retention.stop();
  await core.messages.warmUp.stop();
  await identity.presence.stop();
  await core.inbox.deliveries.stop();
  await core.messages.quotas.stop();
  await core.messages.merges.stop();
  await db.close();
}
