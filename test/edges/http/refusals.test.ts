import { describe, expect, test } from "bun:test";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const SECRET = ["anna", "berta", "vault"];

/** anna asks berta and the group vault for everything there is; mallory has nothing to do with any of it. */
async function world() {
  const relay = await startRelay({ durability: "normal" });
  const { ask } = relay;
  const anna = await relay.agent("anna");
  const berta = await relay.agent("berta", { tags: ["vault"] });
  await relay.agent("carla", { tags: ["vault"] });
  const mallory = await relay.agent("mallory");
  const must = async (method: string, path: string, body: unknown, by: { token: string }) => {
    const answer = await ask(method, path, body, by);
    if (answer.status > 202) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  const say = (more: object) => must("POST", "/v1/messages", { body: "x", ...more }, anna);
  const talk = (await say({ to: "berta" })).id;
  const reply = (await must("POST", "/v1/messages", { to: "anna", body: "x", replyTo: talk }, berta)).id;
  const open = (await say({ to: "tag:vault", claimable: true })).id;
  const held = (await say({ to: "berta", claimable: true })).id;
  const { claim } = await must("POST", `/v1/messages/${held}/claim`, {}, berta);
  const direct = await must("POST", "/v1/delegations", { to: "berta", text: "x" }, anna);
  const group = await must("POST", "/v1/delegations", { to: "tag:vault", text: "x" }, anna);
  const task = await must("POST", "/v1/tasks", { title: "x", target: "berta" }, anna);
  await must("POST", `/v1/tasks/${task.id}/claim`, {}, berta);
  const free = await must("POST", "/v1/tasks", { title: "x" }, anna);
  const pair = await must("POST", "/v1/pairs", { target: "berta" }, anna);
  const asked = { agentId: "berta", task: "x", requester: { agentId: "anna" } };
  const run = await must("POST", "/v1/runs", asked, anna);
  const turn = await must("POST", `/v1/runs/${run.id}/start`, {}, berta);
  const by = { ...berta, headers: { "signalbox-run": turn.token } };
  await must("POST", `/v1/runs/${run.id}/finish`, { outcome: "ok", result: "x" }, by);
  const [announcement] = (await ask("GET", `/v1/announcements?run=${run.id}`)).body.items;
  return {
    ...{ relay, mallory, berta, talk, reply, open, held, token: claim.token, direct, group, task, free, pair },
    announcement,
  };
}

type World = Awaited<ReturnType<typeof world>>;
type Call = [method: string, path: string, body?: unknown];

/** Each kind of thing: how it is read, and everything that may be asked of it. */
function callsOf(w: World): { get: string; calls: Call[] }[] {
  const work = (id: number): Call[] => [
    ["POST", `/v1/messages/${id}/claim`, {}],
    ["POST", `/v1/messages/${id}/cancel`],
    ...["renew", "release", "complete"].map((verb): Call => ["POST", `/v1/messages/${id}/${verb}`, { token: w.token }]),
    ["POST", `/v1/messages/${id}/fail`, { token: "x", error: "x" }],
    ["POST", `/v1/messages/${id}/posts`, { token: "x", part: 0, externalId: "x" }],
    ["POST", `/v1/messages/${id}/read`, {}],
    ["GET", `/v1/messages/${id}/explain`],
    ["POST", `/v1/messages/${id}/traces`, [{ level: 2, type: "thinking", content: "x" }]],
  ];
  const asked = (id: string): Call[] => [
    ["POST", `/v1/delegations/${id}/response`, { text: "x" }],
    ["POST", `/v1/delegations/${id}/progress`, { text: "x" }],
    ["POST", `/v1/delegations/${id}/cancel`, {}],
    ["POST", `/v1/delegations/${id}/cancel`, { tree: true }],
  ];
  const task = (id: string): Call[] => [
    ["POST", `/v1/tasks/${id}/claim`, {}],
    ...["renew", "release"].flatMap((verb): Call[] => [
      ["POST", `/v1/tasks/${id}/${verb}`, {}],
      ["POST", `/v1/tasks/${id}/${verb}`, { token: w.token }],
    ]),
    ["POST", `/v1/tasks/${id}/status`, { status: "cancelled" }],
    ["POST", `/v1/tasks/${id}/status`, { status: "done", token: w.token }],
  ];
  const pair = (id: string): Call[] => [
    ["POST", `/v1/pairs/${id}/accept`, {}],
    ["POST", `/v1/pairs/${id}/reject`, {}],
    ["POST", `/v1/pairs/${id}/end`, {}],
    ["POST", `/v1/pairs/${id}/messages`, { body: "x" }],
  ];
  return [
    ...[w.talk, w.open, w.held, w.direct.messageId].map((id) => ({ get: `/v1/messages/${id}`, calls: work(id) })),
    ...[w.direct.id, w.group.id].map((id) => ({ get: `/v1/delegations/${id}`, calls: asked(id) })),
    ...[w.task.id, w.free.id].map((id) => ({ get: `/v1/tasks/${id}`, calls: task(id) })),
    {
      get: `/v1/announcements/${w.announcement.id}`,
      calls: ["retry", "dismiss"].map((verb): Call => ["POST", `/v1/announcements/${w.announcement.id}/${verb}`]),
    },
    { get: `/v1/pairs/${w.pair.id}`, calls: pair(w.pair.id) },
  ];
}

const told = ({ status, body }: { status: number; body: { code: string; detail: string } }) => {
  const { code, detail } = body;
  return { status, code, detail };
};

describe("a refusal names nobody to whom the caller may not listen", () => {
  test("every call about what a caller may not read answers as reading it does", async () => {
    const w = await world();
    for (const { get, calls } of callsOf(w)) {
      const expected = told(await w.relay.ask("GET", get, undefined, w.mallory));
      expect(expected.status).toBe(403);
      for (const [method, path, body] of calls) {
        const answer = await w.relay.ask(method, path, body, w.mallory);
        expect({ path, ...told(answer) }).toEqual({ path, ...expected });
        const text = JSON.stringify(answer.body);
        for (const name of SECRET) expect(text).not.toContain(name);
      }
    }
  });

  test("one who lost the lease is told so, as one who may read it", async () => {
    const w = await world();
    await w.relay.pass(601_000);
    for (const verb of ["renew", "release", "complete"]) {
      const answer = await w.relay.ask("POST", `/v1/messages/${w.held}/${verb}`, { token: w.token }, w.berta);
      expect([verb, answer.status, answer.body.code]).toEqual([verb, 409, "claim-lost"]);
    }
  });

  test("a refusal about a thread says no more than the id that was asked for", async () => {
    const w = await world();
    const { status, body } = await w.relay.ask("GET", `/v1/threads/${w.reply}`, undefined, w.mallory);
    expect([status, body.detail]).toEqual([403, `Thread ${w.reply} is not for mallory.`]);
    const gone = await w.relay.ask("GET", "/v1/threads/9999", undefined, w.mallory);
    expect(gone.status).toBe(404);
  });

  test("a parent, a thread and a cause that are not the caller's name nobody", async () => {
    const w = await world();
    const drafts: [string, object][] = [
      ["/v1/delegations", { to: "carla", text: "x", parentId: w.direct.id }],
      ["/v1/delegations", { to: "carla", text: "x", threadId: w.talk }],
      ["/v1/messages", { to: "carla", body: "x", replyTo: w.talk }],
      ["/v1/messages", { to: "carla", body: "x", causedBy: w.held }],
    ];
    for (const [path, draft] of drafts) {
      const { status, body } = await w.relay.ask("POST", path, draft, w.mallory);
      expect(status).toBe(403);
      for (const name of SECRET) expect(JSON.stringify(body)).not.toContain(name);
    }
  });

  test("a reader is told who holds it, and who may cancel it", async () => {
    const w = await world();
    const { relay, berta, held, direct } = w;
    const cancelled = await relay.ask("POST", `/v1/messages/${held}/cancel`, undefined, berta);
    expect(told(cancelled)).toMatchObject({ status: 403, detail: expect.stringContaining("anna") });
    const anna = await tokenOf(relay, "anna");
    const answered = await relay.ask("POST", `/v1/delegations/${direct.id}/response`, { text: "x" }, anna);
    expect(told(answered)).toMatchObject({ status: 403, detail: expect.stringContaining("berta") });
  });

  test("a member that came later hears nothing of work that another holds", async () => {
    const w = await world();
    await w.relay.ask("POST", `/v1/messages/${w.open}/claim`, {}, w.berta);
    await w.relay.ask("PATCH", "/v1/agents/mallory", { tags: ["vault"] });
    const answer = await w.relay.ask("POST", `/v1/messages/${w.open}/claim`, {}, w.mallory);
    expect(told(answer)).toEqual(told(await w.relay.ask("GET", `/v1/messages/${w.open}`, undefined, w.mallory)));
    expect(JSON.stringify(answer.body)).not.toContain("berta");
  });
});

describe("the id of a delegation", () => {
  test("the id of a delegation cannot be counted through: none can be made of a message's id, or of another delegation's", async () => {
    const w = await world();
    const real = w.direct.id as string;
    const place = (w.direct.messageId as number).toString(36);
    expect(real).toMatch(/^dlg_[a-z0-9]{11,}$/);
    expect(real.startsWith(`dlg_${place}`)).toBe(true);
    const rest = real.slice(`dlg_${place}`.length);
    const guesses = Array.from({ length: 40 }, (_, i) => [`dlg_${i.toString(36)}`, `dlg_${i.toString(36)}${rest}`]);
    for (const id of guesses.flat().filter((guess) => guess !== real)) {
      const answer = await w.relay.ask("GET", `/v1/delegations/${id}`, undefined, w.mallory);
      expect([id, answer.status]).toEqual([id, 404]);
    }
  });

  test("the id of a delegation stays the same over a restart, and differs between relays", async () => {
    const w = await world();
    const other = await world();
    expect(other.direct.messageId).toBe(w.direct.messageId);
    expect(other.direct.id).not.toBe(w.direct.id);
    await w.relay.restart();
    expect((await w.relay.ask("GET", `/v1/delegations/${w.direct.id}`)).body).toMatchObject({ id: w.direct.id });
  });
});

async function tokenOf(relay: TestRelay, agentId: string): Promise<{ token: string }> {
  return { token: (await relay.ask("POST", "/v1/tokens", { role: "agent", agentId })).body.token };
}
