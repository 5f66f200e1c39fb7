import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { lookInto } from "../../support/database.ts";
import { listen } from "../../support/listen.ts";
import { connect } from "../../support/mcp.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { turns, until } from "../../support/until.ts";

async function withOffers() {
  const relay = await startRelay();
  const { ask } = relay;
  const ann = await relay.agent("ann");
  const bob = await relay.agent("bob", { tags: ["crew"] });
  return {
    ...relay,
    ann,
    bob,
    send: async (to = "bob") => (await ask("POST", "/v1/messages", { to, body: "x" }, ann)).body.id as number,
    ack: async (upTo: number) => (await ask("POST", "/v1/agents/bob/inbox/ack", { upTo }, bob)).body,
    sentence: async (id: number) =>
      (await ask("GET", `/v1/messages/${id}/explain`)).body.recipients[0].sentence as string,
  };
}

describe("offered means handed over", () => {
  test("offered means handed over by a poll, a stream, a socket: it says which, and when", async () => {
    const { send, sentence, ask, bob, ...relay } = await withOffers();
    const url = listen(relay);
    const byPoll = await send();
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    relay.clock.advance(1000);
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream?after=${byPoll}`, bob);
    await stream.first("hello");
    const byStream = await send();
    await stream.first("message");
    stream.close();
    await stream.ended;
    await until(async () => (await ask("GET", "/v1/agents/bob")).body.connections === 0);
    relay.clock.advance(1000);
    const socket = await openSocket(`${url}/v1/agents/bob/socket?after=${byStream}`, bob);
    await socket.first("hello");
    const bySocket = await send();
    await socket.first("message");
    expect(await sentence(byPoll)).toStartWith("offered to bob at 12:00:00Z by poll");
    expect(await sentence(byStream)).toStartWith("offered to bob at 12:00:01Z by stream");
    expect(await sentence(bySocket)).toStartWith("offered to bob at 12:00:02Z by socket");
  });

  test("an operator's or viewer's look at an inbox offers nothing, by whatever way", async () => {
    const { send, sentence, ask, ...relay } = await withOffers();
    const url = listen(relay);
    const id = await send();
    const { token } = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
    for (const who of [relay.relay.operatorToken, token]) {
      await ask("GET", "/v1/agents/bob/inbox", undefined, { token: who });
      const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, { token: who });
      await stream.first("message");
      const watch = await openStream(`${url}/v1/messages/stream?after=0`, { token: who });
      await watch.first("message");
    }
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, { token: relay.relay.operatorToken });
    await socket.first("message");
    relay.clock.advance(1000);
    expect(await sentence(id)).toStartWith("not offered to bob so far as is recorded");
  });

  test("an empty page, and a look or a stream whose filter leaves a message out, do not offer it", async () => {
    const { send, sentence, ask, bob, ann, ...relay } = await withOffers();
    const url = listen(relay);
    const id = await send();
    await ask("GET", `/v1/agents/bob/inbox?after=${id}`, undefined, bob);
    await ask("GET", "/v1/agents/bob/inbox?kind=task", undefined, bob);
    await ask("GET", "/v1/messages?kind=task", undefined, bob);
    const watch = await openStream(`${url}/v1/messages/stream?after=0&kind=task`, bob);
    await watch.first("hello");
    await ask("POST", "/v1/messages", { to: "bob", body: "x", claimable: true }, ann);
    await watch.first("message");
    expect(await sentence(id)).toStartWith("not offered to bob");
  });

  test("offered means handed over by every way that shows it: filtered looks, lists, search, history, watching", async () => {
    const ways: Record<string, (w: Awaited<ReturnType<typeof withOffers>>, id: number) => Promise<unknown>> = {
      "a filtered look": ({ ask, bob }) => ask("GET", "/v1/agents/bob/inbox?kind=chat", undefined, bob),
      "the list": ({ ask, bob }) => ask("GET", "/v1/messages", undefined, bob),
      "a search": async ({ relay, ask, bob }) => {
        await relay.settle();
        await ask("GET", "/v1/messages?q=x", undefined, bob);
      },
      history: ({ ask, bob }) => ask("GET", "/v1/history", undefined, bob),
      "history with traces": ({ ask, bob }) => ask("GET", "/v1/history?level=3", undefined, bob),
      "the history of MCP": async (w) => (await connect(w, w.bob.token)).call("history", {}),
      "one message by MCP": async (w, id) => (await connect(w, w.bob.token)).call("history", { message: id }),
      "a trace about it": ({ ask, bob }, id) =>
        ask("POST", `/v1/messages/${id}/traces`, [{ level: 2, type: "thinking", content: "so" }], bob),
      watching: async (w) => (await openStream(`${listen(w)}/v1/messages/stream?after=0`, w.bob)).first("message"),
      "watching by a filter": async (w) =>
        (await openStream(`${listen(w)}/v1/messages/stream?after=0&kind=chat`, w.bob)).first("message"),
    };
    for (const [way, show] of Object.entries(ways)) {
      const w = await withOffers();
      const id = await w.send();
      await show(w, id);
      expect([way, await w.sentence(id)]).toEqual([way, expect.stringMatching(/^offered to bob at 12:00:00Z/)]);
      await w.restart();
      expect([way, await w.sentence(id)]).toEqual([way, expect.stringMatching(/^offered to bob at 12:00:00Z/)]);
    }
  });

  test("offered means handed over by a look at the task or the delegation that it is the message of", async () => {
    for (const by of ["id", "list"] as const) {
      const { ask, ann, bob, sentence } = await withOffers();
      const task = (await ask("POST", "/v1/tasks", { title: "x", target: "bob" }, ann)).body;
      const asked = (await ask("POST", "/v1/delegations", { to: "bob", text: "x" }, ann)).body;
      const { token } = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
      for (const who of [ann, { token }])
        for (const path of [`tasks/${task.id}`, "tasks", `delegations/${asked.id}`, "delegations"])
          expect((await ask("GET", `/v1/${path}`, undefined, who)).status).toBe(200);
      for (const id of [task.messageId, asked.messageId]) expect(await sentence(id)).toStartWith("not offered to bob");
      for (const path of by === "list" ? ["tasks", "delegations"] : [`tasks/${task.id}`, `delegations/${asked.id}`])
        await ask("GET", `/v1/${path}`, undefined, bob);
      for (const id of [task.messageId, asked.messageId])
        expect(await sentence(id)).toStartWith("offered to bob at 12:00:00Z by lookup");
    }
  });

  test("a page that ends before it is no offer of what comes behind", async () => {
    const { send, sentence, ask, bob } = await withOffers();
    const ids = [await send(), await send(), await send()];
    await ask("GET", "/v1/agents/bob/inbox?limit=2", undefined, bob);
    expect(await sentence(ids[1] as number)).toStartWith("offered");
    expect(await sentence(ids[2] as number)).toStartWith("not offered");
  });

  test("what was offered is known after a restart, and the first offer is the one that is told", async () => {
    const { send, sentence, ask, bob, restart, clock } = await withOffers();
    const id = await send();
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    await restart();
    clock.advance(60_000);
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    expect(await sentence(id)).toStartWith("offered to bob at 12:00:00Z by poll");
    await restart();
    expect(await sentence(id)).toStartWith("offered to bob at 12:00:00Z by poll");
  });

  test("every message of a stream in a busy log is known to be offered, and those before it are not", async () => {
    const { send, sentence, ...relay } = await withOffers();
    const url = listen(relay);
    const before = await send();
    await relay.ask("POST", "/v1/agents/bob/inbox/ack", { upTo: before }, relay.bob);
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, relay.bob);
    await stream.first("hello");
    const mine: number[] = [];
    for (let i = 0; i < 30; i++) {
      await send("ann");
      mine.push(await send(i % 2 ? "bob" : "tag:crew"));
      if (i % 10 === 0) relay.clock.advance(1000);
    }
    await stream.until((so) => so.ids().length >= 30);
    for (const id of mine) expect(await sentence(id)).toStartWith("offered to bob");
    expect(await sentence(before)).toStartWith("acknowledged at 12:00:00Z");
  });
});

test("polling the same page again and again within a second is one record, with the time of the first", async () => {
  const { send, sentence, ask, bob, clock, config, restart } = await withOffers();
  const id = await send();
  for (let i = 0; i < 50; i++) {
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    clock.advance(10);
  }
  await restart();
  const file = join(config.dataDir, "signalbox.db");
  expect(lookInto(file, (sqlite) => sqlite.query("select count(*) from offers").values())).toEqual([[1]]);
  expect(await sentence(id)).toStartWith("offered to bob at 12:00:00Z by poll");
});

test("a stream in a busy log costs one record a second, however often others are written to in between", async () => {
  const { send, ...relay } = await withOffers();
  const url = listen(relay);
  const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, relay.bob);
  await stream.first("hello");
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 20; i++) {
      await send("ann");
      await send();
    }
    await stream.until((so) => so.ids().length >= 20 * (second + 1));
    relay.clock.advance(1000);
    await turns();
  }
  const file = join(relay.config.dataDir, "signalbox.db");
  await relay.restart();
  const rows = lookInto(file, (sqlite) => sqlite.query("select after_id, up_to_id from offers order by id").values());
  expect(rows).toEqual([
    [0, 40],
    [40, 80],
    [80, 120],
  ]);
});

describe("what an acknowledgement skipped", () => {
  test("what an acknowledgement skipped is what was for the agent and never offered", async () => {
    const { send, ack, ask, bob } = await withOffers();
    await send();
    await send("ann");
    await send("tag:crew");
    await ask("POST", "/v1/messages", { to: "tag:crew", body: "own" }, bob);
    const last = await send();
    expect(await ack(last)).toEqual({ cursor: last, skipped: 3 });
    expect(await ack(last)).toEqual({ cursor: last, skipped: 0 });
  });

  test("what an acknowledgement skipped is nothing of what was offered, by any way, before a restart or after", async () => {
    const { send, ack, ask, bob, restart } = await withOffers();
    const ids = [await send(), await send("tag:crew"), await send()];
    await ask("GET", "/v1/agents/bob/inbox?limit=2", undefined, bob);
    await restart();
    expect(await ack(ids[1] as number)).toEqual({ cursor: ids[1], skipped: 0 });
    const more = [await send(), await send()];
    await ask("GET", `/v1/agents/bob/inbox?after=${more[0]}`, undefined, bob);
    expect(await ack(more[1] as number)).toEqual({ cursor: more[1], skipped: 2 });
  });

  test("what an acknowledgement skipped counts what comes in between two streams", async () => {
    const { send, ack, ...relay } = await withOffers();
    const url = listen(relay);
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, relay.bob);
    await stream.first("hello");
    await send();
    await stream.first("message");
    stream.close();
    await until(async () => (await relay.ask("GET", "/v1/agents/bob")).body.connections === 0);
    const missed = await send();
    const again = await openStream(`${url}/v1/agents/bob/inbox/stream?after=${missed}`, relay.bob);
    await again.first("hello");
    const last = await send();
    await again.first("message");
    expect(await ack(last)).toEqual({ cursor: last, skipped: 1 });
  });
});

describe("the recipients of a group", () => {
  test("the recipients of a group are told page by page, by id, without gaps or repeats; the sender is not among them", async () => {
    const { ask, agent, ann, clock } = await withOffers();
    for (let i = 0; i < 23; i++) await agent(`w-${String(i).padStart(2, "0")}`, { tags: ["crew"] });
    await ask("PATCH", "/v1/agents/ann", { tags: ["crew"] }, ann);
    const id = (await ask("POST", "/v1/messages", { to: "tag:crew", body: "x" }, ann)).body.id as number;
    await agent("late", { tags: ["crew"] });
    clock.advance(1000);
    const seen: string[] = [];
    for (let page = ""; ; ) {
      const { body } = await ask("GET", `/v1/messages/${id}/explain?limit=5${page}`, undefined, ann);
      seen.push(...body.recipients.map((one: { agentId: string }) => one.agentId));
      if (body.nextPage === null) break;
      page = `&page=${body.nextPage}`;
    }
    expect(seen).toEqual(["bob", ...Array.from({ length: 23 }, (_, i) => `w-${String(i).padStart(2, "0")}`)]);
  });
});
