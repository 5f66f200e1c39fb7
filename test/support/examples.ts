import type { Route } from "../../src/identity/auth/route.ts";
import { VERSION } from "../../src/version.ts";
import { ANNOUNCEMENT_EXAMPLES } from "./announcement-examples.ts";
import { PEOPLE_EXAMPLES } from "./people-examples.ts";
import { RUN_EXAMPLES } from "./run-examples.ts";
import { SESSION_EXAMPLES } from "./session-examples.ts";
import { LOOP_LIMIT, type Who, type World } from "./world.ts";

/** A request that is to be accepted: by whom, and what fills the places of its route. */
export interface Example {
  who: Who;
  path?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
}

type Make = (world: World) => Promise<Example> | Example;

const byWorker = (more: Partial<Example>): Example => ({ who: "agent", ...more });
const byOperator = (more: Omit<Example, "who"> = {}): Example => ({ who: "operator", ...more });
const onWorker = { path: { id: "worker" } };

/** One example for every operation, by its id. Each call makes what it needs first. */
export const EXAMPLES: Record<string, Make> = {
  alive: () => ({ who: "nobody" }),
  ready: () => ({ who: "nobody" }),
  healthReport: () => byOperator(),
  metrics: () => byOperator(),
  getStats: () =>
    byOperator({
      query: { series: "messages", by: "agent", from: "2026-01-01T00:00:00Z", to: "2026-01-09T00:00:00Z", step: "day" },
    }),
  getFlow: () => byOperator({ query: { from: "2026-01-01T00:00:00Z", to: "2026-01-09T00:00:00Z", limit: "5" } }),
  getUsage: () =>
    byOperator({ query: { by: "agent", from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00+01:00", limit: "5" } }),
  listBackups: () => byOperator({}),
  makeBackup(world) {
    // A copy is named by its time.
    world.clock.jump(1);
    return byOperator();
  },
  listActivity: () => byOperator({ query: { actor: "system", verb: "agent.registered", before: "100", limit: "10" } }),

  createToken: () =>
    byOperator({
      body: { role: "agent", agentId: "worker", groups: ["tag:review"], name: "ci", expiresAt: "2027-01-01T00:00:00Z" },
    }),
  ...PEOPLE_EXAMPLES,
  listTokens: () => byOperator({ query: { limit: "2" } }),
  async revokeToken(world) {
    const { body } = await world.ask("POST", "/v1/tokens", { role: "viewer" });
    return byOperator({ path: { id: body.id } });
  },
  whoAmI: () => byWorker({ headers: { "signalbox-instance": "worker-1" } }),

  registerAgent: (world) =>
    byOperator({
      path: { id: world.fresh("new-") },
      body: {
        ...{ name: "New", kind: "provider", label: "team-a", role: "builder", description: "Builds.", machine: "box" },
        ...{ skills: [{ name: "build", description: "Builds." }], tags: ["a"], capabilities: ["b"], rig: "Codex" },
        ...{ ready: true, status: "online", reach: "idle", instanceId: world.fresh("i"), meta: { deep: { er: [1] } } },
      },
    }),
  listAgents: () => byWorker({ query: { kind: "provider", status: "online", tag: "review", limit: "10" } }),
  getAgent: () => byWorker(onWorker),
  changeAgent: () => byWorker({ ...onWorker, body: { description: "Works.", role: null, meta: { a: "b" } } }),
  async deleteAgent(world) {
    const id = world.fresh("doomed-");
    await world.ask("PUT", `/v1/agents/${id}`, { name: id });
    return byOperator({ path: { id } });
  },
  async restoreAgent(world) {
    const id = world.fresh("restored-");
    await world.ask("PUT", `/v1/agents/${id}`, { name: id });
    await world.ask("DELETE", `/v1/agents/${id}`);
    return byOperator({ path: { id } });
  },
  heartbeat: () => byWorker({ ...onWorker, body: { status: "busy", ready: true } }),

  sendMessage: (world) =>
    byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ from: "worker", to: "sender", kind: "task", topic: "builds", subject: "Build", body: "Please build." },
        ...{ claimable: true, urgent: false, maxAttempts: 3, expiresAt: "2026-12-31T00:00:00Z", encoding: "plain" },
        ...{ payload: { branch: "main" }, meta: { from: ["here"] } },
      },
    }),
  sendBatch: (world) =>
    byWorker({
      body: {
        messages: [
          { to: "sender", body: "one", idempotencyKey: world.fresh("key") },
          { to: "tag:review", body: "two", deliverAt: "2026-12-31T00:00:00Z" },
          { to: "broadcast", body: "three", payload: {} },
        ],
      },
    }),
  listMessages: () => byWorker({ query: { agent: "worker", kind: "task", q: "do this", after: "0", limit: "5" } }),
  getMessage: async (world) => byWorker({ path: { id: String(await world.work()) } }),
  explainMessage: async (world) => byWorker({ path: { id: (await world.held()).id }, query: { limit: "5" } }),
  listThreads: () => ({ who: "viewer", query: { participant: "worker", archived: "false", q: "work*", limit: "5" } }),
  changeThread: async (world) =>
    byOperator({
      path: { id: String(await world.work()) },
      body: { title: "The release", archived: true, agentId: "worker" },
    }),
  readThread: async (world) => {
    const id = await world.work();
    return byOperator({ path: { id: String(id) }, body: { upTo: id } });
  },
  getThread: async (world) => byWorker({ path: { id: String(await world.work()) }, query: { limit: "5" } }),
  markRead: async (world) => byWorker({ path: { id: String(await world.work()) }, body: { agentId: "worker" } }),

  delegate: (world) =>
    byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ from: "worker", to: "sender", text: "Please build.", timeoutSeconds: 60 },
        context: { summary: "It is red.", constraints: ["no force push"], expectedOutput: "a diff" },
      },
    }),
  listDelegations: () => byWorker({ query: { from: "worker", to: "sender", status: "answered", limit: "5" } }),
  getDelegation: async (world) => byWorker({ path: { id: await world.asked() }, query: { waitSeconds: "0" } }),
  answerDelegation: async (world) =>
    byWorker({
      path: { id: await world.asked() },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { agentId: "worker", text: "done", error: "but", payload: { ok: false } },
    }),
  reportProgress: async (world) =>
    byWorker({
      path: { id: await world.asked() },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { agentId: "worker", text: "half" },
    }),
  cancelDelegation: async (world) =>
    byOperator({ path: { id: await world.asked() }, body: { tree: true, reason: "no need" } }),

  async askForPair(world) {
    const target = world.fresh("partner-");
    await world.ask("PUT", `/v1/agents/${target}`, { name: target });
    return byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { requester: "worker", target, objective: "fix the build", timeoutSeconds: 60 },
    });
  },
  listPairs: () => byWorker({ query: { agent: "worker", status: "pending", limit: "5" } }),
  getPair: async (world) => byWorker({ path: { id: await world.pair() } }),
  acceptPair: async (world) => byWorker({ path: { id: await world.pair() }, body: { agentId: "worker" } }),
  rejectPair: async (world) => byWorker({ path: { id: await world.pair() }, body: { reason: "no time" } }),
  endPair: async (world) => byWorker({ path: { id: await world.pair(true) }, body: { reason: "done" } }),
  sayToPair: async (world) =>
    byWorker({
      path: { id: await world.pair(true) },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { from: "worker", subject: "Plan", body: "I take the tests.", encoding: "plain", payload: { step: 1 } },
    }),

  readLetter: async (world) =>
    byWorker({ path: { id: String((await world.held()).id) }, query: { agent: "worker", budget: "500", offset: "0" } }),
  readDigest: () => byWorker({ ...onWorker, query: { budget: "500", after: "0" } }),
  readInbox: () => byWorker({ ...onWorker, query: { after: "0", limit: "3", waitSeconds: "0", include: "parent" } }),
  ackInbox: async (world) => byWorker({ ...onWorker, body: { upTo: await world.work() } }),
  streamOrchestrator: () => ({
    ...{ who: "orchestrator", path: { id: "fleet" }, query: { after: "0" }, headers: { "last-event-id": "1" } },
  }),
  streamInbox: () => byWorker({ ...onWorker, query: { after: "0" }, headers: { "last-event-id": "1" } }),
  watchMessages: () => byOperator({ query: { after: "0", kind: "task", state: "open" } }),
  watch: () => ({ who: "viewer" }),
  openSocket: () => byWorker({ ...onWorker, query: { after: "0" } }),

  claimMessage: async (world) =>
    byWorker({ path: { id: String(await world.work()) }, body: { agentId: "worker", leaseSeconds: 60 } }),
  async claimNext(world) {
    await world.work();
    return byWorker({ ...onWorker, body: { max: 2, leaseSeconds: 60, waitSeconds: 0, kinds: ["task"] } });
  },
  heldClaims: () => byWorker(onWorker),
  renewClaim: (world) => onHeld(world, { leaseSeconds: 90 }),
  releaseClaim: (world) => onHeld(world, { delaySeconds: 5, reason: "later" }),
  completeClaim: (world) => onHeld(world, { result: { body: "done", subject: "Built", payload: { ok: true } } }),
  async completeClaims(world) {
    const [one, other] = [await world.held(), await world.held()];
    const items = [
      { id: Number(one.id), token: one.token, result: { body: "done", payload: { ok: true } } },
      { id: Number(other.id), token: other.token },
    ];
    return byWorker({ body: { items } });
  },
  failClaim: (world) => onHeld(world, { error: "broke", retryAfterSeconds: 3, final: false }),
  cancelMessage: async (world) => byOperator({ path: { id: String(await world.work()) } }),
  requeueMessage: async (world) => byOperator({ path: { id: await world.dead() } }),
  async listDeadLetters(world) {
    await world.dead();
    return byOperator({ query: { limit: "3" } });
  },

  addTraces: async (world) =>
    byWorker({
      path: { id: String(await world.work()) },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: [
        { level: 2, type: "thinking", content: "Where does it stand?" },
        { level: 3, type: "file_read", content: "main.ts", metadata: { path: "main.ts", lines: [1, 20] } },
      ],
    }),
  async listTraces(world) {
    const id = String(await world.work());
    await world.ask("POST", `/v1/messages/${id}/traces`, [{ level: 2, type: "planning", content: "First this." }]);
    return byWorker({ path: { id }, query: { level: "3", type: "planning", agent: "user", page: "0", limit: "5" } });
  },
  async readHistory(world) {
    const id = String(await world.work());
    await world.ask("POST", `/v1/messages/${id}/traces`, [{ level: 2, type: "planning", content: "First this." }]);
    return byWorker({
      query: {
        thread: id,
        level: "3",
        agent: "worker",
        sender: "sender",
        traceType: "planning",
        before: "99999",
        limit: "5",
      },
    });
  },
  listIntegrations: () => byOperator({ query: { limit: "2" } }),
  putIntegration: (world) =>
    byOperator({
      path: { source: world.fresh("source-") },
      body: {
        ...{
          target: "tag:review",
          topic: "alerts",
          severity: "warning",
          mapping: "paths",
          verify: "token",
          rotate: true,
        },
        paths: {
          ...{ items: "$.alerts", title: "{{name}} failed", body: "text", severity: "prio", dedupeKey: "$.ids[0]" },
          ...{ status: "state", externalUrl: "url", topic: "team", severities: { High: "critical" }, resolved: ["ok"] },
        },
        secret: "sixteen-characters",
      },
    }),
  getIntegration: async (world) => byOperator({ path: { source: await world.source() } }),
  deleteIntegration: async (world) => byOperator({ path: { source: await world.source() } }),
  postEvent: async (world) =>
    byOperator({
      path: { source: await world.source() },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ title: "Disk full", body: "On db-1.", severity: "error", target: "tag:review", topic: "disks" },
        ...{ dedupeKey: "disk-1", status: "open", externalUrl: "https://example.com/1", payload: { free: 0 } },
      },
    }),

  createTask: (world) =>
    byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ from: "worker", title: "Disk full", body: "On db-1.", severity: "error", target: "tag:review" },
        ...{ topic: "disks", externalUrl: "https://example.com/1", payload: { disk: { free: 0 } } },
      },
    }),
  async listTasks(world) {
    await world.heldTask();
    const filter = { status: "claimed", target: "worker", holder: "worker", severity: "info" };
    return byWorker({ query: { ...filter, project: "acme/api", limit: "5" } });
  },
  getTask: async (world) => byWorker({ path: { id: await world.task() }, query: { limit: "5" } }),
  claimTask: async (world) =>
    byWorker({ path: { id: await world.task() }, body: { agentId: "worker", leaseSeconds: 60 } }),
  renewTask: (world) => onHeldTask(world, { leaseSeconds: 90 }),
  releaseTask: (world) => onHeldTask(world, { delaySeconds: 5, reason: "later" }),
  setTaskStatus: (world) => onHeldTask(world, { status: "blocked", note: "waits for parts" }),
  createSchedule: (world) =>
    byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ agentId: "worker", name: "Report", cron: "0 9 * * 1-5", timezone: "Europe/Berlin", missed: "skip" },
        message: { to: "sender", subject: "Report", body: "Please report.", claimable: true, expiresAfterSeconds: 600 },
        run: { model: "opus" },
        enabled: true,
      },
    }),
  listSchedules: () => byWorker({ query: { agentId: "worker", limit: "5" } }),
  listTimes: () => byWorker({ query: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin", count: "3" } }),
  getSchedule: (world) => onSchedule(world, {}),
  changeSchedule: (world) =>
    onSchedule(world, {
      body: {
        name: null,
        at: "2027-01-01T00:00:00Z",
        message: { to: "worker", body: "x" },
        run: null,
        missed: "once",
        enabled: true,
      },
    }),
  deleteSchedule: (world) => onSchedule(world, {}),
  runSchedule: (world) => onSchedule(world, { headers: { "idempotency-key": `"${world.fresh("key")}"` } }),
  listFires: (world) => onSchedule(world, { query: { page: "5", limit: "5" } }),

  putModels: () =>
    byWorker({
      ...onWorker,
      body: {
        items: [
          { id: "opus", name: "Opus", provider: "anthropic" },
          { id: "llama3:8b", name: "Llama" },
        ],
        default: "opus",
      },
    }),
  listModels: () => byWorker({ query: { agent: "worker", page: "a", limit: "5" } }),
  putJobs: () =>
    byWorker({
      ...onWorker,
      body: {
        items: [
          { id: "nightly", name: "Nightly", schedule: "0 3 * * *", enabled: true, lastRunAt: "2026-02-28T03:00:00Z" },
          { id: "hourly", name: "Hourly", schedule: "@hourly", enabled: false },
        ],
      },
    }),
  listAllJobs: () => byOperator({ query: { agent: "worker", page: "worker/a", limit: "5" } }),
  listJobs: () => byWorker({ ...onWorker, query: { page: "worker/a", limit: "5" } }),
  reportJobRun: (world) =>
    onJob(world, {
      body: {
        ...{ id: world.fresh("run-"), status: "ok", output: "3 reports", encoding: "plain" },
        ...{ startedAt: "2026-02-28T03:00:00Z", endedAt: "2026-02-28T03:01:00Z" },
      },
    }),
  listJobRuns: (world) => onJob(world, { query: { page: "1772247600000.run-1", limit: "5" } }),
  runJob: (world) => onJob(world, { who: "operator", headers: { "idempotency-key": `"${world.fresh("key")}"` } }),
  deleteJob: (world) => onJob(world, { who: "operator", headers: { "idempotency-key": `"${world.fresh("key")}"` } }),

  createWebhook: (world) =>
    byWorker({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        ...{ agentId: "worker", name: "CI", url: "http://127.0.0.1:1/hook", events: ["message.created", "work.done"] },
        filter: { from: "sender", to: "worker", topic: "builds", kind: "task" },
      },
    }),
  listWebhooks: () => byWorker({ query: { agentId: "worker", limit: "5" } }),
  getWebhook: (world) => onWebhook(world, {}),
  changeWebhook: (world) =>
    onWebhook(world, {
      body: { name: null, url: "http://127.0.0.1:1/other", events: ["work.dead"], filter: {}, status: "paused" },
    }),
  deleteWebhook: (world) => onWebhook(world, {}),
  rotateWebhook: (world) => onWebhook(world, { body: { overlapSeconds: 60 } }),
  testWebhook: (world) => onWebhook(world, {}),
  listDeliveries: (world) => onWebhook(world, { query: { state: "dead", limit: "5" } }),
  redeliverWebhook: (world) => onWebhook(world, { body: {} }),

  listChannels: () => byWorker({ query: { limit: "10" } }),
  getChannel: async (world) => byWorker(await onChannel(world)),
  chooseDefaultChannel: async (world) => byOperator(await onChannel(world)),
  unchooseDefaultChannel: async (world) => byOperator(await onChannel(world)),
  setAccess: async (world) => byOperator({ ...(await onChannel(world)), body: { mode: "open" } }),
  listGuests: async (world) => byOperator({ ...(await onChannel(world)), query: { limit: "3", page: "gst_0" } }),
  addGuest: async (world) =>
    byOperator({
      ...(await onChannel(world)),
      body: { conversationId: "c", senderId: world.fresh("u"), approves: true, name: "Ada" },
    }),
  async removeGuest(world) {
    const { path } = await onChannel(world);
    const { body } = await world.ask("POST", `/v1/channels/${path.id}/guests`, { senderId: world.fresh("u") });
    return byOperator({ path: { ...path, guestId: body.id } });
  },
  listBindings: () => byWorker({ query: { channel: "telegram:x", conversation: "c", target: "worker", limit: "3" } }),
  listChannelBindings: async (world) =>
    byOperator({ ...(await onChannel(world)), query: { conversation: "c", limit: "3" } }),
  setBinding: async (world) =>
    byOperator({
      ...(await onChannel(world)),
      body: {
        ...{ conversationId: "c", threadId: "t", target: "tag:review", mode: "broadcast", priority: 3 },
        ...{ fallback: "worker", replay: true },
      },
    }),
  async removeBinding(world) {
    const { path } = await onChannel(world);
    const { body } = await world.ask("PUT", `/v1/channels/${path.id}/bindings`, { target: "worker" });
    return byOperator({ path: { ...path, bindingId: body.id } });
  },
  explainRoute: async (world) => byOperator({ ...(await onChannel(world)), query: { conversation: "c", thread: "t" } }),
  reportEvent: async (world) =>
    byOperator({
      ...(await onChannel(world)),
      body: {
        ...{ type: "button", conversationId: "c", threadId: "t", externalId: world.fresh("e"), text: "Yes" },
        ...{ sender: { id: "1", name: "Ada" }, button: { id: "yes", text: "Yes" }, replyToExternalId: "e0" },
        ...{ meta: { raw: [1] }, private: true },
      },
    }),
  listEvents: async (world) =>
    byOperator({
      ...(await onChannel(world)),
      query: { conversation: "c", unbound: "true", strangers: "true", limit: "3" },
    }),
  async notePost(world) {
    const { path } = await onChannel(world);
    const payload = { conversation: { conversationId: world.fresh("c") } };
    const { body } = await world.ask("POST", "/v1/messages", { to: path.id, body: "out", payload });
    const { claim } = (await world.ask("POST", `/v1/messages/${body.id}/claim`, { agentId: path.id })).body;
    return byOperator({ path: { id: String(body.id) }, body: { token: claim.token, part: 1, externalId: "x:1" } });
  },
  registerOrchestrator: (world) =>
    byOperator({ path: { id: world.fresh("box-") }, body: { ...box, instanceId: world.fresh("o") } }),
  listOrchestrators: () => byOperator({ query: { status: "online", hostname: "box", limit: "5", page: "a" } }),
  getOrchestrator: async (world) => byOperator({ path: { id: await orchestratorIn(world) } }),
  changeOrchestrator: async (world) =>
    byOperator({
      path: { id: await orchestratorIn(world) },
      body: { hostname: "box", baseDir: "/work", status: "draining", approvalMode: "open" },
    }),
  sendCommand: async (world) =>
    byOperator({
      path: { id: await orchestratorIn(world) },
      query: { waitSeconds: "0" },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: {
        command: {
          ...{ do: "spawn", provider: "claude", prompt: "Fix the failing test", cwd: "app", model: "opus" },
          worktree: true,
          ...{ systemPrompt: "Be brief.", sessionKey: "bg:1", background: true, place: "user", caps: { sessions: 2 } },
        },
        timeoutSeconds: 60,
      },
    }),
  listProfiles: () => byOperator({ query: { orchestrator: "box", limit: "5", page: "a" } }),
  getProfile: async (world) => byOperator({ path: { name: await profileIn(world) } }),
  putProfile: async (world) => {
    const orchestratorId = await orchestratorIn(world);
    const agents = [{ agentId: world.fresh("agent-"), orchestratorId, desired: "onDemand" }];
    const restart = { policy: "always", maxPerHour: 3 };
    return byOperator({
      path: { name: world.fresh("profile-") },
      body: {
        ...{ provider: "claude", model: "opus", systemPrompt: "Be brief.", tools: { allow: ["Read"] }, cwd: "app" },
        ...{
          worktree: true,
          caps: { sessions: 2 },
          onLimit: "wait",
          onStuck: [{ do: "tell", afterSeconds: 60 }],
          agents,
          restart,
        },
      },
    });
  },
  deleteProfile: async (world) => byOperator({ path: { name: await profileIn(world) } }),
  createHold: (world) =>
    byOperator({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { scope: { tag: "none" }, mode: "kill", reason: "Deploying the database" },
    }),
  listHolds: () => byOperator({ query: { lifted: "true", limit: "5" } }),
  getHold: async (world) => byOperator({ path: { id: await holdIn(world) } }),
  liftHold: async (world) => byOperator({ path: { id: await holdIn(world) } }),
  deleteOrchestrator: async (world) => byOperator({ path: { id: await orchestratorIn(world) } }),
  orchestratorHeartbeat: async (world) =>
    byOperator({
      path: { id: await orchestratorIn(world) },
      body: {
        managedAgents: [
          {
            ...{ agentId: "worker", provider: "claude", sessionId: "s-1", pid: 4711, cwd: "/work", state: "running" },
            startedAt: "2026-03-01T11:00:00+01:00",
          },
        ],
      },
    }),
  putOutsideAgent: (world) =>
    byOperator({ path: { id: world.fresh("out-") }, body: { cardUrl: CARD_URL, token: "secret", name: "Out" } }),
  listOutsideAgents: () => byOperator({ query: { limit: "5", page: "a" } }),
  getOutsideAgent: async (world) => byOperator({ path: { id: await outsideIn(world) } }),
  refreshOutsideAgent: async (world) => byOperator({ path: { id: await outsideIn(world) } }),
  relayCard: () => ({ who: "nobody" }),
  agentCard: () => ({ who: "nobody", path: { agentId: "worker" } }),

  putWebhookChannel: () =>
    byOperator({
      path: { id: "webhook:crm" },
      body: {
        ...{ name: "CRM", url: "http://127.0.0.1:1/hook", verify: "token", direction: "bidirectional" },
        ...{ topics: ["alerts"], target: "worker", rotate: true },
      },
    }),
  async getWebhookChannel(world) {
    await world.ask("PUT", "/v1/channels/webhook:crm/webhook", {});
    return byOperator({ path: { id: "webhook:crm" } });
  },
  uploadFile: (world) =>
    byWorker({
      query: { name: "notes.txt", agentId: "worker" },
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { any: "bytes" },
    }),
  async downloadFile(world) {
    const { body } = await world.ask("POST", "/v1/files?agentId=worker", "bytes");
    return byWorker({ path: { id: body.id }, headers: { range: "bytes=0-1" } });
  },

  ...ANNOUNCEMENT_EXAMPLES,
  ...RUN_EXAMPLES,
  ...SESSION_EXAMPLES,

  listLoops: () => byOperator({ query: { status: "paused", limit: "5", page: "9" } }),
  resumeLoop: async (world) => byOperator({ path: { rootId: String(await loopIn(world)) } }),

  openApiDocument: () => ({ who: "nobody" }),
  home: () => ({ who: "nobody" }),
  consoleManifest: () => ({ who: "nobody" }),
  consoleWorker: () => ({ who: "nobody" }),
  consoleFile: () => ({ who: "nobody", path: { file: "ibm-plex-sans-latin-400.woff2" } }),
  docsPage: () => ({ who: "nobody" }),
  docsFile: () => ({ who: "nobody", path: { file: "start.js" } }),
};

