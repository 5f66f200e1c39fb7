import { VERSION } from "../../src/version.ts";
import type { Filled } from "./main.ts";

type Ask = Filled["ask"];

/** One of everything that a relay keeps. */
export async function fill(relay: Filled): Promise<void> {
  const { ask, pass } = relay;
  const [ann, bob] = [await agent(ask, "ann"), await agent(ask, "bob")];
  await talk(ask, ann, bob);
  await work(relay, ann, bob);
  await reported(ask, bob);
  await asked(ask, ann, bob);
  await runs(ask, ann, bob);
  await chats(ask);
  await loops(ask, ann, bob);
  await others(ask, ann, bob);
  await people(ask, ann);
  await approvals(ask, ann);
  await deleted(ask);
  await pass(61_000);
  const held = (await ask("POST", "/v1/holds", { scope: { orchestratorId: "box" }, reason: "Counting the wicks" }))
    .body;
  await ask("DELETE", `/v1/holds/${held.id}`);
  await pass(2000);
}

async function agent(ask: Ask, id: string): Promise<{ token: string }> {
  await ask("PUT", `/v1/agents/${id}`, { name: id, label: "crew", tags: ["review"], instanceId: `${id}-1` });
  return (await ask("POST", "/v1/tokens", { role: "agent", agentId: id, name: `token of ${id}` })).body;
}

/** A browser whose push service is nowhere. */
const UNAS_PHONE = {
  ...{ endpoint: "http://127.0.0.1:9/una", device: "Una's phone" },
  keys: {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
};

/** People with chat accounts and tokens, one of whom was deleted. */
async function people(ask: Ask, ann: { token: string }): Promise<void> {
  const notify = [{ channelId: "telegram:main", conversationId: "7" }, "push"];
  const senders = [{ channelId: "telegram:main", senderId: "u1" }];
  await ask("PUT", "/v1/people/ida", { name: "Ida", role: "operator" });
  await ask("PUT", "/v1/people/una", {
    ...{ name: "Una", role: "member", notify, senders, ladder: ["ida"] },
    // Nearly always: her phone is told nothing, and its push stays.
    quietHours: { from: "08:00", to: "07:00", timezone: "Europe/Berlin" },
  });
  const una = (await ask("POST", "/v1/tokens", { role: "member", personId: "una" })).body;
  const by = (await ask("POST", "/v1/messages", { to: "system", body: "By Una" }, una)).body.id;
  await ask("PATCH", `/v1/threads/${by}`, { title: "Una's", archived: true, agentId: "ann" }, una);
  await ask("POST", `/v1/threads/${by}/read`, { upTo: by }, una);
  await ask("POST", "/v1/sign-in-links", { personId: "una" });
  await ask("POST", "/v1/push/subscriptions", { ...UNAS_PHONE, previews: true }, una);
  await ask("POST", "/v1/messages", { to: "user", body: "For Una's phone" }, ann);
  await ask("PUT", "/v1/views/mine", { page: "work", search: { show: "dead" } }, una);
  await ask("POST", "/v1/bulk", { action: "archive", filter: { participant: "ann", before: 3 } }, una);
  await ask("PUT", "/v1/people/otto", { name: "Otto", role: "viewer" });
  await ask("DELETE", "/v1/people/otto");
}

/** Approvals: one that waits, one answered by a rule, one that a person answered. */
async function approvals(ask: Ask, ann: { token: string }): Promise<void> {
  const options = [
    { id: "yes", label: "Allow", decision: "allow", scope: "once" },
    { id: "no", label: "Deny", decision: "deny" },
  ];
  const wanted = (line: string) => ({
    ...{ kind: "permission", subject: { type: "command", line, cwd: "/work" }, title: line, options, default: "no" },
    expiresInSeconds: 604_800,
  });
  await ask("POST", "/v1/approval-rules", { tool: "command", match: "trim *", decision: "allow", under: "/work" });
  // Operators are asked about work of nobody.
  await ask("PUT", "/v1/people/ida", {
    name: "Ida",
    role: "operator",
    notify: [{ channelId: "telegram:main", conversationId: "7" }],
  });
  for (const line of ["light the lamp", "trim the wick"]) await ask("POST", "/v1/approvals", wanted(line), ann);
  const [waits] = (await ask("GET", "/v1/attention?kind=approval")).body.items;
  await ask("POST", `/v1/attention/${waits.id}/take`, {});
  const { id, hash } = (await ask("POST", "/v1/approvals", wanted("sound the horn"), ann)).body;
  await ask("POST", `/v1/approvals/${id}/answer`, { option: "no", hash });
  await ask("POST", `/v1/approvals/${id}/applied`, { ok: true }, ann);
}

async function send(ask: Ask, who: { token: string }, message: object): Promise<number> {
  return (await ask("POST", "/v1/messages", message, who)).body.id;
}

async function talk(ask: Ask, ann: { token: string }, bob: { token: string }): Promise<void> {
  const root = await send(ask, ann, {
    to: "bob",
    subject: "Lanterns",
    body: "Where are the lanterns?",
    topic: "store",
  });
  await ask("POST", `/v1/messages/${root}/traces`, [{ level: 2, type: "thinking", content: "Upstairs." }], bob);
  await send(ask, bob, { to: "ann", body: "Upstairs.", replyTo: root });
  await send(ask, ann, { to: "tag:review", body: "For all of us", urgent: true, payload: { n: 1 }, meta: { m: 2 } });
  await send(ask, ann, { to: "bob", body: "c2VjcmV0", encoding: "opaque", expiresAt: "2026-04-01T00:00:00Z" });
  await send(ask, ann, { to: "user", body: "Once", idempotencyKey: "once" });
  await send(ask, ann, { to: "bob", body: "Tomorrow", deliverAt: "2026-03-02T11:00:00Z" });
  await ask("POST", `/v1/messages/${root}/read`, {}, bob);
  await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
  await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: root }, bob);
}

