import { describe, expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";
import { listen } from "../../support/listen.ts";
import { connect, type Peer } from "../../support/mcp.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream, type TestStream } from "../../support/stream.ts";
import { Paused, startWorld, type World } from "../../support/talk.ts";

const LIMIT = 10;
const MANY = 4 * LIMIT;
const world = () => startWorld({ loopLimit: LIMIT, loopWindowSeconds: 1800 });
const turn = (i: number): [string, string] => (i % 2 ? ["b", "a"] : ["a", "b"]);

/** How many were stored before one was refused. */
async function stored(say: (i: number) => Promise<unknown>, most = MANY): Promise<number> {
  for (let i = 0; i < most; i++) {
    try {
      await say(i);
    } catch (error) {
      if (error instanceof Paused) return i;
      throw error;
    }
  }
  return most;
}

describe("mail counts, by whatever route it came:", () => {
  type Route = (w: World) => Promise<(name: string, newest: number) => Promise<unknown>>;
  const tokenOf = async (w: World, name: string) => (await w.of(name))?.token ?? "";

  const ROUTES: Record<string, Route> = {
    "a poll": async (w) => async (name) =>
      w.relay.ask("GET", `/v1/agents/${name}/inbox?after=0`, undefined, await w.of(name)),
    "a digest, as hooks and runs read it": async (w) => async (name) =>
      w.relay.ask("GET", `/v1/agents/${name}/inbox/digest`, undefined, await w.of(name)),
    "an acknowledgement": async (w) => async (name, upTo) =>
      w.relay.ask("POST", `/v1/agents/${name}/inbox/ack`, { upTo }, await w.of(name)),
    "a tool of MCP": async (w) => {
      const peers = new Map<string, Peer>();
      return async (name) => {
        if (!peers.has(name)) peers.set(name, await connect(w.relay, await tokenOf(w, name)));
        return peers.get(name)?.call("inbox", {});
      };
    },
    "a stream": async (w) => {
      const url = await listen(w.relay);
      const streams = new Map<string, TestStream>();
      return async (name, newest) => {
        const path = `${url}/v1/agents/${name}/inbox/stream?after=0`;
        if (!streams.has(name)) streams.set(name, await openStream(path, { token: await tokenOf(w, name) }));
        await streams.get(name)?.until((stream) => newest === 0 || stream.ids().includes(newest));
        // The relay notes it once the kernel has the bytes.
        await Bun.sleep(5);
      };
    },
  };

  test.each(Object.entries(ROUTES))("mail counts, by whatever route it came: %s", async (_, route) => {
    const w = await world();
    for (const name of ["a", "b"]) {
      w.silent.add(name);
      await w.of(name);
    }
    const read = await route(w);
    let newest = 0;
    const count = await stored(async (i) => {
      const [from, to] = turn(i);
      await read(from, newest);
      newest = (await w.send(from, to)).id;
    });
    expect(count).toBe(LIMIT);
  });

  test.each([["a claim", false] as const, ["a claim before a restart", true] as const])(
    "mail counts, by whatever route it came: %s",
    async (_, restarts) => {
      const w = await world();
      for (const name of ["a", "b"]) w.silent.add(name);
      let job = await w.job("a", "b");
      const count = await stored(async (i) => {
        const [from, to] = turn(i + 1);
        await w.complete(from, job, false);
        if (restarts) await w.relay.restart();
        job = await w.job(from, to);
      });
      expect(count).toBe(LIMIT - 1);
    },
  );

  test("mail that was delivered by no route counts nothing, after a restart as before", async () => {
    const w = await world();
    w.silent.add("b");
    for (let i = 0; i < MANY; i++) {
      await w.send("a", "b");
      await w.send("b", "a");
      if (i % LIMIT === 0) await w.relay.restart();
    }
    await w.reads("b");
  });
});

describe("causedBy: null", () => {
  test("causedBy: null leaves out what is named and held: a new subject is not refused while the old one is paused", async () => {
    const w = await world();
    let last = await w.send("a", "b");
    await stored(async (i) => {
      last = await w.send(...turn(i + 1), { replyTo: last });
    });
    const to = last.from;
    const by = last.to;
    await expect(w.send(by, to, { replyTo: last })).rejects.toBeInstanceOf(Paused);
    await expect(w.send(by, to, { causedBy: null })).rejects.toBeInstanceOf(Paused);
    w.tick(60_001);
    await expect(w.send(by, to)).rejects.toBeInstanceOf(Paused);
    const fresh = await w.send(by, to, { causedBy: null });
    const { body } = await w.relay.ask("GET", `/v1/messages/${fresh.id}`);
    expect(body).toMatchObject({ causedBy: null, rootId: fresh.id, hops: 0 });
  });

  test("causedBy: null says to a refused sender when it may speak again", async () => {
    const w = await world();
    await stored((i) => w.send(...turn(i)));
    await w.reads("a");
    const path = "/v1/messages";
    const plain = await w.relay.ask("POST", path, { to: "b", body: "and?" }, await w.of("a"));
    expect([plain.status, plain.headers.get("retry-after")]).toEqual([429, "1800"]);
    const apart = await w.relay.ask("POST", path, { to: "b", body: "and?", causedBy: null }, await w.of("a"));
    expect([apart.status, apart.headers.get("retry-after")]).toEqual([429, "60"]);
  });

  test("causedBy: null is something else than leaving it out, also under an idempotency key", async () => {
    const { ask, agent } = await startRelay({ durability: "normal" });
    const a = await agent("a");
    await agent("b");
    const draft = { to: "b", body: "x", idempotencyKey: "k1" };
    expect((await ask("POST", "/v1/messages", { ...draft, causedBy: null }, a)).status).toBe(201);
    expect((await ask("POST", "/v1/messages", { ...draft, causedBy: null }, a)).status).toBe(200);
    expect((await ask("POST", "/v1/messages", draft, a)).body.code).toBe("idempotency-mismatch");
    // For every other field null says the same as leaving out.
    expect((await ask("POST", "/v1/messages", { ...draft, causedBy: null, topic: null }, a)).status).toBe(200);
    const planned = { ...draft, idempotencyKey: "k2", deliverAt: "2026-03-01T13:00:00Z" };
    expect((await ask("POST", "/v1/messages", { ...planned, causedBy: null }, a)).status).toBe(202);
    expect((await ask("POST", "/v1/messages", planned, a)).body.code).toBe("idempotency-mismatch");
  });

  test("causedBy: null is about: nothing for tools of MCP, and in the metadata of A2A", async () => {
    const w = await world();
    await stored((i) => w.send(...turn(i)));
    const token = (await w.of("a"))?.token ?? "";
    await w.reads("a");
    const peer = await connect(w.relay, token);
    const a2a = async (metadata: object) => {
      const message = { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text: "go" }], ...metadata };
      const body = { message, configuration: { returnImmediately: true } };
      const how = { token, headers: { "a2a-version": "1.0", "content-type": "application/json" } };
      return (await w.relay.ask("POST", "/a2a/b/message:send", body, how)).status;
    };
    const nothing = { metadata: { signalbox: { causedBy: null } } };
    // A ping-pong of the last minute is not hidden by it.
    for (const args of [{}, { about: "nothing" }])
      expect((await peer.call("send", { to: "b", text: "and?", ...args })).isError).toBe(true);
    expect((await peer.call("delegate", { to: "b", text: "and?", about: "nothing" })).isError).toBe(true);
    expect([await a2a({}), await a2a(nothing)]).toEqual([429, 429]);
    w.tick(60_001);
    expect((await peer.call("send", { to: "b", text: "and?" })).isError).toBe(true);
    expect(await a2a({})).toBe(429);
    expect((await peer.call("send", { to: "b", text: "and?", about: "nothing" })).isError).toBe(false);
    expect((await peer.call("delegate", { to: "b", text: "and?", about: "nothing" })).isError).toBe(false);
    expect(await a2a(nothing)).toBe(200);
    expect(await a2a({ metadata: { signalbox: { about: "nothing" } } })).toBe(200);
    expect(await a2a({ metadata: { signalbox: { causedBy: 1 } } })).toBe(400);
  });
});