async function onChannel(world: World): Promise<{ path: { id: string } }> {
  const channel = { provider: "telegram", accountId: "x", topics: ["alerts"] };
  await world.ask("PUT", "/v1/agents/telegram:x", { name: "X", kind: "channel", ready: true, channel });
  return { path: { id: "telegram:x" } };
}

const box = {
  ...{
    hostname: "box",
    version: VERSION,
    baseDir: "/work",
    envKeys: ["API_KEY"],
    approvalMode: "ask",
    meta: { rack: 4 },
  },
  providers: [{ name: "claude", version: "2.1.0", capabilities: ["resume"] }],
};

/** Two agents write to each other until they are stopped. */
async function loopIn(world: World): Promise<number> {
  const pair = [world.fresh("ping-"), world.fresh("pong-")];
  for (const id of pair) await world.ask("PUT", `/v1/agents/${id}`, { name: id });
  const messages = Array.from({ length: LOOP_LIMIT }, (_, i) => ({
    ...{ from: pair[i % 2], to: pair[(i + 1) % 2], body: "and you?" },
  }));
  const { body } = await world.ask("POST", "/v1/messages/batch", { messages });
  return body.items[0].id;
}

async function orchestratorIn(world: World): Promise<string> {
  const id = world.fresh("box-");
  const made = await world.ask("PUT", `/v1/orchestrators/${id}`, box);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return id;
}