/** Work in each of its states, and a task for its holder. */
async function work({ ask, pass }: Filled, ann: { token: string }, bob: { token: string }): Promise<void> {
  const begin = async (body: string, more: object = {}) => {
    const id = await send(ask, ann, { to: "bob", body, claimable: true, ...more });
    return { id, token: (await ask("POST", `/v1/messages/${id}/claim`, {}, bob)).body.claim.token };
  };
  const end = async ({ id, token }: { id: number; token: string }, verb: string, how: object) =>
    ask("POST", `/v1/messages/${id}/${verb}`, { token, ...how }, bob);
  await send(ask, ann, { to: "tag:review", body: "Open", claimable: true });
  await end(await begin("Done"), "complete", { result: { body: "It is done." } });
  await end(await begin("Dead"), "fail", { error: "no use", final: true });
  await end(await begin("Delayed"), "release", { delaySeconds: 86_400 });
  await ask("POST", `/v1/messages/${(await begin("Cancelled")).id}/cancel`);
  await send(ask, ann, { to: "bob", body: "Expired", claimable: true, expiresAt: "2026-03-01T11:00:05Z" });
  await pass(10_000);
  await begin("Held");
  const { id } = (await ask("POST", "/v1/tasks", { title: "Trim the wicks", target: "bob", severity: "warning" }, ann))
    .body;
  await ask("POST", `/v1/tasks/${id}/claim`, {}, bob);
}

/** Tasks that an integration reported. */
async function reported(ask: Ask, bob: { token: string }): Promise<void> {
  await ask("PUT", "/v1/integrations/beacon", { target: "bob", topic: "alerts" });
  const { token } = (await ask("POST", "/v1/tokens", { role: "integration", source: "beacon" })).body;
  const event = { title: "The beacon is dark", dedupeKey: "beacon-1" };
  const headers = { "idempotency-key": "event-1" };
  const { tasks } = (await ask("POST", "/v1/integrations/beacon/events", event, { token, headers })).body;
  await ask("POST", `/v1/tasks/${tasks[0].task.id}/claim`, {}, bob);
  await ask("POST", "/v1/integrations/beacon/events", { title: "Gone", dedupeKey: "2", status: "resolved" }, { token });
}

