import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { SAMPLE_KEYS } from "../../support/push.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { turns } from "../../support/until.ts";

async function withToken() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const { tokenId } = (await relay.ask("GET", "/v1/whoami", undefined, bob)).body;
  return { ...relay, url, bob, revoke: () => relay.ask("DELETE", `/v1/tokens/${tokenId}`) };
}

describe("G10: a token that is revoked while its call is under way", () => {
  test("G10: a token that is revoked while its call is under way leaves no stream open", async () => {
    const { url, bob, revoke } = await withToken();
    // Acknowledging takes a commit, and the revocation shares it.
    const headers = { "last-event-id": "0" };
    const streams = [];
    for (let i = 0; i < 6; i++)
      streams.push(openStream(`${url}/v1/agents/bob/inbox/stream?ack=resume`, { ...bob, headers }));
    await turns(1);
    await revoke();
    for (const stream of await Promise.all(streams)) {
      if (stream.response.status === 401) continue;
      await stream.ended;
      expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
    }
  });

  test("G10: a token that is revoked while its call is under way leaves no call parked", async () => {
    const { ask, bob, revoke } = await withToken();
    const [polled] = await Promise.all([
      ask("GET", "/v1/agents/bob/inbox?ackUpTo=0&waitSeconds=60", undefined, bob),
      revoke(),
    ]);
    expect(polled.body).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test("G10: a token that is revoked while its call is under way leaves no socket open", async () => {
    const { url, ask } = await withToken();
    // The first use of a token is written down, and the revocation shares that commit.
    const made = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, {});
    socket.say({ type: "auth", token: made.token });
    await turns(1);
    await ask("DELETE", `/v1/tokens/${made.id}`);
    expect((await socket.closed).code).toBe(4001);
    expect((await ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
  });

  test("G10: a token of a person that is revoked while its call is under way changes nothing", async () => {
    const { ask, tokenFor } = await withPeople();
    const answers: unknown[] = [];
    // Routes that load late are there by then.
    for (const [method, path, body] of CHANGES) await ask(method, path, body, { token: "nobody's" });
    for (const [method, path, body] of CHANGES) {
      const { id, token } = await tokenFor();
      // The change shares the commit of the revocation.
      const [, answer] = await Promise.all([ask("DELETE", `/v1/tokens/${id}`), ask(method, path, body, { token })]);
      answers.push([method, path, answer.body?.code]);
    }
    expect(answers).toEqual(CHANGES.map(([method, path]) => [method, path, "unauthorized"]));
  });
});

/** Changes by people, one of each kind; most name nothing that there is. */
const CHANGES: [method: string, path: string, body?: object][] = [
  ["PUT", "/v1/views/mine", { page: "work" }],
  ["DELETE", "/v1/views/kept"],
  ["POST", "/v1/attention/stuck:ses_1/snooze", { until: null }],
  ["POST", "/v1/attention/stuck:ses_1/take", {}],
  ["POST", "/v1/attention/stuck:ses_1/hand", { personId: "ada" }],
  ["POST", "/v1/push/subscriptions", { endpoint: "https://push.example.org/1", keys: SAMPLE_KEYS, device: "phone" }],
  ["DELETE", "/v1/push/subscriptions/psh_1"],
  ["PATCH", "/v1/threads/1", { archived: true }],
  ["POST", "/v1/threads/1/read", { upTo: 1 }],
  ["POST", "/v1/bulk", { action: "archive", filter: {} }],
  ["POST", "/v1/holds", { scope: "all", reason: "Stop" }],
  ["PUT", "/v1/people/mia", { name: "Mia", role: "member" }],
  ["PUT", "/v1/profiles/nightly", { provider: "claude" }],
  ["POST", "/v1/approval-rules", { tool: "*", decision: "deny" }],
  ["PATCH", "/v1/approval-rules/rul_1", { position: 1 }],
  ["POST", "/v1/schedules", { cron: "0 9 * * *", message: { to: "bob", body: "x" } }],
  ["PUT", "/v1/integrations/alerts", { secret: "x".repeat(32), mapping: "generic" }],
  ["PATCH", "/v1/agents/bob", { tags: ["x"] }],
  ["DELETE", "/v1/agents/bob"],
  ["POST", "/v1/messages", { to: "bob", body: "x" }],
  ["POST", "/v1/messages/batch", { messages: [{ to: "bob", body: "x" }] }],
  ["POST", "/v1/messages/batch?atomic=false", { messages: [{ to: "bob", body: "x" }] }],
  [
    "POST",
    "/v1/chat/bob",
    {
      id: "c1",
      trigger: "submit-message",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "x" }] }],
    },
  ],
  ["POST", "/v1/runs", { agentId: "bob", task: "x" }],
  ["POST", "/v1/runs/run_1/abort", {}],
  ["POST", "/v1/runs/run_1/messages", { text: "x" }],
  ["POST", "/v1/delegations", { to: "bob", text: "x" }],
  ["POST", "/v1/tasks", { title: "x", target: "bob" }],
  ["POST", "/v1/webhooks", { url: "https://example.org/x", events: ["run.changed"] }],
  ["POST", "/v1/loops/1/resume", {}],
  ["DELETE", "/v1/schedules/sch_1"],
  ["POST", "/v1/messages/1/requeue"],
  ["POST", "/v1/messages/1/cancel"],
];

async function withPeople() {
  const relay = await startRelay();
  await relay.agent("bob");
  await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "operator" });
  return {
    ...relay,
    async tokenFor(): Promise<{ id: string; token: string }> {
      const made = (await relay.ask("POST", "/v1/tokens", { role: "operator", personId: "ada" })).body;
      await relay.ask("GET", "/v1/whoami", undefined, made);
      return made;
    },
  };
}