async function profileIn(world: World): Promise<string> {
  const name = world.fresh("profile-");
  await world.ask("PUT", `/v1/profiles/${name}`, { provider: "claude" });
  return name;
}

const holdIn = async (world: World): Promise<string> =>
  (await world.ask("POST", "/v1/holds", { scope: { tag: "none" }, reason: "Deploying" })).body.id;

async function onHeld(world: World, body: Record<string, unknown>): Promise<Example> {
  const { id, token } = await world.held();
  return byWorker({ path: { id }, body: { token, ...body } });
}

async function onHeldTask(world: World, body: Record<string, unknown>): Promise<Example> {
  const { id, token } = await world.heldTask();
  return byWorker({ path: { id }, body: { token, ...body } });
}

/** A schedule of the worker. Each is another's room: there may be a hundred. */
async function onSchedule(world: World, more: Omit<Example, "who">): Promise<Example> {
  const { items } = (await world.ask("GET", "/v1/schedules?agentId=worker")).body;
  if (items.length > 40) await world.ask("DELETE", `/v1/schedules/${items[0].id}`);
  const draft = { agentId: "worker", cron: "0 9 * * *", message: { to: "worker", body: "Good morning." } };
  const { body } = await world.ask("POST", "/v1/schedules", draft);
  return byWorker({ path: { id: body.id }, ...more });
}