/** Delegations and pairs: open ones, and some that ended. */
async function asked(ask: Ask, ann: { token: string }, bob: { token: string }): Promise<void> {
  const delegate = async (text: string) =>
    (await ask("POST", "/v1/delegations", { to: "bob", text, timeoutSeconds: 86_400 }, ann)).body.id;
  await delegate("Pending");
  await ask("POST", `/v1/delegations/${await delegate("Answered")}/response`, { text: "Here." }, bob);
  await ask("POST", `/v1/delegations/${await delegate("Cancelled")}/cancel`, { reason: "no need" });
  const pair = async () => (await ask("POST", "/v1/pairs", { target: "bob", objective: "Light" }, ann)).body.id;
  await ask("POST", `/v1/pairs/${await pair()}/reject`, { reason: "busy" }, bob);
  const active = await pair();
  await ask("POST", `/v1/pairs/${active}/accept`, {}, bob);
  await ask("POST", `/v1/pairs/${active}/messages`, { body: "I begin." }, ann);
}

/** A chat account with a conversation that moved, and a channel of the relay's own. */
async function chats(ask: Ask): Promise<void> {
  const channel = { provider: "telegram", accountId: "main", displayName: "Main" };
  await ask("PUT", "/v1/agents/telegram:main", { name: "Main", channel });
  const adapter = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "telegram:main" })).body;
  const path = "/v1/channels/telegram%3Amain";
  await ask("PUT", `${path}/bindings`, { conversationId: "7", target: "ann", fallback: "bob" });
  const from = { conversationId: "7", sender: { id: "u1", name: "Una" } };
  await ask("POST", `${path}/events`, { ...from, externalId: "e1", text: "Hello" }, adapter);
  await ask("POST", `${path}/events`, { ...from, externalId: "e2", type: "moved", movedTo: "8" }, adapter);
  await ask("POST", "/v1/messages", {
    to: "telegram:main",
    body: "Good evening",
    payload: { conversation: { conversationId: "8" } },
  });
  const [held] = (await ask("POST", "/v1/agents/telegram:main/claims", {}, adapter)).body.items;
  await ask("POST", `/v1/messages/${held.message.id}/posts`, { token: held.claim.token, part: 0 }, adapter);
  await ask("POST", `${path}/guests`, { senderId: "u1", approves: true, name: "Una" });
  const stranger = { conversationId: "u2", private: true, sender: { id: "u2", name: "Ula" } };
  await ask("POST", `${path}/events`, { ...stranger, externalId: "e3", text: "Let me in" }, adapter);
  await ask("PUT", "/v1/channels/webhook:crm/webhook", { url: "http://127.0.0.1:9/", name: "CRM" });
}

/** Two agents that answer each other until they are paused; the first chain was resumed. */
async function loops(ask: Ask, ann: { token: string }, bob: { token: string }): Promise<void> {
  const chain = async () => {
    let replyTo = await send(ask, ann, { to: "bob", body: "Turn 1", causedBy: null });
    const root = replyTo;
    for (const turn of [2, 3, 4]) {
      const [who, to] = turn % 2 === 0 ? [bob, "ann"] : [ann, "bob"];
      replyTo = await send(ask, who, { to, body: `Turn ${turn}`, replyTo });
    }
    return root;
  };
  await ask("POST", `/v1/loops/${await chain()}/resume`, {});
  await chain();
}

