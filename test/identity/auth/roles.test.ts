import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../../../src/version.ts";
import { SAMPLE_KEYS } from "../../support/push.ts";
import { startRelay, type TestRelay, tempFolder } from "../../support/relay.ts";

/**
 * `me` has written to `friend` and been written to by it; `other` is a third agent. Work 3 is for me, work 4 is held by me,
 * work 5 was asked for by me, and work 6 is a dead letter. `{asked}` is a delegation of mine to friend, `{owed}` one to me;
 * `{pair}` was asked of me by friend.
 */
async function makeWorld() {
  const relay = await startRelay({ durability: "normal" });
  const { ask } = relay;
  const me = await relay.agent("me");
  const friend = await relay.agent("friend");
  const other = await relay.agent("other");
  await ask("POST", "/v1/messages", { to: "friend", body: "1" }, me);
  await ask("POST", "/v1/messages", { to: "me", body: "2" }, friend);
  for (const [from, to] of [
    [friend, "me"],
    [friend, "me"],
    [me, "friend"],
    [me, "friend"],
  ] as const)
    await ask("POST", "/v1/messages", { to, body: "work", claimable: true }, from);
  await ask("POST", "/v1/messages/4/claim", {}, me);
  const { claim } = (await ask("POST", "/v1/messages/6/claim", {}, friend)).body;
  await ask("POST", "/v1/messages/6/fail", { token: claim.token, error: "no", final: true }, friend);
  const task = { title: "Disk full", target: "me" };
  const openTask = (await ask("POST", "/v1/tasks", task, friend)).body.id as string;
  const heldTask = (await ask("POST", "/v1/tasks", task, friend)).body.id as string;
  await ask("POST", `/v1/tasks/${heldTask}/claim`, {}, me);
  await ask("PUT", "/v1/integrations/ci", {});
  const channel = { provider: "telegram", accountId: "x" };
  await ask("PUT", "/v1/agents/telegram:x", { name: "X", kind: "channel", channel });
  await ask("PUT", "/v1/channels/telegram:x/bindings", { target: "me" });
  const toChat = { to: "telegram:x", body: "x", payload: { conversation: { conversationId: "c" } } };
  const postId = (await ask("POST", "/v1/messages", toChat)).body.id as number;
  await ask("POST", `/v1/messages/${postId}/claim`, { agentId: "telegram:x" });
  await ask("PUT", "/v1/orchestrators/box", box);
  await ask("PUT", "/v1/agents/me/jobs", { items: [{ id: "daily", name: "Daily", schedule: "@daily" }] });
  const run = (await ask("POST", "/v1/runs", { task: "x" }, me)).body;
  const queued = (await ask("POST", "/v1/runs", { agentId: "me", task: "x" }, friend)).body.id as string;
  const asked = (await ask("POST", "/v1/runs", { agentId: "friend", task: "x", cause: "chat" }, me)).body.id as string;
  // Its result is announced to friend.
  const told = (await ask("POST", "/v1/runs", { agentId: "me", task: "x", requester: { agentId: "friend" } }, friend))
    .body;
  const { token: turn } = (await ask("POST", `/v1/runs/${told.id}/start`, {}, me)).body;
  const asRunner = { ...me, headers: { "signalbox-run": turn } };
  await ask("POST", `/v1/runs/${told.id}/finish`, { outcome: "ok", result: "x" }, asRunner);
  const [announced] = (await ask("GET", "/v1/announcements")).body.items;
  const fileId = (await ask("POST", "/v1/files", "x", me)).body.id as string;
  const wants = (await ask("POST", "/v1/approvals", approval, me)).body;
  const token = async (draft: Record<string, unknown>) => (await ask("POST", "/v1/tokens", draft)).body.token as string;
  return {
    relay,
    ...{ openTask, heldTask, postId: String(postId), fileId },
    ...{ run: run.id as string, queued, mine: asked, announcement: announced.id as string },
    tokens: {
      operator: relay.relay.operatorToken,
      member: await token({ role: "member" }),
      viewer: await token({ role: "viewer" }),
      me: me.token,
      other: other.token,
      enroll: await token({ role: "enroll", prefix: "new-" }),
    },
    asked: (await ask("POST", "/v1/delegations", { to: "friend", text: "x" }, me)).body.id as string,
    owed: (await ask("POST", "/v1/delegations", { to: "me", text: "x" })).body.id as string,
    meScheduleId: (await ask("POST", "/v1/schedules", { cron: "0 9 * * *", message: { to: "friend", body: "x" } }, me))
      .body.id,
    meWebhookId: (await ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:1/", events: ["work.dead"] }, me)).body.id,
    pair: (await ask("POST", "/v1/pairs", { target: "me" }, friend)).body.id as string,
    approvalId: wants.id as string,
    approvalHash: wants.hash as string,
    meTokenId: (await ask("GET", "/v1/whoami", undefined, me)).body.tokenId as string,
  };
}

const kept = mkdtempSync(join(tmpdir(), "signalbox-roles-"));
let made: Awaited<ReturnType<typeof makeWorld>>;
beforeAll(async () => {
  made = await makeWorld();
  await made.relay.relay.settle();
  const { dataDir } = made.relay.config;
  // Each relay over a copy would read the log anew.
  const database = new Database(join(dataDir, "signalbox.db"));
  database.run("pragma wal_checkpoint(truncate)");
  database.close();
  // Nothing is written in between; the lock is of this relay alone.
  cpSync(dataDir, kept, { recursive: true, filter: (file) => !/\.lock|-(shm|wal)$/.test(file) });
});
afterAll(() => rmSync(kept, { recursive: true, force: true }));

/** A relay over a copy of that world's files, which is made once: a start takes a fifth of the time that making it does. */
async function startWorld() {
  const dataDir = tempFolder();
  cpSync(kept, dataDir, { recursive: true });
  return { ...made, relay: await startRelay({ durability: "normal", dataDir }) };
}

const limit = { type: "five_hour", until: "2027-01-01T00:00:00Z", evidence: {} };
const session = { agentId: "me", provider: "claude", lane: "main", state: "idle" };
const box = { hostname: "box", version: VERSION, baseDir: "/work", providers: [] };

type Role = keyof Awaited<ReturnType<typeof startWorld>>["tokens"];
type Row = [call: string, body: unknown, expected: Record<Role, number>];

const all = (status: number) => ({
  operator: status,
  member: status,
  viewer: status,
  me: status,
  other: status,
  enroll: status,
});
const operator = (status: number) => ({ ...all(403), operator: status });
const readers = { ...all(403), operator: 200, member: 200, viewer: 200 };
const mine = (status: number) => ({ ...all(403), operator: status, me: status });
const shown = { ...readers, me: 200 };
/** For people who write at user. */
const person = (status: number) => ({ ...all(403), operator: status, member: status });
/** In one's own name, whoever one is. */
const talks = (status: number) => ({ ...person(status), me: status, other: status });
/** For readers of everything, of something that is not there. */
const missing = { ...all(403), operator: 404, member: 404, viewer: 404 };
/** Of a lease of mine: a member reads it and holds none. */
const held = { ...mine(200), member: 409 };
const everyAgent = { ...all(200), enroll: 403 };
const lease = { token: "clm_4_1" };
const chat = { id: "c", messages: [{ id: "m", role: "user", content: "x", parts: [{ type: "text", text: "x" }] }] };
const someRun = { id: "1", status: "ok", startedAt: "2026-03-01T00:00:00Z" };
const someEvent = { conversationId: "c", externalId: "e", sender: { id: "1", name: "Ada" }, text: "x" };

const approval = {
  ...{ kind: "permission", subject: { type: "fetch", url: "https://example.org" }, title: "Fetch" },
  ...{ options: [{ id: "no", label: "No", decision: "deny" }], default: "no", expiresInSeconds: 3600 },
};

/** Each operation, by each role. A row of its own for each way to ask that is judged differently. */
const TABLE: Record<string, Row[]> = {
  healthReport: [["GET /v1/health", undefined, readers]],
  metrics: [["GET /metrics", undefined, readers]],
  getStats: [["GET /v1/stats", undefined, readers]],
  getFlow: [["GET /v1/flow", undefined, readers]],
  getUsage: [["GET /v1/usage?by=agent", undefined, readers]],
  makeBackup: [["POST /v1/backups", undefined, operator(201)]],
  listBackups: [["GET /v1/backups", undefined, operator(200)]],
  createToken: [["POST /v1/tokens", { role: "viewer" }, operator(201)]],
  listTokens: [["GET /v1/tokens", undefined, operator(200)]],
  revokeToken: [["DELETE /v1/tokens/{token}", undefined, operator(200)]],
  listAttention: [["GET /v1/attention", undefined, readers]],
  listLateMessages: [["GET /v1/messages/late", undefined, readers]],
  takeAttention: [["POST /v1/attention/approval:{approval}/take", {}, person(200)]],
  snoozeAttention: [["POST /v1/attention/approval:{approval}/snooze", { until: null }, person(200)]],
  handAttention: [["POST /v1/attention/approval:{approval}/hand", { personId: "nobody" }, person(422)]],
  createBulk: [
    ["POST /v1/bulk", { action: "requeue", filter: { ids: [999] } }, operator(201)],
    ["POST /v1/bulk", { action: "cancel", filter: { ids: [999] } }, operator(201)],
    ["POST /v1/bulk", { action: "dismiss", filter: { ids: ["ann_none"] } }, operator(201)],
    ["POST /v1/bulk", { action: "archive", filter: { ids: [999] } }, person(201)],
    ["POST /v1/bulk", { action: "answer", filter: { ids: ["apr_none"] }, decision: "deny" }, person(201)],
  ],
  listProjects: [["GET /v1/projects", undefined, readers]],
  listBulk: [["GET /v1/bulk", undefined, readers]],
  getBulk: [["GET /v1/bulk/blk_none", undefined, missing]],
  stopBulk: [["POST /v1/bulk/blk_none/stop", undefined, missing]],
  listViews: [["GET /v1/views", undefined, readers]],
  getView: [["GET /v1/views/none", undefined, missing]],
  putView: [["PUT /v1/views/mine", { page: "work" }, person(201)]],
  deleteView: [["DELETE /v1/views/none", undefined, person(404)]],
  createSignInLink: [
    ["POST /v1/sign-in-links", {}, operator(201)],
    ["POST /v1/sign-in-links", { role: "viewer" }, operator(201)],
  ],
  signOut: [
    ["POST /v1/sign-out", { everywhere: true }, readers],
    ["POST /v1/sign-out", {}, all(403)],
  ],
  putPerson: [["PUT /v1/people/ada", { name: "Ada", role: "member" }, operator(201)]],
  listPeople: [["GET /v1/people", undefined, readers]],
  getPerson: [["GET /v1/people/ada", undefined, missing]],
  deletePerson: [["DELETE /v1/people/ada", undefined, { ...all(403), operator: 404 }]],
  getPushKey: [["GET /v1/push/key", undefined, readers]],
  createPushSubscription: [
    [
      "POST /v1/push/subscriptions",
      { endpoint: "https://push.example.org/1", keys: SAMPLE_KEYS, device: "phone" },
      { ...all(403), operator: 201, member: 201, viewer: 201 },
    ],
  ],
  listPushSubscriptions: [["GET /v1/push/subscriptions", undefined, readers]],
  deletePushSubscription: [["DELETE /v1/push/subscriptions/psh_1", undefined, missing]],
  createApproval: [
    ["POST /v1/approvals", approval, { ...talks(201), operator: 422, member: 422 }],
    ["POST /v1/approvals", { ...approval, agentId: "me" }, mine(201)],
  ],
  listApprovals: [
    ["GET /v1/approvals", undefined, everyAgent],
    ["GET /v1/approvals?agent=me", undefined, shown],
  ],
  getApproval: [["GET /v1/approvals/{approval}", undefined, shown]],
  answerApproval: [["POST /v1/approvals/{approval}/answer", { option: "no", hash: "{hash}" }, person(200)]],
  answerApprovals: [["POST /v1/approvals/answer", { ids: ["apr_1"], decision: "deny" }, person(200)]],
  applyApproval: [["POST /v1/approvals/{approval}/applied", { ok: true }, mine(409)]],
  withdrawApproval: [["POST /v1/approvals/{approval}/withdraw", {}, mine(200)]],
  listApprovalRules: [["GET /v1/approval-rules", undefined, readers]],
  addApprovalRule: [["POST /v1/approval-rules", { tool: "*", decision: "ask" }, operator(201)]],
  previewApprovalRule: [["POST /v1/approval-rules/preview", { tool: "*", decision: "ask" }, readers]],
  changeApprovalRule: [["PATCH /v1/approval-rules/rul_1", { position: 1 }, operator(404)]],
  removeApprovalRule: [["DELETE /v1/approval-rules/rul_1", undefined, operator(404)]],
  whoAmI: [["GET /v1/whoami", undefined, all(200)]],
  registerAgent: [
    ["PUT /v1/agents/me", { name: "me" }, mine(200)],
    ["PUT /v1/agents/new-1", { name: "new" }, { ...operator(201), enroll: 201 }],
    ["PUT /v1/agents/else", { name: "else" }, operator(201)],
    ["PUT /v1/agents/user", { name: "user" }, all(422)],
    ["PUT /v1/agents/system", { name: "system" }, all(422)],
  ],
  listAgents: [["GET /v1/agents", undefined, everyAgent]],
  getAgent: [["GET /v1/agents/me", undefined, everyAgent]],
  changeAgent: [
    ["PATCH /v1/agents/me", { role: "x" }, mine(200)],
    ["PATCH /v1/agents/user", { role: "x" }, operator(200)],
  ],
  deleteAgent: [
    ["DELETE /v1/agents/me", undefined, mine(204)],
    ["DELETE /v1/agents/user", undefined, all(403)],
    ["DELETE /v1/agents/system", undefined, all(403)],
  ],
  restoreAgent: [["POST /v1/agents/me/restore", undefined, operator(200)]],
  heartbeat: [["POST /v1/agents/me/heartbeat", {}, mine(200)]],
  listActivity: [["GET /v1/activity", undefined, readers]],
  sendMessage: [
    ["POST /v1/messages", { to: "friend", body: "x" }, talks(201)],
    ["POST /v1/messages", { from: "me", to: "friend", body: "x" }, mine(201)],
    ["POST /v1/messages", { from: "user", to: "friend", body: "x" }, person(201)],
    ["POST /v1/messages", { from: "system", to: "friend", body: "x" }, operator(201)],
  ],
  sendBatch: [
    [
      "POST /v1/messages/batch",
      {
        messages: [
          { to: "friend", body: "x" },
          { from: "me", to: "friend", body: "x" },
        ],
      },
      mine(201),
    ],
  ],
  listMessages: [
    ["GET /v1/messages", undefined, everyAgent],
    ["GET /v1/messages?q=work", undefined, everyAgent],
  ],
  getMessage: [
    ["GET /v1/messages/1", undefined, shown],
    ["GET /v1/messages/2", undefined, shown],
    ["GET /v1/messages/999", undefined, { ...all(404), enroll: 403 }],
  ],
  explainMessage: [
    ["GET /v1/messages/1/explain", undefined, shown],
    ["GET /v1/messages/999/explain", undefined, { ...all(404), enroll: 403 }],
  ],
  getThread: [
    ["GET /v1/threads/1", undefined, shown],
    ["GET /v1/threads/999", undefined, { ...all(404), enroll: 403 }],
  ],
  listThreads: [["GET /v1/threads", undefined, readers]],
  changeThread: [
    ["PATCH /v1/threads/1", { title: "One" }, person(200)],
    ["PATCH /v1/threads/999", { title: "One" }, person(404)],
  ],
  readThread: [
    ["POST /v1/threads/1/read", { upTo: 1 }, person(200)],
    ["POST /v1/threads/999/read", { upTo: 1 }, person(404)],
  ],
  markRead: [
    ["POST /v1/messages/2/read", { agentId: "me" }, mine(200)],
    ["POST /v1/messages/2/read", {}, { ...all(403), me: 200 }],
    ["POST /v1/messages/999/read", {}, talks(404)],
  ],
  addTraces: [
    ["POST /v1/messages/1/traces", [{ level: 2, type: "thinking", content: "x" }], { ...mine(201), member: 201 }],
    ["POST /v1/messages/2/traces?agentId=me", [{ level: 2, type: "thinking", content: "x" }], mine(201)],
    ["POST /v1/messages/999/traces", [{ level: 2, type: "thinking", content: "x" }], talks(404)],
  ],
  listTraces: [
    ["GET /v1/messages/1/traces", undefined, shown],
    ["GET /v1/messages/999/traces", undefined, { ...all(404), enroll: 403 }],
  ],
  readHistory: [["GET /v1/history", undefined, everyAgent]],
  delegate: [
    ["POST /v1/delegations", { to: "friend", text: "x" }, talks(201)],
    ["POST /v1/delegations", { from: "me", to: "other", text: "x" }, mine(201)],
    ["POST /v1/delegations", { from: "system", to: "friend", text: "x" }, operator(201)],
  ],
  listDelegations: [["GET /v1/delegations", undefined, everyAgent]],
  getDelegation: [
    ["GET /v1/delegations/{asked}", undefined, shown],
    ["GET /v1/delegations/{owed}", undefined, shown],
    ["GET /v1/delegations/dlg_none", undefined, { ...all(404), enroll: 403 }],
  ],
  answerDelegation: [
    ["POST /v1/delegations/{owed}/response", { text: "x" }, mine(201)],
    ["POST /v1/delegations/{owed}/response", { agentId: "me", text: "x" }, mine(201)],
    ["POST /v1/delegations/{asked}/response", { text: "x" }, operator(201)],
    ["POST /v1/delegations/dlg_none/response", { text: "x" }, { ...all(404), enroll: 403, viewer: 403 }],
  ],
  reportProgress: [
    ["POST /v1/delegations/{owed}/progress", { text: "x" }, mine(201)],
    ["POST /v1/delegations/{asked}/progress", { text: "x" }, operator(201)],
  ],
  cancelDelegation: [
    ["POST /v1/delegations/{asked}/cancel", {}, mine(200)],
    ["POST /v1/delegations/{owed}/cancel", {}, person(200)],
    ["POST /v1/delegations/dlg_none/cancel", {}, { ...all(404), enroll: 403, viewer: 403 }],
  ],
  createRun: [
    ["POST /v1/runs", { agentId: "friend", task: "x" }, talks(201)],
    ["POST /v1/runs", { task: "x" }, { ...talks(201), operator: 422, member: 422 }],
    ["POST /v1/runs", { task: "x", parentId: "run_none" }, { ...talks(422) }],
    ["POST /v1/runs", { agentId: "friend", task: "x", requester: { agentId: "me" } }, { ...mine(201) }],
  ],
  startRun: [
    ["POST /v1/runs/{queued}/start", undefined, mine(200)],
    ["POST /v1/runs/run_none/start", undefined, { ...all(404) }],
  ],
  listRuns: [["GET /v1/runs", undefined, everyAgent]],
  getRun: [
    ["GET /v1/runs/{run}", undefined, shown],
    ["GET /v1/runs/run_none", undefined, { ...all(404), enroll: 403 }],
  ],
  getRunTree: [["GET /v1/runs/{run}/tree", undefined, shown]],
  getRunPrompt: [["GET /v1/runs/{run}/prompt", undefined, shown]],
  getRunDiff: [["GET /v1/runs/{run}/diff", undefined, shown]],
  listRunEvents: [["GET /v1/runs/{run}/events", undefined, shown]],
  followRunEvents: [["GET /v1/runs/{run}/events/stream", undefined, shown]],
  streamRun: [["GET /v1/runs/{run}/stream", undefined, shown]],
  // Without the token of its turn they change nothing.
  appendRunEvents: [["POST /v1/runs/{run}/events", { events: [] }, mine(409)]],
  renewRun: [["POST /v1/runs/{run}/renew", undefined, mine(409)]],
  finishRun: [["POST /v1/runs/{run}/finish", { outcome: "ok" }, mine(409)]],
  abortRun: [
    ["POST /v1/runs/{run}/abort", undefined, person(200)],
    ["POST /v1/runs/{mine}/abort", undefined, { ...person(200), me: 200 }],
  ],
  tellRun: [["POST /v1/runs/{run}/messages", { text: "x" }, person(200)]],
  listAnnouncements: [["GET /v1/announcements", undefined, everyAgent]],
  getAnnouncement: [["GET /v1/announcements/{announcement}", undefined, shown]],
  retryAnnouncement: [["POST /v1/announcements/{announcement}/retry", undefined, operator(409)]],
  dismissAnnouncement: [["POST /v1/announcements/{announcement}/dismiss", undefined, operator(200)]],
  chat: [["POST /v1/chat/friend", chat, talks(200)]],
  resumeChat: [["GET /v1/chat/friend/none/stream", undefined, talks(204)]],
  agui: [["POST /v1/agui/friend", { threadId: "t", runId: "r", messages: chat.messages }, talks(200)]],
  askForPair: [
    ["POST /v1/pairs", { target: "other" }, { ...talks(201), other: 422 }],
    ["POST /v1/pairs", { requester: "me", target: "other" }, mine(201)],
    ["POST /v1/pairs", { target: "friend" }, { ...talks(201), me: 409 }],
  ],
  listPairs: [["GET /v1/pairs", undefined, everyAgent]],
  getPair: [
    ["GET /v1/pairs/{pair}", undefined, shown],
    ["GET /v1/pairs/pair_none", undefined, { ...all(404), enroll: 403 }],
  ],
  acceptPair: [
    ["POST /v1/pairs/{pair}/accept", undefined, mine(200)],
    ["POST /v1/pairs/pair_none/accept", undefined, { ...all(404), enroll: 403, viewer: 403 }],
  ],
  rejectPair: [
    ["POST /v1/pairs/{pair}/reject", undefined, mine(200)],
    ["POST /v1/pairs/{pair}/reject", { agentId: "friend" }, all(403)],
  ],
  endPair: [["POST /v1/pairs/{pair}/end", { reason: "x" }, mine(200)]],
  sayToPair: [["POST /v1/pairs/{pair}/messages", { body: "x" }, mine(409)]],
  listLoops: [["GET /v1/loops", undefined, readers]],
  resumeLoop: [["POST /v1/loops/999/resume", undefined, { ...all(403), operator: 404 }]],
  registerOrchestrator: [
    ["PUT /v1/orchestrators/box", box, operator(200)],
    ["PUT /v1/orchestrators/other", box, operator(201)],
  ],
  listOrchestrators: [["GET /v1/orchestrators", undefined, readers]],
  getOrchestrator: [
    ["GET /v1/orchestrators/box", undefined, readers],
    ["GET /v1/orchestrators/none", undefined, { ...all(404), enroll: 403 }],
  ],
  changeOrchestrator: [["PATCH /v1/orchestrators/box", { status: "draining" }, operator(200)]],
  deleteOrchestrator: [["DELETE /v1/orchestrators/box", undefined, operator(204)]],
  orchestratorHeartbeat: [["POST /v1/orchestrators/box/heartbeat", {}, operator(200)]],
  listSessions: [
    ["GET /v1/sessions", undefined, everyAgent],
    ["GET /v1/sessions?agent=me", undefined, shown],
  ],
  listSessionTracks: [
    ["GET /v1/sessions/states", undefined, everyAgent],
    ["GET /v1/sessions/states?agent=me", undefined, shown],
  ],
  getSession: [["GET /v1/sessions/ses_none", undefined, { ...all(404), enroll: 403 }]],
  listLimits: [["GET /v1/limits", undefined, readers]],
  putLimit: [["PUT /v1/limits/claude/team", limit, all(403)]],
  deleteLimit: [["DELETE /v1/limits/claude/team", undefined, operator(404)]],
  putSession: [["PUT /v1/sessions/ses_a", session, all(403)]],
  leaseSession: [
    ["POST /v1/sessions/ses_none/lease", {}, all(403)],
    ["POST /v1/sessions/ses_none/lease", { force: true }, operator(404)],
  ],
  renewSession: [["POST /v1/sessions/ses_none/renew", { fence: 1 }, all(403)]],
  releaseSession: [["POST /v1/sessions/ses_none/release", { fence: 1 }, all(403)]],
  sendCommand: [
    ["POST /v1/orchestrators/box/commands", { command: { do: "peek", sessionId: "ses_none" } }, person(422)],
    ["POST /v1/orchestrators/box/commands", { command: { do: "clear", agentId: "box-1" } }, operator(422)],
    ["POST /v1/orchestrators/none/commands", { command: { do: "peek", sessionId: "ses_1" } }, talks(404)],
  ],
  listProfiles: [["GET /v1/profiles", undefined, readers]],
  getProfile: [["GET /v1/profiles/none", undefined, missing]],
  putProfile: [["PUT /v1/profiles/reviewer", { provider: "claude" }, operator(201)]],
  deleteProfile: [["DELETE /v1/profiles/none", undefined, operator(404)]],
  createHold: [["POST /v1/holds", { scope: { tag: "none" }, reason: "x" }, person(201)]],
  listHolds: [["GET /v1/holds", undefined, everyAgent]],
  getHold: [["GET /v1/holds/hld_none", undefined, { ...all(404), enroll: 403 }]],
  liftHold: [["DELETE /v1/holds/hld_none", undefined, person(404)]],
  readInbox: [
    ["GET /v1/agents/me/inbox", undefined, shown],
    ["GET /v1/agents/me/inbox?kind=chat", undefined, shown],
    ["GET /v1/agents/me/inbox?ackUpTo=0", undefined, mine(200)],
    ["GET /v1/agents/nobody/inbox", undefined, missing],
  ],
  readLetter: [["GET /v1/messages/3/letter", undefined, { ...all(403), me: 200, operator: 200, member: 200 }]],
  readDigest: [
    ["GET /v1/agents/me/inbox/digest", undefined, mine(200)],
    ["GET /v1/agents/nobody/inbox/digest", undefined, { ...all(403), operator: 404 }],
  ],
  ackInbox: [["POST /v1/agents/me/inbox/ack", { upTo: 2 }, mine(200)]],
  streamOrchestrator: [["GET /v1/orchestrators/box/inbox/stream", undefined, readers]],
  streamInbox: [["GET /v1/agents/me/inbox/stream", undefined, shown]],
  watchMessages: [["GET /v1/messages/stream", undefined, everyAgent]],
  watch: [["GET /v1/watch", undefined, { ...all(403), operator: 426, member: 426, viewer: 426 }]],
  claimMessage: [
    ["POST /v1/messages/3/claim", { agentId: "me" }, mine(200)],
    ["POST /v1/messages/3/claim", {}, { ...all(403), me: 200 }],
    ["POST /v1/messages/999/claim", {}, talks(404)],
  ],
  claimNext: [["POST /v1/agents/me/claims", {}, mine(200)]],
  heldClaims: [["GET /v1/agents/me/claims", undefined, mine(200)]],
  renewClaim: [["POST /v1/messages/4/renew", lease, held]],
  releaseClaim: [["POST /v1/messages/4/release", lease, held]],
  completeClaim: [["POST /v1/messages/4/complete", lease, held]],
  // Each is answered by itself: by a problem 403 where the single call is.
  completeClaims: [["POST /v1/messages/complete", { items: [{ id: 4, ...lease }] }, all(200)]],
  failClaim: [["POST /v1/messages/4/fail", { ...lease, error: "x" }, held]],
  cancelMessage: [
    ["POST /v1/messages/5/cancel", undefined, mine(200)],
    ["POST /v1/messages/3/cancel", undefined, operator(200)],
  ],
  requeueMessage: [["POST /v1/messages/6/requeue", undefined, operator(200)]],
  listIntegrations: [["GET /v1/integrations", undefined, readers]],
  putIntegration: [["PUT /v1/integrations/new", { mapping: "generic" }, operator(201)]],
  getIntegration: [["GET /v1/integrations/ci", undefined, readers]],
  deleteIntegration: [["DELETE /v1/integrations/ci", undefined, operator(204)]],
  postEvent: [
    // A token of role integration is looked at in integration-signatures.test.ts.
    ["POST /v1/integrations/ci/events", { title: "x" }, operator(201)],
  ],
  createTask: [
    ["POST /v1/tasks", { title: "x", target: "friend" }, talks(201)],
    ["POST /v1/tasks", { title: "x", from: "me" }, mine(201)],
  ],
  listTasks: [["GET /v1/tasks", undefined, everyAgent]],
  getTask: [
    ["GET /v1/tasks/{open}", undefined, shown],
    ["GET /v1/tasks/tsk_none", undefined, { ...all(404), enroll: 403 }],
  ],
  claimTask: [
    ["POST /v1/tasks/{open}/claim", { agentId: "me" }, mine(200)],
    ["POST /v1/tasks/{open}/claim", {}, { ...all(403), me: 200 }],
  ],
  renewTask: [["POST /v1/tasks/{held}/renew", {}, held]],
  releaseTask: [["POST /v1/tasks/{held}/release", {}, held]],
  setTaskStatus: [
    ["POST /v1/tasks/{held}/status", { status: "in_progress" }, mine(200)],
    ["POST /v1/tasks/{held}/status", { status: "done" }, mine(200)],
    ["POST /v1/tasks/{held}/status", { status: "cancelled" }, operator(200)],
    ["POST /v1/tasks/{open}/status", { status: "done" }, operator(200)],
  ],
  listChannels: [["GET /v1/channels", undefined, everyAgent]],
  getChannel: [["GET /v1/channels/telegram:x", undefined, everyAgent]],
  chooseDefaultChannel: [["PUT /v1/channels/telegram:x/default", undefined, operator(200)]],
  unchooseDefaultChannel: [["DELETE /v1/channels/telegram:x/default", undefined, operator(200)]],
  listBindings: [["GET /v1/bindings", undefined, everyAgent]],
  listChannelBindings: [["GET /v1/channels/telegram:x/bindings", undefined, readers]],
  setAccess: [["PUT /v1/channels/telegram:x/access", {}, operator(200)]],
  listGuests: [["GET /v1/channels/telegram:x/guests", undefined, readers]],
  addGuest: [["POST /v1/channels/telegram:x/guests", { senderId: "1" }, operator(201)]],
  removeGuest: [["DELETE /v1/channels/telegram:x/guests/gst_none", undefined, operator(404)]],
  setBinding: [["PUT /v1/channels/telegram:x/bindings", { target: "friend" }, operator(201)]],
  removeBinding: [["DELETE /v1/channels/telegram:x/bindings/bnd_none", undefined, operator(404)]],
  explainRoute: [["GET /v1/channels/telegram:x/route", undefined, readers]],
  reportEvent: [["POST /v1/channels/telegram:x/events", someEvent, operator(201)]],
  listEvents: [["GET /v1/channels/telegram:x/events", undefined, readers]],
  notePost: [["POST /v1/messages/{post}/posts", { token: "clm_x" }, person(409)]],
  putWebhookChannel: [["PUT /v1/channels/webhook:crm/webhook", {}, operator(201)]],
  getWebhookChannel: [["GET /v1/channels/webhook:crm/webhook", undefined, missing]],
  uploadFile: [
    ["POST /v1/files", "x", talks(201)],
    ["POST /v1/files?agentId=me", "x", mine(201)],
  ],
  downloadFile: [["GET /v1/files/{file}", undefined, shown]],
  putOutsideAgent: [["PUT /v1/a2a/agents/out", { cardUrl: "https://agents.example.org/" }, operator(201)]],
  listOutsideAgents: [["GET /v1/a2a/agents", undefined, readers]],
  getOutsideAgent: [["GET /v1/a2a/agents/out", undefined, missing]],
  refreshOutsideAgent: [["POST /v1/a2a/agents/out/refresh", undefined, operator(404)]],
  listDeadLetters: [["GET /v1/dead-letters", undefined, operator(200)]],
  createSchedule: [
    ["POST /v1/schedules", { cron: "0 9 * * *", message: { to: "friend", body: "x" } }, talks(201)],
    ["POST /v1/schedules", { cron: "0 9 * * *", message: { to: "me", body: "x" }, agentId: "me" }, mine(201)],
  ],
  listSchedules: [["GET /v1/schedules", undefined, everyAgent]],
  listTimes: [["GET /v1/schedules/times?cron=@daily", undefined, everyAgent]],
  getSchedule: [["GET /v1/schedules/{schedule}", undefined, shown]],
  changeSchedule: [["PATCH /v1/schedules/{schedule}", { enabled: false }, mine(200)]],
  deleteSchedule: [["DELETE /v1/schedules/{schedule}", undefined, mine(204)]],
  runSchedule: [["POST /v1/schedules/{schedule}/run", undefined, mine(201)]],
  listFires: [["GET /v1/schedules/{schedule}/fires", undefined, shown]],
  putModels: [["PUT /v1/agents/me/models", { items: [] }, mine(200)]],
  listModels: [["GET /v1/models", undefined, everyAgent]],
  putJobs: [
    ["PUT /v1/agents/me/jobs", { items: [] }, mine(200)],
    ["PUT /v1/agents/user/jobs", { items: [] }, all(403)],
    ["PUT /v1/agents/nobody/jobs", { items: [] }, { ...all(403), operator: 404 }],
  ],
  listAllJobs: [
    ["GET /v1/jobs", undefined, everyAgent],
    ["GET /v1/jobs?agent=me", undefined, shown],
  ],
  listJobs: [
    ["GET /v1/agents/me/jobs", undefined, shown],
    ["GET /v1/agents/nobody/jobs", undefined, missing],
  ],
  reportJobRun: [["POST /v1/agents/me/jobs/daily/runs", someRun, mine(201)]],
  listJobRuns: [["GET /v1/agents/me/jobs/daily/runs", undefined, shown]],
  runJob: [["POST /v1/agents/me/jobs/daily/run", undefined, operator(201)]],
  deleteJob: [["POST /v1/agents/me/jobs/daily/delete", undefined, operator(201)]],
  createWebhook: [
    ["POST /v1/webhooks", { url: "http://127.0.0.1:1/" }, { ...all(403), operator: 201, me: 201, other: 201 }],
    ["POST /v1/webhooks", { url: "http://127.0.0.1:1/", agentId: "me" }, mine(201)],
  ],
  listWebhooks: [["GET /v1/webhooks", undefined, everyAgent]],
  getWebhook: [["GET /v1/webhooks/{webhook}", undefined, shown]],
  changeWebhook: [["PATCH /v1/webhooks/{webhook}", {}, mine(200)]],
  deleteWebhook: [["DELETE /v1/webhooks/{webhook}", undefined, mine(204)]],
  rotateWebhook: [["POST /v1/webhooks/{webhook}/rotate", {}, mine(201)]],
  testWebhook: [["POST /v1/webhooks/{webhook}/test", undefined, mine(201)]],
  listDeliveries: [["GET /v1/webhooks/{webhook}/deliveries", undefined, shown]],
  redeliverWebhook: [["POST /v1/webhooks/{webhook}/redeliver", {}, mine(200)]],
};

const placed = (call: string, world: Awaited<ReturnType<typeof startWorld>>) =>
  call
    .replace("{token}", world.meTokenId)
    .replace("{open}", world.openTask)
    .replace("{held}", world.heldTask)
    .replace("{asked}", world.asked)
    .replace("{owed}", world.owed)
    .replace("{post}", world.postId)
    .replace("{webhook}", world.meWebhookId)
    .replace("{pair}", world.pair)
    .replace("{schedule}", world.meScheduleId)
    .replace("{approval}", world.approvalId)
    .replace("{hash}", world.approvalHash)
    .replace("{file}", world.fileId)
    .replace("{run}", world.run)
    .replace("{queued}", world.queued)
    .replace("{mine}", world.mine)
    .replace("{announcement}", world.announcement);

async function statusOf({ relay }: TestRelay, call: string, body: unknown, token: string | undefined): Promise<number> {
  const [method = "", path = ""] = call.split(" ");
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await relay.app.handle(new Request(`http://localhost${path}`, init));
  await response.body?.cancel();
  return response.status;
}

const ROLES = ["enroll", "other", "viewer", "member", "me", "operator"] as const;
type World = Awaited<ReturnType<typeof startWorld>>;

function ask(world: World, [call, body]: Row, token: string | undefined): Promise<number> {
  return statusOf(world.relay, placed(call, world), body && JSON.parse(placed(JSON.stringify(body), world)), token);
}

const isRead = ([call]: Row): boolean => call.startsWith("GET ");

describe("G10: what each role may do", () => {
  test("G10: each role may read what the table says", async () => {
    const rows = Object.values(TABLE).flat().filter(isRead);
    // Reading changes nothing.
    const world = await startWorld();
    for (const row of rows) {
      const got: Record<string, number> = {};
      for (const token of [undefined, "sbx_unknown"])
        expect([row[0], await ask(world, row, token)]).toEqual([row[0], 401]);
      for (const role of ROLES) got[role] = await ask(world, row, world.tokens[role]);
      expect({ call: row[0], ...got }).toEqual({ call: row[0], ...row[2] });
    }
  });

  for (const [operationId, rows] of Object.entries(TABLE))
    for (const row of rows.filter((one) => !isRead(one))) {
      const [call, body, expected] = row;
      test(`G10: each role may do what the table says: ${operationId}: ${call} ${body === undefined ? "" : JSON.stringify(body)}`, async () => {
        const got: Record<string, number> = {};
        let world = await startWorld();
        for (const token of [undefined, "sbx_unknown"]) expect(await ask(world, row, token)).toBe(401);
        for (const role of ROLES) {
          got[role] = await ask(world, row, world.tokens[role]);
          // A refused call has changed nothing; after a change the next call begins afresh.
          if (got[role] < 300 && role !== "operator") world = await startWorld();
        }
        expect(got).toEqual(expected);
      });
    }

  test("G10: the table of roles has every operation that needs a token", async () => {
    const { relay } = await startRelay();
    const asked = (await relay.routes()).filter((route) => !route.open).map((route) => route.operationId);
    expect(Object.keys(TABLE).sort()).toEqual(asked.sort());
  });

  test("G10: operations without a token are these alone", async () => {
    const { relay } = await startRelay();
    expect((await relay.routes()).filter((route) => route.open).map((route) => route.path)).toEqual([
      "/healthz",
      "/readyz",
      "/v1/sign-in",
      "/.well-known/agent-card.json",
      "/a2a/{agentId}/.well-known/agent-card.json",
      "/v1/agents/{id}/socket",
      "/",
      "/manifest.webmanifest",
      "/sw.js",
      "/assets/{file}",
      "/openapi.json",
      "/docs",
      "/docs/{file}",
    ]);
  });
});