describe("a message that ends work or a request", () => {
  test("a message that ends work or a request is never refused, and takes the count of what it ends; a second answer is a reply like any other", async () => {
    const w = await world();
    let last = await w.send("a", "b");
    for (let i = 1; i < LIMIT - 1; i++) last = await w.send(...turn(i), { replyTo: last });
    // The last turn that is left is a job; everything else is refused.
    const job = await w.job(last.to, last.from, { replyTo: last });
    const worker = job.to;
    await expect(w.send(worker, job.from, { replyTo: job })).rejects.toBeInstanceOf(Paused);
    await w.complete(worker, job);
    const { items } = (await w.relay.ask("GET", "/v1/loops")).body;
    expect(items).toMatchObject([{ status: "paused", messageId: job.id, streak: LIMIT }]);
  });

  test("the answer to a request at the limit goes through by each of its ways, once", async () => {
    for (const way of ["response", "reply", "claim"] as const) {
      const w = await world();
      if (way === "claim") w.groups.set("g", ["a", "c"]);
      let last = await w.send("a", "b");
      for (let i = 1; i < LIMIT - 1; i++) last = await w.send(...turn(i), { replyTo: last });
      const request = await w.ask("b", way === "claim" ? "g" : "a", { replyTo: last });
      const { body: loops } = await w.relay.ask("GET", "/v1/loops");
      expect(loops.items).toMatchObject([{ messageId: request.id, streak: LIMIT }]);
      if (way === "response") await w.answer("a", request);
      if (way === "reply") await w.send("a", "b", { replyTo: request });
      if (way === "claim") await w.complete("a", request);
      const { body } = await w.relay.ask("GET", `/v1/delegations/${request.delegation}`);
      expect(body.status).toBe("answered");
      await expect(w.send("a", "b", { replyTo: request })).rejects.toBeInstanceOf(Paused);
    }
  });

  test("a task that ends lets its maker give the next, however many", async () => {
    const { ask, agent, clock } = await startRelay({ durability: "normal", loopLimit: LIMIT });
    const p = await agent("p");
    const w = await agent("w");
    for (let i = 0; i < 2 * LIMIT; i++) {
      const made = await ask("POST", "/v1/tasks", { title: `${i}`, target: "w", body: "do it" }, p);
      expect(made.status).toBe(201);
      const { id } = made.body.task ?? made.body;
      const { claim } = (await ask("POST", `/v1/tasks/${id}/claim`, {}, w)).body;
      const ended = { status: "done", token: claim.token };
      expect((await ask("POST", `/v1/tasks/${id}/status`, ended, w)).status).toBe(200);
      await ask("GET", "/v1/agents/p/inbox?after=0&limit=500", undefined, p);
      clock.advance(1000);
    }
  });
});

