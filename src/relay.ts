import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import { createA2A } from "./a2a/a2a.ts";
import { createActivityService } from "./activity/service.ts";
import { createPresence } from "./agents/presence.ts";
import { createRoster } from "./agents/roster.ts";
import { agentRoutes } from "./agents/routes.ts";
import { createAgentService } from "./agents/service.ts";
import { createAgentStore } from "./agents/store.ts";
import { derivationKey, operatorSecret } from "./auth/operator-token.ts";
import { authRoutes } from "./auth/routes.ts";
import { createAuthService } from "./auth/service.ts";
import { createAuthStore } from "./auth/store.ts";
import { createChannels } from "./channels/channels.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./db/database.ts";
import { createDisk, type DiskProbe, probeOf } from "./db/disk.ts";
import { lastIdOf } from "./db/sequence.ts";
import { createDelegations } from "./delegations/delegations.ts";
import { createDue } from "./due/due.ts";
import { createDueStore } from "./due/store.ts";
import { createEgress } from "./egress/egress.ts";
import { createFiling } from "./files/files.ts";
import { createGuard } from "./guard/guard.ts";
import { createMetrics } from "./health/metrics.ts";
import { probeRoutes } from "./health/probes.ts";
import { createHealthService } from "./health/service.ts";
import { type App, createApp, upgradeWith } from "./http/app.ts";
import type { Route } from "./http/call.ts";
import { createGate } from "./http/gate.ts";
import { createHandle } from "./http/handle.ts";
import { allRoutes, lateRoutes, type Routes } from "./http/late.ts";
import { createRateLimit } from "./http/rate-limit.ts";
import { createIdempotency } from "./idempotency/service.ts";
import { createIdempotencyStore } from "./idempotency/store.ts";
import { createReading } from "./inbox/reading.ts";
import { createIntegrations } from "./integrations/integrations.ts";
import { createConnections } from "./log/connections.ts";
import { createLog } from "./log/log.ts";
import type { StuckPeers } from "./log/peers.ts";
import { createMcp } from "./mcp/mcp.ts";
import type { ServerMaker } from "./mcp/server.ts";
import { createMcpSessions } from "./mcp-sessions/service.ts";
import { createMessaging } from "./messages/messaging.ts";
import { createOrchestrators } from "./orchestrators/orchestrators.ts";
import { createPairs } from "./pairs/pairs.ts";
import { createScheduling } from "./schedules/schedules.ts";
import { createTasks } from "./tasks/tasks.ts";
import { traceJson } from "./traces/service.ts";
import { createTracing } from "./traces/traces.ts";
import { VERSION } from "./version.ts";
import { createWebhooks } from "./webhooks/webhooks.ts";
import { speakPlainly } from "./wording.ts";

export interface Relay {
  app: App;
  /** Everything it answers, as the OpenAPI document has it. */
  routes(): Promise<Route[]>;
  /** The operator's secret. */
  operatorToken: string;
  /** Runs everything that is due now; for tests, whose clock is moved by hand. */
  settle(): Promise<void>;
  /** Stops taking requests, finishes writes, tells streams, closes the database. */
  close(): Promise<void>;
}

/** What tests put into the place of ours. */
export interface Replacements {
  mcpServer?: ServerMaker | undefined;
  diskProbe?: DiskProbe | undefined;
  stuckPeers?: StuckPeers | undefined;
}

