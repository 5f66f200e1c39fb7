// Not by the index: that also loads its push gateway and default metrics, half of what the package costs a start.
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";
import type { DelegationStep } from "../../features/delegations/ends.ts";
import type { OffThreadTasks } from "../../kernel/db/worker-calls.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { GaugeRow } from "./gauges.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** Prometheus metrics. Gauges over the whole database are counted in a worker and kept, never counted on the main thread. */
export function createMetrics(gauges: readonly GaugeRow[]) {
  const registry = new Registry();
  const registers = [registry];
  const name = (rest: string) => `signalbox_${rest}`;

  const requests = new Histogram({
    name: name("request_seconds"),
    help: "Time from a request to its answer, by operation and status.",
    labelNames: ["operation", "status"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const sends = new Counter({ name: name("messages_appended_total"), help: "Entries appended to the log.", registers });
  const deliveries = new Counter({
    name: name("messages_offered_total"),
    help: "Entries handed over, by transport.",
    labelNames: ["transport"],
    registers,
  });
  const work = new Counter({
    name: name("work_changes_total"),
    help: "Changes of the state of work, by the new state.",
    labelNames: ["state"],
    registers,
  });
  const tools = new Counter({
    name: name("tool_calls_total"),
    help: "Calls of MCP tools, by tool and outcome.",
    labelNames: ["tool", "outcome"],
    registers,
  });
  const loops = new Counter({
    name: name("loops_total"),
    help: "Chains and threads of agents alone that were paused, and chains that were resumed.",
    labelNames: ["kind", "event"],
    registers,
  });
  const traces = new Counter({
    name: name("traces_total"),
    help: "Traces stored, by level.",
    labelNames: ["level"],
    registers,
  });
  const tasks = new Counter({
    name: name("task_changes_total"),
    help: "Steps of tasks, by the status they led to.",
    labelNames: ["status"],
    registers,
  });
  const delegations = new Counter({
    name: name("delegations_ended_total"),
    help: "Requests that owed an answer, by how they ended.",
    labelNames: ["outcome"],
    registers,
  });
  const roundTrips = new Histogram({
    name: name("delegation_seconds"),
    help: "Time from a request to the answer of whoever was asked.",
    buckets: [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400],
    registers,
  });
  const pairs = new Counter({
    name: name("pair_changes_total"),
    help: "Steps of pairs, by the status they led to.",
    labelNames: ["status"],
    registers,
  });
  const fires = new Counter({
    name: name("schedule_fires_total"),
    help: "Times of schedules that came, by what was made of them.",
    labelNames: ["outcome"],
    registers,
  });
  const webhooks = new Counter({
    name: name("webhook_attempts_total"),
    help: "Attempts to deliver an event to a webhook, by what came of them.",
    labelNames: ["outcome"],
    registers,
  });
  const events = new Counter({
    name: name("events_total"),
    help: "Events of integrations, by source and what became of them.",
    labelNames: ["source", "outcome"],
    registers,
  });
  const channelEvents = new Counter({
    name: name("channel_events_total"),
    help: "Events that came in by channels, by provider and whether they were routed or kept.",
    labelNames: ["provider", "outcome"],
    registers,
  });
  const channelPosts = new Counter({
    name: name("channel_posts_total"),
    help: "Messages that were to go out by channels, by provider and how they ended.",
    labelNames: ["provider", "outcome"],
    registers,
  });
  const a2aCalls = new Counter({
    name: name("a2a_requests_total"),
    help: "Requests to A2A agents of other machines (call, look, card) and notifications of tasks (push), by how they ended.",
    labelNames: ["what", "outcome"],
    registers,
  });
  const fileBytes = new Counter({ name: name("file_bytes_total"), help: "Bytes of files that arrived.", registers });
  const retentionRuns = new Counter({ name: name("retention_runs_total"), help: "Runs of retention.", registers });
  const retentionDeleted = new Counter({
    name: name("retention_deleted_total"),
    help: "Entries that retention deleted.",
    registers,
  });
  const batchSize = new Histogram({
    name: name("commit_writes"),
    help: "Writes that shared one commit.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const batchTime = new Histogram({
    name: name("commit_seconds"),
    help: "Time of one commit with its writes.",
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1],
    registers,
  });
  const states = new Gauge({
    name: name("work"),
    help: "Pieces of work by state, counted in the background.",
    labelNames: ["state"],
    registers,
  });
  const taskStates = new Gauge({
    name: name("tasks"),
    help: "Tasks by status, counted in the background.",
    labelNames: ["status"],
    registers,
  });
  const stored = new Gauge({ name: name("messages"), help: "Entries stored, counted in the background.", registers });
  const oldest = new Gauge({
    name: name("oldest_open_work_seconds"),
    help: "Age of the oldest open or delayed work, 0 when there is none.",
    registers,
  });
  const bytes = new Gauge({ name: name("database_bytes"), help: "Size on disk.", labelNames: ["file"], registers });
  for (const { help, label, read, ...row } of gauges)
    new Gauge({
      ...{ name: name(row.name), help, labelNames: label ? [label] : [], registers },
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
