import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { createCore } from "./core/core.ts";
import type { Sweep } from "./core/retention/sweeps.ts";
import { createA2A } from "./edges/a2a/a2a.ts";
import { createAnnouncements } from "./edges/announcements/announcements.ts";
import { createApprovalCards } from "./edges/approvals/approvals.ts";
import { createAttention } from "./edges/attention/attention.ts";
import { createBulk } from "./edges/bulk/bulk.ts";
import { createChannels } from "./edges/channels/channels.ts";
import { createNames } from "./edges/channels/names.ts";
import { createChat } from "./edges/chat/chat.ts";
import { createChatCommands } from "./edges/chat-commands/chat-commands.ts";
import { createDigests } from "./edges/envelope/digests.ts";
import { createGate } from "./edges/http/gate.ts";
import { createIntegrations } from "./edges/integrations/integrations.ts";
import { createMcp } from "./edges/mcp/mcp.ts";
import type { ServerMaker } from "./edges/mcp/server.ts";
import { createProjects } from "./edges/projects/projects.ts";
import { createPulls } from "./edges/pulls/pulls.ts";
import { createPush } from "./edges/push/push.ts";
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
import { createViews } from "./features/views/views.ts";
import { derivationKey } from "./identity/auth/operator-token.ts";
import { createIdentity } from "./identity/identity.ts";
import type { Clock } from "./kernel/clock.ts";
import type { DiskProbe } from "./kernel/db/disk.ts";
import type { DueTable } from "./kernel/due/due.ts";
import { createKernel } from "./kernel/kernel.ts";
import type { StuckPeers } from "./kernel/log/peers.ts";
import { createBackups } from "./ops/backups/backups.ts";
import { createHealth } from "./ops/health/health.ts";
import { gaugesOf } from "./ops/metrics/gauges.ts";
import { createMetrics } from "./ops/metrics/metrics.ts";
import { createStats } from "./ops/stats/stats.ts";
import { createTelemetry } from "./ops/telemetry/telemetry.ts";

/** Parts that tests put in place of ours. */
export interface Replacements {
  mcpServer?: ServerMaker | undefined;
  diskProbe?: DiskProbe | undefined;
  stuckPeers?: StuckPeers | undefined;
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
    ...{ judge: rule.judge, names: createNames(), retentionDays, loopWindowMs },
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
  const approvals = createApprovals({ kernel, identity, core, runs, sessions });
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
  const watch = createWatch({ kernel, identity, core, runs });
  const push = createPush(
    { kernel, identity, core, approvals, announcements, runs, watch },
    { subject: config.pushSubject, publicUrl },
  );
  const cards = createApprovalCards({ kernel, identity, core, approvals, runs, channels, push });
  const chatCommands = createChatCommands({
    ...{ kernel, identity, core, approvals, cards, channels, commands, delegations, holds, sessions },
  });
  const webhooks = createWebhooks(base);
  const attention = createAttention({
    ...{ kernel, identity, core, cards, delegations, approvals, announcements, conflicts },
    ...{ loops, runs, sessions, webhooks },
  });
  const projects = createProjects({ kernel, identity, core, attention, runs, sessions });
  const bulk = createBulk({ kernel, identity, core, approvals, announcements });
  const views = createViews(base);
  const pulls = createPulls({ kernel, identity, core, runs, channels });
  const integrations = createIntegrations({ kernel, identity, core, tasks, pulls });
  const gate = createGate({ host: config.host, publicUrl, allowed: config.allowedHosts });
  const mcp = createMcp(
    { kernel, identity, core, delegations, traces, runs, commands, sessions, gate },
    replaced.mcpServer,
  );
  const a2a = createA2A({ kernel, identity, core, delegations, runs }, { publicUrl });
  const chat = createChat({ kernel, identity, core, runs, approvals });
  const digests = createDigests({ kernel, identity, core, delegations, runs });
  const metrics = createMetrics(
    gaugesOf({ kernel, identity, core, delegations, runs, announcements, a2a, sessions, limits }),
  );
  const health = createHealth(
    { kernel, identity, core, announcements, sessions, channels, webhooks, metrics },
    { runEventHours: config.runEventHours, fileUnusedHours: config.fileUnusedHours },
  );
  const backups = createBackups(base);
  const telemetry = createTelemetry({ kernel, identity, core, runs }, config.telemetry ?? NO_COLLECTOR);
  const stats = createStats(base);
  return {
    ...{ kernel, identity, core, loops, traces, tasks, delegations, files, runs, pairs, schedules, jobs },
    ...{ approvals, cards, chatCommands, models, sessions, limits, commands, profiles, holds, orphans, conflicts },
    ...{
      channels,
      announcements,
      webhooks,
      pulls,
      push,
      integrations,
      gate,
      mcp,
      a2a,
      chat,
      watch,
      attention,
      projects,
      bulk,
      views,
      digests,
      metrics,
      health,
      backups,
      telemetry,
      stats,
    },
  };
}

const NO_COLLECTOR = { endpoint: undefined, headers: {}, hasContent: false };

/** Work at times and rows that age, by area. */
export const tables = (areas: AllAreas): (DueTable & { sweeps?: readonly Sweep[] })[] => [
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
  ...[areas.telemetry, areas.attention, areas.bulk, areas.stats],
  areas.push,
];