/** Wires the server: database, log, due, services, app. Nothing listens yet. */
export async function createRelay(
  config: Config,
  clock: Clock,
  logger: Logger,
  replaced: Replacements = {},
): Promise<Relay> {
  speakPlainly();
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const onError = (error: unknown, stage = "background") => logger.error({ err: error, stage }, "something failed");
  const db = openDatabase({ dataDir: config.dataDir, durability: config.durability, onError });
  const headOf = lastIdOf(db, "messages");
  const log = createLog(await db.read(async (on) => headOf(on)));
  const due = createDue(db, createDueStore(db), clock, logger);
  const connections = createConnections(clock, replaced.stuckPeers);

  const activity = createActivityService(db, clock);
  const key = derivationKey(config.dataDir);
  const auth = createAuthService(db, createAuthStore(db), activity, due, clock, key);
  const idempotency = createIdempotency(createIdempotencyStore(db), clock);
  const egress = createEgress({ allow: config.egressPrivate });
  const agentStore = createAgentStore(db);
  const roster = createRoster();
  const agents = createAgentService({ db, store: agentStore, roster, auth, activity, clock, headOf, connections });
  const presence = createPresence(db, agentStore, roster, due, clock, config.agentTtlSeconds * 1000);

  const limit = createRateLimit(clock, config.rateLimit);
  const disk = createDisk(replaced.diskProbe ?? probeOf(config.dataDir), clock, config.diskReserveBytes);
  const messaging = createMessaging({
    ...{ db, log, due, connections, agents, agentStore, roster, clock, headOf, onError, logger },
    ...{ retentionDays: config.retentionDays, loopWindowMs: config.loopWindowSeconds * 1000 },
    quotas: { messages: config.messagesPerDay, files: config.filesPerDay },
    disk,
  });
  const guard = createGuard({
    ...{ db, messaging, activity },
    limits: {
      chain: config.loopLimit,
      windowMs: config.loopWindowSeconds * 1000,
      threadPerMinute: config.threadRate,
    },
  });
  const tracing = createTracing({ db, messaging, idempotency });
  const tasks = createTasks({ db, messaging, idempotency, retentionDays: config.retentionDays });
  const delegations = createDelegations({
    ...{ messaging, idempotency, activity, key },
    budgets: { perAgent: config.delegationsPerAgent, perRoot: config.delegationsPerRoot },
  });
  const webhooks = createWebhooks({ db, messaging, agents, activity, idempotency, egress, due, clock, key });
  const filing = createFiling({
    ...{ messaging, idempotency, dataDir: config.dataDir },
    ...{ maxBytes: config.fileMaxBytes, types: config.fileTypes, unusedHours: config.fileUnusedHours },
    retentionDays: config.retentionDays,
  });
  const channels = createChannels({ messaging, activity, files: filing.files, egress, key });
  const pairs = createPairs({
    ...{ messaging, idempotency, activity, onError },
    retentionDays: config.retentionDays,
  });
  const orchestrators = createOrchestrators({ db, agents, agentStore, roster, presence, activity, clock, headOf });
  const integrations = createIntegrations({
    ...{ db, messaging, tasks, activity, auth, idempotency, key },
    retentionDays: config.retentionDays,
  });
  const scheduling = createScheduling({ messaging, activity, idempotency });
  const reading = createReading({ messaging, presence, limit, authenticate: auth.authenticate });
  const gate = createGate({ host: config.host, publicUrl: config.publicUrl, allowed: config.allowedHosts });
  const mcp = createMcp({
    ...{ messaging, reading, onError },
    delegations: delegations.delegations,
    history: tracing.history,
    sessions: createMcpSessions(agents, clock),
    gate,
    makeServer: replaced.mcpServer,
  });
  const a2a = createA2A({
    ...{ messaging, agents, activity, delegations, idempotency, inbox: reading.inbox, egress, key, onError },
    publicUrl: config.publicUrl,
  });
  const metrics = createMetrics({
    connections: connections.size,
    parkedClaimers: messaging.parked.waiting,
    head: log.head,
    orchestrators: orchestrators.counts,
    openDelegations: delegations.open,
    taskStreams: a2a.openStreams,
    agents: () => Object.fromEntries([...Map.groupBy(roster.values(), (e) => e.status)].map(([s, l]) => [s, l.length])),
    channels: () =>
      Object.fromEntries(
        [...roster.values()].flatMap((e) => (e.kind === "channel" ? [[e.id, e.ready && e.status !== "offline"]] : [])),
      ),
  });
  const { searchLag } = messaging;
  const health = createHealthService({ db, disk, metrics, activity, clock, version: VERSION, searchLag, onError });

  const handle = createHandle({
    ...{ auth, presence, limit, gate, clock, logger },
    observe: metrics.request,
    stopping: connections.stopping,
  });
  const features: Routes = [
    ...probeRoutes(health),
    lateRoutes(["/v1/health", "/metrics", "/v1/backups"], async () =>
      (await import("./health/routes.ts")).healthRoutes(health, metrics),
    ),
    ...authRoutes(db, auth, agents.instanceFor),
    ...agentRoutes(db, agents),
    lateRoutes(["/v1/activity"], async () => (await import("./activity/routes.ts")).activityRoutes(activity)),
    ...messaging.routes(),
    tracing.routes,
    guard.routes,
    ...tasks.routes(),
    ...delegations.routes(),
    webhooks.routes,
    channels.routes,
    pairs.routes,
    orchestrators.routes,
    integrations.routes,
    a2a.routes,
    filing.routes,
    scheduling.routes,
    lateRoutes(["/v1/agents/{id}/inbox/digest"], async () =>
      (await import("./wake/wake.ts")).wakeRoutes({ ...messaging, ...reading, delegations: delegations.delegations }),
    ),
    ...reading.routes({
      identify: handle.identify,
      upgrade: (request, data, headers) => upgradeWith(app)(request, data, headers),
    }),
  ];
  const docs = lateRoutes(["/", "/openapi.json", "/docs"], async () =>
    (await import("./http/docs.ts")).docsRoutes(() => allRoutes(features), config.publicUrl),
  );
  const app: App = createApp([...features, docs, a2a.bindings, ...mcp.bindings()], handle);

  db.afterBatch((writes, milliseconds) => {
    metrics.committed(writes, milliseconds);
    log.runWoken();
  });
  log.onPublish((entries) => metrics.sent(entries.length));
  messaging.offers.onNoted(metrics.offered);
  messaging.leases.onChange((work) => metrics.workChanged(work.state));
  messaging.retention.onRun(metrics.retained);
  guard.onEvent(metrics.loop);
  tracing.traces.onAdded((messageId, rows) => {
    metrics.traced(rows.map((row) => row.level));
    reading.watch.about(messageId, "trace", rows.map(traceJson));
  });
  integrations.onReceived(metrics.eventReceived);
  tasks.onChange((task) => {
    metrics.taskChanged(task.status);
    if (task.messageId !== null) reading.watch.about(task.messageId, "task", JSON.stringify(task));
  });
  delegations.onStep((change, { ended, tookMs }) => {
    if (ended) metrics.delegationEnded(ended, tookMs);
    reading.watch.about(change.messageId, "delegation", () => JSON.stringify(change));
  });
  pairs.onChange(({ status }) => metrics.pairChanged(status));
  tasks.onMoved((tx, { body: _, ...task }) =>
    webhooks.emit(tx, { type: "task.changed", messageId: task.messageId, data: task }),
  );
  delegations.onMoved((tx, change) =>
    webhooks.emit(tx, { type: "delegation.changed", messageId: change.messageId, data: change }),
  );
  mcp.onCalled(metrics.toolCalled);
  webhooks.onOutcome(metrics.webhookTried);
  a2a.onAsked(metrics.a2aAsked);
  scheduling.onFire(metrics.scheduleFired);
  channels.events.onReceived(({ provider }, isRouted) => metrics.channelReceived(provider, isRouted));
  channels.outbound.onEnded((channelId, state) => metrics.channelPosted(channelId.split(":")[0] ?? "", state));
  filing.files.onAdded((file) => metrics.fileArrived(file.size));
  // Last: delegations, tasks and channels have told and ended what is theirs.
  agents.onDeleted(messaging.dropAgent);
  for (const pauser of [webhooks.pauseOf, scheduling.pauseOf, a2a.pauseOf]) auth.pauseBy(pauser);
  auth.onRevoked(connections.closeToken);
  agents.onSuperseded(connections.closeInstance);
  agents.onRemoved(connections.closeAgent);

  const operatorToken = operatorSecret(config.dataDir, config.token);
  for (const row of await db.read((on) => agentStore.all(on))) roster.put(row);
  await orchestrators.load();
  await messaging.quotas.load();
  await delegations.start();
  await db.write(async (tx) => {
    await agents.ensureBuiltIns(tx);
    await auth.adoptOperator(tx, operatorToken);
    await filing.start(tx);
    await channels.start(tx);
  });
  await a2a.load();
  due.start();
  connections.start();
  presence.start(onError);
  messaging.search.notice();

  return {
    app,
    routes: () => allRoutes([...features, docs]),
    operatorToken,
    async settle() {
      await due.settle();
      await messaging.search.settle();
    },
    async close() {
      connections.closeAll();
      connections.stop();
      await due.stop();
      messaging.search.stop();
      messaging.retention.stop();
      await presence.stop();
      await messaging.offers.stop();
      await messaging.quotas.stop();
      await db.close();
    },
  };
}