async function others(ask: Ask, ann: { token: string }, bob: { token: string }): Promise<void> {
  const daily = { cron: "0 9 * * *", message: { to: "bob", body: "Good morning" }, run: { model: "opus" } };
  const schedule = (await ask("POST", "/v1/schedules", daily, ann)).body;
  await ask("POST", `/v1/schedules/${schedule.id}/run`, {}, ann);
  await ask("PUT", "/v1/agents/ann/models", { items: [{ id: "opus", name: "Opus" }], default: "opus" }, ann);
  await ask("PUT", "/v1/agents/ann/jobs", { items: [{ id: "wicks", name: "Wicks", schedule: "@daily" }] }, ann);
  const trimmed = { id: "1", status: "ok", output: "12 wicks", startedAt: "2026-03-01T09:00:00Z" };
  await ask("POST", "/v1/agents/ann/jobs/wicks/runs", trimmed, ann);
  await ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:9/", events: ["message.created", "work.dead"] }, ann);
  const file = (await ask("POST", "/v1/files?name=plan.json", { plan: "lanterns" }, ann)).body;
  await send(ask, ann, { to: "bob", body: "See the plan", payload: { files: [{ fileId: file.id }] } });
  await ask("PUT", "/v1/orchestrators/box", {
    ...{ hostname: "box", version: VERSION, baseDir: "/srv", spawners: ["ann"], approvalMode: "ask" },
    ...{ providers: [{ name: "claude", capabilities: ["code"] }], caps: { sessions: 4 } },
  });
  await sessions(ask);
  await commanded(ask);
  await ask("PUT", "/v1/profiles/trimmer", { provider: "claude", systemPrompt: "Trim wicks" });
  const command = { do: "spawn", provider: "claude", prompt: "Trim the wicks" };
  await ask("POST", "/v1/orchestrators/box/commands", { command }, ann);
  await ask("PUT", "/v1/a2a/agents/away", { cardUrl: "http://127.0.0.1:9/card.json" });
  await ask("POST", "/v1/messages", { to: "away", body: "Are you there?", claimable: true });
  const headers = { "a2a-version": "1.0" };
  const message = { messageId: "m1", contextId: "mine", role: "ROLE_USER", parts: [{ text: "Go" }] };
  const said = { message, configuration: { returnImmediately: true } };
  const { task } = (await ask("POST", "/a2a/bob/message:send", said, { ...ann, headers })).body;
  const push = { id: "push", url: "http://127.0.0.1:9/" };
  await ask("POST", `/a2a/bob/tasks/${task.id}/pushNotificationConfigs`, push, { ...ann, headers });
  const info = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "stored", version: "1" } };
  const accept = { accept: "application/json, text/event-stream" };
  await ask("POST", "/mcp", { jsonrpc: "2.0", id: 1, method: "initialize", params: info }, { ...bob, headers: accept });
}

/** A guest that approves looks at a session from a chat. */
async function commanded(ask: Ask): Promise<void> {
  const path = "/v1/channels/telegram%3Amain";
  await ask("PUT", `${path}/bindings`, { conversationId: "9", target: "box-claude", also: ["ann"] });
  const from = { conversationId: "9", sender: { id: "u1", name: "Una" } };
  for (const [n, text] of ["/model opus", "/sessions", "/peek"].entries())
    await ask("POST", `${path}/events`, { ...from, externalId: `c${n}`, text });
  await ask("PUT", `${path}/bindings`, { conversationId: "-10", target: "ann", topics: "per-session" });
  const forum = { ...from, conversationId: "-10", inForum: true };
  await ask("POST", `${path}/events`, { ...forum, externalId: "f1", text: "Count the lamps" });
}

