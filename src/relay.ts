import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { createMessaging } from "./core/core.ts";
import { createReading } from "./core/inbox/wiring.ts";
import { createA2A } from "./edges/a2a/a2a.ts";
import { createChannels } from "./edges/channels/channels.ts";
import { type App, createApp, upgradeWith } from "./edges/http/app.ts";
import { createGate } from "./edges/http/gate.ts";
import { createHandle } from "./edges/http/handle.ts";
import { createIntegrations } from "./edges/integrations/integrations.ts";
import { createMcp } from "./edges/mcp/mcp.ts";
import type { ServerMaker } from "./edges/mcp/server.ts";
import { createMcpSessions } from "./edges/mcp/sessions.ts";
import { createWebhooks } from "./edges/webhooks/webhooks.ts";
import { createDelegations } from "./features/delegations/delegations.ts";
import { createFiling } from "./features/files/files.ts";
import { createGuard } from "./features/loops/loops.ts";
import { createPairs } from "./features/pairs/pairs.ts";
import { createScheduling } from "./features/schedules/schedules.ts";
import { createTasks } from "./features/tasks/tasks.ts";
import { traceJson } from "./features/traces/service.ts";
import { createTracing } from "./features/traces/traces.ts";
import { createActivityService } from "./identity/activity/service.ts";
import { createPresence } from "./identity/agents/presence.ts";
import { createRoster } from "./identity/agents/roster.ts";
import { createAgentService } from "./identity/agents/service.ts";
import { createAgentStore } from "./identity/agents/store.ts";
import { allRoutes, lateRoutes, type Routes } from "./identity/auth/late-routes.ts";
import { derivationKey, operatorSecret } from "./identity/auth/operator-token.ts";
import type { Route } from "./identity/auth/route.ts";
import { createAuthService } from "./identity/auth/service.ts";
import { createAuthStore } from "./identity/auth/store.ts";
import { createOrchestrators } from "./identity/orchestrators/orchestrators.ts";
import type { Clock } from "./kernel/clock.ts";
import { openDatabase } from "./kernel/db/database.ts";
import { createDisk, type DiskProbe, probeOf } from "./kernel/db/disk.ts";
import { lastIdOf } from "./kernel/db/sequence.ts";
import { createDue } from "./kernel/due/due.ts";
import { createDueStore } from "./kernel/due/store.ts";
import { createEgress } from "./kernel/egress/egress.ts";
import { createRateLimit } from "./kernel/http/rate-limit.ts";
import { createIdempotency } from "./kernel/idempotency/service.ts";
import { createIdempotencyStore } from "./kernel/idempotency/store.ts";
import { createConnections } from "./kernel/log/connections.ts";
import { createLog } from "./kernel/log/log.ts";
import type { StuckPeers } from "./kernel/log/peers.ts";
import { probeRoutes } from "./ops/health/probes.ts";
import { createHealthService } from "./ops/health/service.ts";
import { createMetrics } from "./ops/metrics/metrics.ts";
import { speakPlainly } from "./protocol/wording.ts";
import { VERSION } from "./version.ts";

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
      (await import("./ops/health/routes.ts")).healthRoutes(health, metrics),
    ),
    lateRoutes(["/v1/activity"], async () => (await import("./identity/activity/routes.ts")).activityRoutes(activity)),
    tracing.routes,
    guard.routes,
    webhooks.routes,
    channels.routes,
    pairs.routes,
    orchestrators.routes,
    integrations.routes,
    a2a.routes,
    filing.routes,
    scheduling.routes,
    lateRoutes(["/v1/agents/{id}/inbox/digest"], async () =>
      (await import("./edges/envelope/routes.ts")).wakeRoutes({
        ...messaging,
        ...reading,
        delegations: delegations.delegations,
      }),
    ),
    // All at once: a path of one may look like a parameter of another (/v1/messages/stream).
    lateRoutes(["/v1"], async () => {
      const [{ authRoutes }, { agentRoutes }, ...lists] = await Promise.all([
        import("./identity/auth/routes.ts"),
        import("./identity/agents/routes.ts"),
        messaging.routes(),
        tasks.routes(),
        delegations.routes(),
        reading.routes({
          identify: handle.identify,
          upgrade: (request, data, headers) => upgradeWith(app)(request, data, headers),
        }),
      ]);
      return [...authRoutes(db, auth, agents.instanceFor), ...agentRoutes(db, agents), ...lists.flat()];
    }),
  ];
  const docs = lateRoutes(["/", "/openapi.json", "/docs"], async () =>
    (await import("./edges/http/docs.ts")).docsRoutes(() => allRoutes(features), config.publicUrl),
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
