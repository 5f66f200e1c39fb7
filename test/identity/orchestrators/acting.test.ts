import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { startFleet } from "../../support/sessions.ts";

const settings = { hostname: "box", version: VERSION, baseDir: "/work", providers: [] };

async function withBoss() {
  const fleet = await startFleet();
  const boss = await fleet.agent("boss");
  const { ask, box } = fleet;
  const send = async (fields: object, by: { token: string } = boss) =>
    (await ask("POST", "/v1/messages", { to: "box-one", body: "x", ...fields }, by)).body;
  /** One call by the orchestrator; its status and body. */
  const does = async (method: string, path: string, body?: object) => {
    const answer = await ask(method, path, body, box);
    return { status: answer.status, body: answer.body };
  };
  return { ...fleet, boss, send, does };
}

describe("an orchestrator acts for the agents that it has enrolled", () => {
  test("G10: it reads and acknowledges their inboxes, and sends in their names", async () => {
    const { send, does, ask, boss } = await withBoss();
    const { id } = await send({});
    const inbox = await does("GET", "/v1/agents/box-one/inbox");
    expect(inbox.body.items.map((item: { id: number }) => item.id)).toEqual([id]);
    expect((await does("GET", `/v1/messages/${id}`)).status).toBe(200);
    const acked = await does("POST", "/v1/agents/box-one/inbox/ack", { upTo: id });
    expect(acked.body).toEqual({ cursor: id, skipped: 0 });
    expect((await ask("GET", "/v1/agents/box-one/inbox", undefined)).body.cursor).toBe(id);
    const reply = { from: "box-one", to: "boss", body: "done", replyTo: id };
    const sent = await does("POST", "/v1/messages", reply);
    expect(sent).toMatchObject({ status: 201, body: { from: "box-one", replyTo: id } });
    const [heard] = (await ask("GET", "/v1/agents/boss/inbox", undefined, boss)).body.items;
    expect(heard).toMatchObject({ from: "box-one", body: "done" });
    expect((await does("POST", `/v1/messages/${id}/read`, { agentId: "box-one" })).body.readBy).toEqual(["box-one"]);
    expect((await does("GET", "/v1/agents/box-one/inbox/digest?after=0")).body.unread).toBe(1);
  });

  test("G10: it claims, renews, completes, releases and fails their work, without naming them again", async () => {
    const { send, does, ask, boss } = await withBoss();
    const claimed = async () => {
      const { id } = await send({ claimable: true });
      const { body } = await does("POST", `/v1/messages/${id}/claim`, { agentId: "box-one" });
      return { id, token: body.claim.token };
    };
    for (const [verb, more, state] of [
      ["complete", { result: { body: "42" } }, "done"],
      ["release", {}, "open"],
      ["fail", { error: "no", final: true }, "dead"],
    ] as const) {
      const { id, token } = await claimed();
      expect((await does("POST", `/v1/messages/${id}/renew`, { token, leaseSeconds: 60 })).status).toBe(200);
      expect((await does("POST", `/v1/messages/${id}/${verb}`, { token, ...more })).body).toMatchObject({
        message: { id, state },
      });
    }
    const [result] = (await ask("GET", "/v1/agents/boss/inbox", undefined, boss)).body.items;
    expect(result).toMatchObject({ from: "box-one", kind: "response", body: "42" });
    const taken = await does("POST", "/v1/agents/box-one/claims", { max: 5 });
    expect(taken.body.items).toHaveLength(1);
    expect((await does("GET", "/v1/agents/box-one/claims")).body.items).toHaveLength(1);
  });

  test("G10: it answers delegations to them, tells their progress, and asks in their names", async () => {
    const { does, ask, boss } = await withBoss();
    const asked = (await ask("POST", "/v1/delegations", { to: "box-one", text: "How many?" }, boss)).body;
    expect((await does("GET", `/v1/delegations/${asked.id}`)).status).toBe(200);
    expect((await does("POST", `/v1/delegations/${asked.id}/progress`, { text: "Counting" })).status).toBe(201);
    const answered = await does("POST", `/v1/delegations/${asked.id}/response`, { text: "12" });
    expect(answered.body).toMatchObject({ status: "answered", answer: { from: "box-one", text: "12" } });
    const own = await does("POST", "/v1/delegations", { from: "box-one", to: "boss", text: "Sure?" });
    expect(own.body).toMatchObject({ from: "box-one", to: "boss" });
    expect((await does("POST", `/v1/delegations/${own.body.id}/cancel`, {})).body.cancelled).toEqual([own.body.id]);
  });

  test("G10: it leaves their traces, uploads and reads their files, asks for their approvals, and runs their turns", async () => {
    const { send, does, ask, boss, put, box } = await withBoss();
    const file = (await ask("POST", "/v1/files?name=plan.txt", "the plan", boss)).body;
    const { id } = await send({ payload: { files: [{ fileId: file.id }] } });
    expect((await does("GET", `/v1/files/${file.id}`)).status).toBe(200);
    const traces = [{ level: 2, type: "thinking", content: "Hm." }];
    const traced = await does("POST", `/v1/messages/${id}/traces?agentId=box-one`, traces);
    expect(traced.status).toBe(201);
    const up = await ask("POST", "/v1/files?name=log.txt&agentId=box-one", "a log", box);
    expect(up.body.uploadedBy).toBe("box-one");
    await put(box, "ses_a");
    const turn = { agentId: "box-one", messageId: id, sessionId: "ses_a", task: "x", sessionKey: "main" };
    const run = await does("POST", "/v1/runs", turn);
    expect(run).toMatchObject({ status: 201, body: { status: "running", orchestratorId: "box", messageId: id } });
    const options = [{ id: "no", label: "No", decision: "deny" }];
    const subject = { type: "command", line: "ls", cwd: "/work", envNames: [] };
    const approval = { kind: "permission", subject, title: "ls", options, default: "no", expiresInSeconds: 60 };
    const wants = { ...approval, agentId: "box-one", runId: run.body.id, sessionId: "ses_a" };
    expect((await does("POST", "/v1/approvals", wants)).body).toMatchObject({ orchestratorId: "box" });
  });

  test("G10: for agents that it did not enroll, and for those of others, it does nothing", async () => {
    const { does, send, agent, orchestrator, enroll } = await withBoss();
    const rack = await orchestrator("rack");
    await enroll(rack, "rack-one");
    await agent("box-stranger");
    for (const id of ["rack-one", "box-stranger", "boss"]) {
      const { id: messageId } = await send({ to: id, claimable: true }, rack);
      for (const [method, path, body] of [
        ["GET", `/v1/agents/${id}/inbox`, undefined],
        ["POST", `/v1/agents/${id}/inbox/ack`, { upTo: messageId }],
        ["POST", `/v1/agents/${id}/claims`, {}],
        ["POST", `/v1/messages/${messageId}/claim`, { agentId: id }],
        ["GET", `/v1/messages/${messageId}`, undefined],
        ["POST", "/v1/messages", { from: id, to: "boss", body: "x" }],
        ["POST", "/v1/delegations", { from: id, to: "boss", text: "x" }],
        ["POST", "/v1/runs", { agentId: id, from: id, task: "x" }],
      ] as const)
        expect([method, path, (await does(method, path, body)).status]).toEqual([method, path, 403]);
    }
  });

  test("G12: calls for its agents are fenced by its own instance, after a restart too", async () => {
    const { ask, send, box, restart } = await withBoss();
    const { id } = await send({});
    await ask("PUT", "/v1/orchestrators/box", { ...settings, instanceId: "i1" }, box);
    const ack = (instance: string) =>
      ask("POST", "/v1/agents/box-one/inbox/ack", { upTo: id }, { ...box, instance }).then(({ body }) => body.code);
    expect(await ack("i1")).toBeUndefined();
    await ask("PUT", "/v1/orchestrators/box", { ...settings, instanceId: "i2" }, box);
    await restart();
    expect(await ack("i1")).toBe("superseded");
    expect(await ack("i2")).toBeUndefined();
    expect(await ack("i3")).toBe("unknown-instance");
    // Enrolling is fenced alike.
    const enroll = (instance: string) => ask("PUT", "/v1/agents/box-new", { name: "n" }, { ...box, instance });
    expect((await enroll("i1")).body.code).toBe("superseded");
    expect((await enroll("i2")).status).toBe(201);
  });
});