/** Sessions that an orchestrator reported: one that is written, and one that ended. */
async function sessions(ask: Ask): Promise<void> {
  const rights = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const box = (await ask("POST", "/v1/tokens", rights)).body;
  await ask("PUT", "/v1/agents/box-claude", { name: "claude" }, box);
  const draft = { agentId: "box-claude", provider: "claude", lane: "main", place: "user", home: "box:/root/.claude" };
  await ask("PUT", "/v1/sessions/ses_one", { ...draft, nativeId: "n-1", state: "working", name: "count lamps" }, box);
  const evidence = { branch: { repository: "github.com/acme/lamps", name: "main" } };
  await ask("PUT", "/v1/agents/box-codex", { name: "codex" }, box);
  for (const [id, agentId] of [
    ["ses_one", "box-claude"],
    ["ses_three", "box-codex"],
  ])
    await ask("PUT", `/v1/sessions/${id}`, { ...draft, agentId, state: "working", evidence }, box);
  await ask("POST", "/v1/sessions/ses_one/lease", {}, box);
  await ask("POST", "/v1/tokens", { role: "agent", agentId: "box-claude", sessionId: "ses_one" }, box);
  const limit = { type: "five_hour", until: "2030-01-01T00:00:00Z", evidence: { status: "rejected" } };
  await ask("PUT", "/v1/limits/claude/team", limit, box);
  await ask("PUT", "/v1/sessions/ses_two", { ...draft, lane: "background", state: "dead", tags: ["store"] }, box);
}

async function deleted(ask: Ask): Promise<void> {
  await agent(ask, "carl");
  await ask("DELETE", "/v1/agents/carl");
  const { id } = (await ask("POST", "/v1/tokens", { role: "enroll", prefix: "new-" })).body;
  await ask("DELETE", `/v1/tokens/${id}`);
  await ask("POST", "/v1/tokens", { role: "viewer" });
}

/** A run whose pull request was merged. */
async function pull(ask: Ask, bob: { token: string }): Promise<void> {
  const url = "https://github.com/acme/lanterns/pull/1";
  const messageId = (await ask("POST", "/v1/messages", { to: "bob", body: "Mend the lantern" })).body.id;
  const run = (await ask("POST", "/v1/runs", { task: "Mend the lantern", messageId }, bob)).body;
  const done = { outcome: "ok", result: "Mended.", links: [{ kind: "pull", url, evidence: "tool" }] };
  await ask("POST", `/v1/runs/${run.id}/finish`, done, { ...bob, headers: { "signalbox-run": run.token } });
  await ask("PUT", "/v1/integrations/hub", { mapping: "github" });
  const merged = { action: "closed", pull_request: { number: 1, state: "closed", merged: true, html_url: url } };
  await ask("POST", "/v1/integrations/hub/events", merged, { headers: { "x-github-event": "pull_request" } });
}

/** A run that works on a message, and one whose result went to the agent that asked for it. */
async function runs(ask: Ask, ann: { token: string }, bob: { token: string }): Promise<void> {
  const messageId = await send(ask, ann, { to: "bob", body: "Count the lanterns" });
  const own = (await ask("POST", "/v1/runs", { task: "Count the lanterns", messageId, tags: ["store"] }, bob)).body;
  const headers = { "signalbox-run": own.token };
  const events = [
    { stream: "input", data: { messageIds: [messageId], state: "started" } },
    { stream: "assistant", data: { delta: "One, two" } },
    { stream: "tool", data: { phase: "start", toolCallId: "c1", name: "shell", args: { command: "ls" } } },
    { stream: "usage", data: { inputTokens: 12, outputTokens: 3, model: "opus" } },
  ].map((event, seq) => ({ source: "main", seq, ...event }));
  await ask("POST", `/v1/runs/${own.id}/events`, events, { ...bob, headers });
  await pull(ask, bob);
  const requester = { agentId: "ann" };
  const { id } = (await ask("POST", "/v1/runs", { agentId: "bob", task: "Trim the wicks", requester }, ann)).body;
  const { token } = (await ask("POST", `/v1/runs/${id}/start`, {}, bob)).body;
  const done = { outcome: "ok", result: "Twelve wicks are trimmed." };
  await ask("POST", `/v1/runs/${id}/finish`, done, { ...bob, headers: { "signalbox-run": token } });
}
