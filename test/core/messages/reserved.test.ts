import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";

const KINDS = ["channel.event", "control", "pair", "request", "response", "announcement", "system"];

/** Members that only the relay writes, with the place that a refusal names. */
const RESERVED: [object, string][] = [
  [{ meta: { schedule: { id: "sch_1" } } }, "/meta/schedule"],
  [{ payload: { command: { do: "spawn" } } }, "/payload/command"],
  [{ payload: { run: { id: "run_1", do: "abort" } } }, "/payload/run"],
  [{ payload: { job: { id: "nightly", do: "run" } } }, "/payload/job"],
  [{ payload: { announcement: null } }, "/payload/announcement"],
  [{ payload: { approval: {} } }, "/payload/approval"],
  [
    {
      payload: {
        buttons: [
          [
            { id: "ok", text: "OK" },
            { id: "apr_1:allow", text: "Yes" },
          ],
        ],
      },
    },
    "/payload/buttons/0/1/id",
  ],
  [{ payload: { buttons: [{ id: "apr_1" }] } }, "/payload/buttons/0/id"],
  [{ payload: { buttons: ["ok", "apr_1:allow"] } }, "/payload/buttons/1"],
  [{ payload: { button: { id: "apr_1:allow" } } }, "/payload/button/id"],
  [{ payload: { button: "apr_1:allow" } }, "/payload/button"],
  [{ payload: { edit: { buttons: [[{ id: "apr_1" }]] } } }, "/payload/edit/buttons/0/0/id"],
];

async function startPair() {
  const relay = await startRelay({ durability: "normal" });
  const eve = await relay.agent("eve");
  const bob = await relay.agent("bob", { tags: ["crew"] });
  return {
    ...relay,
    eve,
    bob,
    head: async () => (await relay.ask("GET", "/v1/messages?limit=1")).body.items[0]?.id ?? 0,
  };
}

describe("a plain send", () => {
  test("a plain send of a kind that only the relay writes is refused, whoever sends it and to whom", async () => {
    const { ask, eve, head } = await startPair();
    for (const kind of KINDS)
      for (const to of ["bob", "user", "tag:crew"])
        for (const how of [eve, {}]) {
          const refused = await ask("POST", "/v1/messages", { to, kind, body: "x" }, how);
          expect([refused.status, refused.body.code]).toEqual([422, "reserved-kind"]);
          expect(refused.body.errors[0].pointer).toBe("/kind");
        }
    const forged = await ask("POST", "/v1/messages", { from: "system", to: "bob", kind: "system", body: "x" });
    expect(forged.body.code).toBe("reserved-kind");
    expect(await head()).toBe(0);
  });

  test("a plain send of members that only the relay writes is refused with their place", async () => {
    const { ask, eve, head } = await startPair();
    for (const [said, pointer] of RESERVED)
      for (const how of [eve, {}]) {
        const refused = await ask("POST", "/v1/messages", { to: "bob", body: "x", ...said }, how);
        expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([422, "reserved", pointer]);
      }
    expect(await head()).toBe(0);
  });

  test("a plain send keeps what only looks like a member that only the relay writes", async () => {
    const { ask, eve } = await startPair();
    const payload = {
      commands: 1,
      deep: { run: 1 },
      buttons: [{ id: "approve", text: "apr_ 1" }],
      button: { id: "x" },
    };
    const sent = await ask("POST", "/v1/messages", { to: "bob", body: "x", payload, meta: { schedules: 1 } }, eve);
    expect(sent.body).toMatchObject({ kind: "chat", payload });
  });

  test("a plain send in a batch and as NDJSON is refused whole, with the place of the one", async () => {
    const { ask, eve, head } = await startPair();
    const messages = [
      { to: "bob", body: "a" },
      { to: "bob", body: "b", kind: "control" },
    ];
    const batch = await ask("POST", "/v1/messages/batch", { messages }, eve);
    expect([batch.status, batch.body.code, batch.body.errors[0].pointer]).toEqual([
      422,
      "reserved-kind",
      "/messages/1/kind",
    ]);
    const lines = messages.map((message) => JSON.stringify(message)).join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    const ndjson = await ask("POST", "/v1/messages/batch", lines, { ...eve, headers });
    expect([ndjson.status, ndjson.body.code]).toEqual([422, "reserved-kind"]);
    expect(await head()).toBe(0);
  });

  test("a plain send over a socket, or planned for later, is refused as well", async () => {
    const relay = await startPair();
    const socket = await openSocket(`${listen(relay)}/v1/agents/eve/socket`, relay.eve);
    await socket.first("hello");
    const frame = { type: "send", message: { to: "bob", body: "x", kind: "announcement" } };
    expect((await socket.ask(frame)).problem).toMatchObject({ status: 422, code: "reserved-kind" });
    const deliverAt = new Date(relay.clock.now() + 60_000).toISOString();
    for (const said of [{ kind: "control" }, { payload: { run: {} } }]) {
      const planned = await relay.ask("POST", "/v1/messages", { to: "bob", body: "x", deliverAt, ...said }, relay.eve);
      expect(planned.status).toBe(422);
    }
    expect((await relay.ask("GET", "/v1/schedules")).body.items).toEqual([]);
  });
});

