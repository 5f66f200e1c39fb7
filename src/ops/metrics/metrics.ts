// The index would also load the push gateway and the default metrics, half of the package's cost at a start.
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";
import type { DelegationStep } from "../../features/delegations/outcomes.ts";
import type { OffThreadTasks } from "../../kernel/db/worker-calls.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { RunChange } from "../../protocol/runs.ts";
import type { GaugeRow } from "./gauges.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** Prometheus metrics. Gauges over the whole database are counted in a worker and kept, never counted on the main thread. */
export function createMetrics(gauges: readonly GaugeRow[]) {
  const registry = new Registry();
  const registers = [registry];
  const named = (name: string, help: string) => ({ name: `signalbox_${name}`, help, registers });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ ...named(name, help), labelNames });
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ ...named(name, help), labelNames });
  const histogram = (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
    new Histogram({ ...named(name, help), labelNames, buckets });

  const requests = histogram(
    "request_seconds",
    "Time from a request to its answer, by operation and status.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    "operation",
    "status",
  );
  const sends = counter("messages_appended_total", "Entries appended to the log.");
  const deliveries = counter("messages_offered_total", "Entries handed over, by transport.", "transport");
  const work = counter("work_changes_total", "Changes of the state of work, by the new state.", "state");
  const tools = counter("tool_calls_total", "Calls of MCP tools, by tool and outcome.", "tool", "outcome");
  const loops = counter(
    "loops_total",
    "Chains and threads of agents alone that were paused, and chains that were resumed.",
    "kind",
    "event",
  );
  const traces = counter("traces_total", "Traces stored, by level.", "level");
  const tasks = counter("task_changes_total", "Steps of tasks, by the status they led to.", "status");
  const delegations = counter("delegations_ended_total", "Delegations ended, by outcome.", "outcome");
  const roundTrips = histogram(
    "delegation_seconds",
    "Time from a request to its answer.",
    [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
  );
  const runs = counter("run_changes_total", "Steps of runs, by the status they led to.", "status");
  const runsEnded = counter("runs_ended_total", "Runs ended, by outcome.", "outcome");
  const runTimes = histogram(
    "run_seconds",
    "Time from the making of a run to its end.",
    [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
  );
  const announcements = counter(
    "announcement_changes_total",
    "Steps of announcements, by the state they led to.",
    "state",
  );
  const approvals = counter(
    "approval_changes_total",
    "Steps of approvals, by kind and the state they led to.",
    "kind",
    "state",
  );
  const pairs = counter("pair_changes_total", "Steps of pairs, by the status they led to.", "status");
  const fires = counter("schedule_fires_total", "Due times of schedules, by outcome.", "outcome");
  const webhooks = counter(
    "webhook_attempts_total",
    "Attempts to deliver an event to a webhook, by outcome.",
    "outcome",
  );
  const events = counter("events_total", "Events of integrations, by source and outcome.", "source", "outcome");
  const channelEvents = counter(
    "channel_events_total",
    "Events received by channels, by provider and outcome.",
    "provider",
    "outcome",
  );
  const channelPosts = counter(
    "channel_posts_total",
    "Posts of channels, by provider and outcome.",
    "provider",
    "outcome",
  );
  const a2aCalls = counter(
    "a2a_requests_total",
    "Requests to external A2A agents (call, look, card) and push notifications (push), by outcome.",
    "what",
    "outcome",
  );
  const fileBytes = counter("file_bytes_total", "Bytes of files that arrived.");
  const retentionRuns = counter("retention_runs_total", "Runs of retention.");
  const retentionDeleted = counter("retention_deleted_total", "Entries that retention deleted.");
  const batchSize = histogram("commit_writes", "Writes that shared one commit.", [1, 2, 4, 8, 16, 32, 64, 128, 256]);
  const batchTime = histogram(
    "commit_seconds",
    "Time of one commit with its writes.",
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1],
  );
  const states = gauge("work", "Pieces of work by state, counted in the background.", "state");
  const taskStates = gauge("tasks", "Tasks by status, counted in the background.", "status");
  const stored = gauge("messages", "Entries stored, counted in the background.");
  const oldest = gauge("oldest_open_work_seconds", "Age of the oldest open or delayed work, 0 when there is none.");
  const bytes = gauge("database_bytes", "Size on disk.", "file");
  for (const { name, help, label, read } of gauges)
    new Gauge({
      ...named(name, help),
      labelNames: label ? [label] : [],
      collect() {
        const now = read();
        if (typeof now === "number") return this.set(now);
        this.reset();
        for (const [key, value] of Object.entries(now)) this.set({ [label ?? "key"]: key }, value);
      },
    });

  return {
    /** Observer of HTTP requests. */
    request: (operation: string, status: number, ms: number) => requests.observe({ operation, status }, ms / 1000),
    /** Observer of commits. */
    committed(writes: number, ms: number): void {
      batchSize.observe(writes);
      batchTime.observe(ms / 1000);
    },
    messageSent(): void {
      sends.inc();
    },
    delivered(transport: string, entries: number): void {
      deliveries.inc({ transport }, entries);
    },
    workMoved({ state }: { state: string }): void {
      work.inc({ state });
    },
    retained({ deleted }: { deleted: number }): void {
      retentionRuns.inc();
      retentionDeleted.inc(deleted);
    },
    loopChanged(kind: string, event: string): void {
      loops.inc({ kind, event });
    },
    traced(_: number, rows: readonly { level: number }[]): void {
      for (const { level } of rows) traces.inc({ level });
    },
    taskChanged({ status }: { status: string }): void {
      tasks.inc({ status });
    },
    delegationChanged(_: DelegationChange, { ended, tookMs }: DelegationStep): void {
      if (ended === undefined) return;
      delegations.inc({ outcome: ended });
      if (tookMs !== undefined) roundTrips.observe(tookMs / 1000);
    },
    approvalChanged({ kind, state }: Approval, _: unknown, before: { state: string } | undefined): void {
      if (before?.state !== state) approvals.inc({ kind, state });
    },
    runChanged(
      { status, outcome, createdAt, endedAt }: RunChange,
      _: unknown,
      before: { status: string } | undefined,
    ): void {
      if (before?.status === status) return;
      runs.inc({ status });
      if (status !== "ended" || endedAt === null) return;
      runsEnded.inc({ outcome: outcome ?? "unknown" });
      runTimes.observe(Math.max(0, Date.parse(endedAt) - Date.parse(createdAt)) / 1000);
    },
    announcementChanged({ state }: { state: string }): void {
      announcements.inc({ state });
    },
    pairChanged({ status }: { status: string }): void {
      pairs.inc({ status });
    },
    scheduleFired(outcome: string): void {
      fires.inc({ outcome });
    },
    fileStored({ size }: { size: number }): void {
      fileBytes.inc(size);
    },
    eventReceived(source: string, outcome: string): void {
      events.inc({ source, outcome });
    },
    channelReceived({ provider }: { provider: string }, isRouted: boolean): void {
      channelEvents.inc({ provider, outcome: isRouted ? "routed" : "unbound" });
    },
    channelPosted(channelId: string, outcome: string): void {
      channelPosts.inc({ provider: channelId.split(":")[0] ?? "", outcome });
    },
    webhookTried(outcome: string): void {
      webhooks.inc({ outcome });
    },
    toolCalled(tool: string, outcome: string): void {
      tools.inc({ tool, outcome });
    },
    a2aAsked(what: string, outcome: string): void {
      a2aCalls.inc({ what, outcome });
    },
    counted(counts: OffThreadTasks["counts"]["answer"], now: number): void {
      states.reset();
      for (const [state, n] of Object.entries(counts.work)) states.set({ state }, n);
      taskStates.reset();
      for (const [status, n] of Object.entries(counts.tasks)) taskStates.set({ status }, n);
      stored.set(counts.messages);
      oldest.set(counts.oldestOpenAt === null ? 0 : Math.max(0, now - counts.oldestOpenAt) / 1000);
      bytes.set({ file: "database" }, counts.bytes);
      bytes.set({ file: "wal" }, counts.walBytes);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