describe("ended work", () => {
  const asker = "p";
  const worker = "w";
  const countOf = async (w: World, id: number) => {
    const { facts } = (await w.relay.ask("GET", `/v1/messages/${id}/explain`)).body;
    return facts.find(({ step }: { step: string }) => step === "paused")?.streak;
  };

  test("ended work is over for its asker at once, and for its worker a minute later", async () => {
    const w = await startWorld({ loopLimit: 2, loopWindowSeconds: 1800 });
    const first = await w.job(asker, worker);
    await w.complete(worker, first);
    // At a limit of 2 each message with a link pauses its chain.
    const second = await w.job(asker, worker);
    expect(await countOf(w, second.id)).toBeUndefined();
    const soon = await w.send(worker, asker);
    expect(await countOf(w, soon.id)).toBe(2);
    const later = await startWorld({ loopLimit: 2, loopWindowSeconds: 1800 });
    const job = await later.job(asker, worker);
    await later.complete(worker, job);
    later.tick(60_001);
    const report = await later.send(worker, asker);
    expect(await countOf(later, report.id)).toBeUndefined();
  });

  test("ended work is over for what was sent before its end alone", async () => {
    const w = await startWorld({ loopLimit: 2, loopWindowSeconds: 1800 });
    const job = await w.job(asker, worker);
    await w.complete(worker, job);
    w.tick(60_001);
    const after = await w.send(worker, asker, { replyTo: job });
    expect(await countOf(w, after.id)).toBeUndefined();
    expect(await countOf(w, (await w.send(asker, worker)).id)).toBe(2);
  });
});