describe("a verb that carries a caller's own data", () => {
  test("a verb that carries a caller's own data refuses what only the relay writes: schedules, results, answers, pairs", async () => {
    const { ask, eve, bob } = await startPair();
    const schedule = (message: object) =>
      ask("POST", "/v1/schedules", { cron: "@daily", message: { to: "bob", body: "x", ...message } }, eve);
    expect((await schedule({ kind: "control" })).body).toMatchObject({
      code: "reserved-kind",
      errors: [{ pointer: "/message/kind" }],
    });
    expect((await schedule({ meta: { schedule: {} } })).body.errors[0].pointer).toBe("/message/meta/schedule");
    const { id } = (await schedule({})).body;
    const patch = { message: { to: "bob", body: "x", payload: { run: {} } } };
    for (const more of [{}, { enabled: false }])
      expect((await ask("PATCH", `/v1/schedules/${id}`, { ...patch, ...more }, eve)).body.code).toBe("reserved");

    const work = (await ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, eve)).body.id;
    const { token } = (await ask("POST", `/v1/messages/${work}/claim`, {}, bob)).body.claim;
    const done = { token, result: { body: "x", payload: { announcement: {} } } };
    const refused = await ask("POST", `/v1/messages/${work}/complete`, done, bob);
    expect(refused.body).toMatchObject({ code: "reserved", errors: [{ pointer: "/result/payload/announcement" }] });
    expect((await ask("GET", `/v1/messages/${work}`)).body.state).toBe("claimed");

    const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "do" }, eve)).body.id;
    const answer = { text: "x", payload: { command: {} } };
    expect((await ask("POST", `/v1/delegations/${asked}/response`, answer, bob)).body.code).toBe("reserved");

    const pair = (await ask("POST", "/v1/pairs", { target: "bob" }, eve)).body.id;
    await ask("POST", `/v1/pairs/${pair}/accept`, {}, bob);
    const said = { body: "x", payload: { approval: {} } };
    expect((await ask("POST", `/v1/pairs/${pair}/messages`, said, bob)).body.code).toBe("reserved");
  });

  test("members that only the relay writes are refused in what a channel's adapter reports", async () => {
    const { event } = await startChannel();
    expect(await event({ meta: { schedule: {} } })).toMatchObject({ status: 422, body: { code: "reserved" } });
  });
});

test("a worker asks back by a verb: its question is a request in the thread, and answers nothing", async () => {
  const { ask, eve, bob } = await startPair();
  const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "do" }, eve)).body;
  const body = { text: "Which branch?", question: true };
  expect((await ask("POST", `/v1/delegations/${asked.id}/progress`, body, bob)).body.status).toBe("pending");
  const { items } = (await ask("GET", "/v1/agents/eve/inbox", undefined, eve)).body;
  expect(items).toMatchObject([{ kind: "request", from: "bob", replyTo: asked.messageId, body: "Which branch?" }]);
});

describe("source", () => {
  test("source says who is behind a message, whatever name it is in", async () => {
    const { ask, eve, bob, pass, clock } = await startPair();
    const send = async (draft: object, how = {}) =>
      (await ask("POST", "/v1/messages", { body: "x", ...draft }, how)).body;
    expect(await send({ to: "bob" }, eve)).toMatchObject({ from: "eve", source: "agent" });
    expect(await send({ to: "bob" })).toMatchObject({ from: "user", source: "person" });
    expect(await send({ from: "system", to: "bob" })).toMatchObject({ from: "system", source: "person", kind: "chat" });
    const at = new Date(clock.now() + 60_000).toISOString();
    await ask("POST", "/v1/schedules", { at, message: { to: "bob", body: "tick" } }, eve);
    await ask("PUT", "/v1/integrations/ci", { target: "bob" });
    await ask("POST", "/v1/integrations/ci/events", { title: "red" });
    await pass(61_000);
    const work = await send({ to: "bob", claimable: true, maxAttempts: 1 }, eve);
    const { token } = (await ask("POST", `/v1/messages/${work.id}/claim`, {}, bob)).body.claim;
    await ask("POST", `/v1/messages/${work.id}/fail`, { token, error: "no" }, bob);
    const of = async (query: string) => (await ask("GET", `/v1/messages?${query}`)).body.items[0];
    expect(await of("to=bob&from=system&kind=task")).toMatchObject({ source: "integration" });
    expect(await of("to=bob&q=tick")).toMatchObject({ from: "eve", source: "schedule" });
    expect(await of("to=eve")).toMatchObject({ from: "system", kind: "system", source: "relay" });
  });

  test("source of channel events, and of its adapter's plain messages, is the channel", async () => {
    const { ask, event, bind, agent, adapter } = await startChannel();
    await agent("a");
    await bind({ target: "a" });
    const { body } = await event();
    expect(body.messages).toMatchObject([{ from: TELEGRAM, kind: "channel.event", source: "channel" }]);
    const plain = await ask("POST", "/v1/messages", { to: "a", body: "I am here" }, adapter);
    expect(plain.body).toMatchObject({ kind: "chat", source: "channel" });
  });
});