/** A job of the worker. */
async function onJob(world: World, more: Partial<Example>): Promise<Example> {
  await world.ask("PUT", "/v1/agents/worker/jobs", { items: [{ id: "nightly", name: "Nightly", schedule: "@daily" }] });
  return byWorker({ path: { id: "worker", jobId: "nightly" }, ...more });
}

/** A webhook of the worker. Each is another's room: there may be twenty. */
async function onWebhook(world: World, more: Omit<Example, "who">): Promise<Example> {
  const { items } = (await world.ask("GET", "/v1/webhooks?agentId=worker")).body;
  if (items.length > 10) await world.ask("DELETE", `/v1/webhooks/${items[0].id}`);
  // Nobody listens there: paused or not, nothing leaves this machine.
  const draft = { agentId: "worker", url: "http://127.0.0.1:1/", events: ["work.expired"] };
  const { body } = await world.ask("POST", "/v1/webhooks", draft);
  return byWorker({ path: { id: body.id }, ...more });
}

/** The example as a request. */
export function requestOf(route: Route, example: Example, world: World): Request {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(example.path?.[name] ?? ""));
  const query = new URLSearchParams(example.query).toString();
  const headers = new Headers(example.headers);
  const token = world.tokens[example.who];
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  const init: RequestInit = { method: route.method, headers };
  if (example.body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(example.body);
  }
  return new Request(`http://localhost${path}${query ? `?${query}` : ""}`, init);
}

const CARD_URL = "https://agents.example.org/weather/";

/** An A2A agent out there that was let in. */
async function outsideIn(world: World): Promise<string> {
  const id = world.fresh("out-");
  await world.ask("PUT", `/v1/a2a/agents/${id}`, { cardUrl: CARD_URL });
  return id;
}