describe("a bot in a chat", () => {
  const BOT = { sender: { id: "77", name: "Echo", isBot: true } };
  const PERSON = { sender: { id: "9", name: "Ada" } };

  async function chat() {
    const c = await startChannel({ loopLimit: LIMIT, loopWindowSeconds: 1800 });
    const helper = await c.agent("helper");
    await c.bind({ target: "helper" });
    const says = async (who: object, more: object = {}) => (await c.event({ ...who, text: "hi", ...more })).body;
    const answers = (replyTo: number) =>
      c.ask("POST", "/v1/messages", { to: TELEGRAM, body: "hi yourself", replyTo }, helper);
    return { ...c, helper, says, answers };
  }

  test.each([0, 5000, 70_000])(
    "a bot in a chat continues the chain: two that answer each other are paused, %d ms apart",
    async (gap) => {
      const { says, answers, clock, ask } = await chat();
      let posts = 0;
      let event = await says(BOT);
      while (event.routed === 1 && posts < MANY) {
        clock.advance(gap);
        const post = await answers(event.messages[0].id);
        if (post.status !== 201) break;
        posts++;
        clock.advance(gap);
        event = await says(BOT);
      }
      expect(posts).toBe(LIMIT / 2);
      // The event that would follow is kept for the operator, and nobody hears it.
      expect(event).toMatchObject({ routed: 0, messages: [{ to: "user", from: TELEGRAM }] });
      const again = await says(BOT, { externalId: "x1" });
      expect(again.routed).toBe(0);
      expect((await ask("GET", `/v1/channels/${TELEGRAM}/events?unbound=true`)).body.items).toHaveLength(2);
      expect((await ask("GET", "/v1/loops?status=paused")).body.items).toHaveLength(1);
    },
  );

  test("a bot in a chat is not counted in a chat where a person speaks in between, whatever the bot says next", async () => {
    const { says, answers } = await chat();
    for (let i = 0; i < 2 * LIMIT; i++) {
      const event = await says(i % 4 === 3 ? PERSON : BOT);
      expect(event.routed).toBe(1);
      if (i % 4 !== 3) expect((await answers(event.messages[0].id)).status).toBe(201);
    }
  });

  test("a bot in a chat is heard again when an operator resumes the chain, and what was kept can be replayed", async () => {
    const { says, answers, ask, bind } = await chat();
    let event = await says(BOT);
    while (event.routed === 1) {
      await answers(event.messages[0].id);
      event = await says(BOT);
    }
    const [loop] = (await ask("GET", "/v1/loops?status=paused")).body.items;
    expect((await ask("POST", `/v1/loops/${loop.rootId}/resume`)).status).toBe(200);
    expect(await bind({ target: "helper", replay: true })).toMatchObject({ replayed: 1 });
    expect((await says(BOT)).routed).toBe(1);
  });

  test("a bot in a chat goes on from what it replies to", async () => {
    const { says, answers, adapter, ask, claim } = await chat();
    let event = await says(PERSON);
    let posts = 0;
    while (event.routed === 1 && posts < MANY) {
      const post = await answers(event.messages[0].id);
      if (post.status !== 201) break;
      const [held] = await claim(1);
      const done = { token: held?.claim.token, externalIds: [`out-${posts}`] };
      await ask("POST", `/v1/messages/${held?.message.id}/complete`, done, adapter);
      event = await says(BOT, { replyToExternalId: `out-${posts}` });
      posts++;
    }
    expect(posts).toBe(LIMIT / 2);
  });
});
