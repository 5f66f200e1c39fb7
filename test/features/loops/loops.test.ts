import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

const LIMIT = 10;
const WINDOW_MS = 1_800_000;
const NAMES = ["ann", "ben", "cleo", "dan"];

async function withAgents(overrides = {}) {
  const relay = await startRelay({ loopLimit: LIMIT, threadRate: 0, durability: "normal", ...overrides });
  const { ask } = relay;
  const tokens = new Map<string, { token: string }>();
  for (const id of NAMES) tokens.set(id, await relay.agent(id, { tags: ["team"] }));
  const read = new Map<string, number>();
  async function reads(id: string) {
    const path = `/v1/agents/${id}/inbox?after=${read.get(id) ?? 0}&limit=500`;
    read.set(id, (await ask("GET", path, undefined, tokens.get(id))).body.next);
  }
  /** Reads what has come, as agents do, and speaks. */
  async function send(from: string, to: string, fields: object = {}) {
    await reads(from);
    return ask("POST", "/v1/messages", { to, body: `${from} to ${to}`, ...fields }, tokens.get(from));
  }
  return {
    ...relay,
    reads,
    send,
    of: (id: string) => tokens.get(id) as { token: string },
    /** Each writes to the next, round and round, until one is refused: answers the last that was stored, and the refusal. */
    async round(names: string[], most = 100, naming = false) {
      let last: number | undefined;
      for (let i = 0; i < most; i++) {
        const [from = "", to = ""] = [names[i % names.length], names[(i + 1) % names.length]];
        const sent = await send(from, to, naming && last !== undefined ? { replyTo: last } : {});
        if (sent.status !== 201) return { stored: i, last: last as number, refused: sent };
        last = sent.body.id;
      }
      return { stored: most, last: last as number, refused: undefined };
    },
    loops: async (query = "") => (await ask("GET", `/v1/loops${query}`)).body.items,
    notices: async (id: string) =>
      (await ask("GET", `/v1/messages?to=${id}&from=system`)).body.items.map(
        (item: { subject: string }) => item.subject,
      ),
  };
}

describe("a chain of messages by agents alone", () => {
  test("a chain of messages by agents alone that is paused lets no request for a pair through either, until it is resumed", async () => {
    const { round, ask, of } = await withAgents();
    await round(["ann", "ben"]);
    const pair = (from: string, target: string) => ask("POST", "/v1/pairs", { target }, of(from));
    expect((await pair("ann", "ben")).body).toMatchObject({ status: 429, code: "loop-paused" });
    expect((await pair("ann", "cleo")).status).toBe(201);
    await ask("POST", "/v1/loops/1/resume");
    expect((await pair("ann", "ben")).status).toBe(201);
  });

  test.each([
    ["two that answer each other", ["ann", "ben"], true],
    ["two that never say what they answer", ["ann", "ben"], false],
    ["three in a ring", ["ann", "ben", "cleo"], true],
    ["three in a ring that never say what they answer", ["ann", "ben", "cleo"], false],
    ["four in a ring that never say what they answer", NAMES, false],
  ])("a chain of messages by agents alone is paused at its limit: %s", async (_, names, naming) => {
    const { round, loops, notices } = await withAgents();
    const { stored, last, refused } = await round(names, 100, naming);
    expect(stored).toBe(LIMIT);
    expect(refused?.body).toMatchObject({ status: 429, code: "loop-paused" });
    const [loop] = await loops();
    expect(loop).toMatchObject({ rootId: 1, kind: "chain", status: "paused", messageId: last, streak: LIMIT });
    const said = ["The chain of message 1 is paused"];
    for (const id of ["user", loop.from, loop.to]) expect(await notices(id)).toEqual(said);
    expect(await loops("?status=resumed")).toEqual([]);
  });

  test("a chain of messages by agents alone refuses nothing else: others, other chains, answers to persons", async () => {
    const { round, send, ask } = await withAgents();
    await round(["ann", "ben"], 100, true);
    expect((await send("cleo", "ann")).status).toBe(201);
    expect((await send("cleo", "dan")).status).toBe(201);
    const person = (await ask("POST", "/v1/messages", { to: "ann", body: "How is it going?" })).body.id;
    expect((await send("ann", "user", { replyTo: person })).status).toBe(201);
    expect((await send("ann", "ben", { causedBy: person })).status).toBe(201);
  });

  test("a chain of messages by agents alone is refused only until its time has passed, where nobody says that it belongs to it", async () => {
    const { round, send, pass } = await withAgents();
    const { refused } = await round(["ann", "ben", "cleo"]);
    const seconds = Number(refused?.headers.get("retry-after"));
    expect(seconds).toBe(WINDOW_MS / 1000);
    await pass(WINDOW_MS - 1);
    expect((await send("ben", "cleo")).status).toBe(429);
    await pass(1);
    expect((await send("ben", "cleo")).status).toBe(201);
  });

  test("a named chain is refused until a person has seen to it, however long that takes", async () => {
    const { round, send, pass } = await withAgents();
    const { last, refused } = await round(["ann", "ben"], 100, true);
    expect(refused?.headers.get("retry-after")).toBeNull();
    await pass(10 * WINDOW_MS);
    expect((await send("ann", "ben", { replyTo: last })).status).toBe(429);
  });

  test("answering the relay's notice of a paused chain leads not past it", async () => {
    const { round, send, ask } = await withAgents();
    await round(["ann", "ben"], 100, true);
    const [notice] = (await ask("GET", "/v1/messages?to=ann&from=system")).body.items;
    expect((await send("ann", "ben", { replyTo: notice.id })).status).toBe(429);
  });

  test("a slow regular exchange is no loop, nor is one with a person in between", async () => {
    const { send, ask, pass, loops } = await withAgents();
    for (let i = 0; i < 3 * LIMIT; i++) {
      expect((await send(i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben")).status).toBe(201);
      await pass(WINDOW_MS);
    }
    for (let i = 0; i < 3 * LIMIT; i++) {
      if (i % 5 === 0) await ask("POST", "/v1/messages", { to: i % 2 ? "ben" : "ann", body: "Go on" });
      expect((await send(i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben")).status).toBe(201);
    }
    expect(await loops()).toEqual([]);
  });

  test("what a channel brings in is a person's word", async () => {
    const { send, ask, loops } = await withAgents();
    const channel = { provider: "telegram", accountId: "x" };
    await ask("PUT", "/v1/agents/telegram:x", { name: "X", kind: "channel", channel });
    const { token } = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "telegram:x" })).body;
    for (let i = 0; i < 3 * LIMIT; i++) {
      if (i % 6 === 0) await ask("POST", "/v1/messages", { to: "ann", body: "Go on" }, { token });
      expect((await send(i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben")).status).toBe(201);
    }
    expect(await loops()).toEqual([]);
  });

  test("one sender, and many that report to one, are no loop", async () => {
    const { send, loops } = await withAgents();
    await send("ann", "ben");
    for (let i = 0; i < 3 * LIMIT; i++) {
      expect((await send("ben", "ann")).status).toBe(201);
      expect((await send("cleo", "ann")).status).toBe(201);
    }
    expect(await loops()).toEqual([]);
  });

  test("adding to one's own words is no loop; answering oneself for ever is", async () => {
    const { send, loops } = await withAgents();
    let last = (await send("ann", "ben")).body.id;
    for (let i = 0; i < 3 * LIMIT; i++) {
      const sent = await send("ann", i % 2 ? "ben" : "cleo", { replyTo: last });
      expect(sent.status).toBe(201);
      last = sent.body.id;
    }
    expect(await loops()).toEqual([]);
    let refused = 0;
    for (let i = 0; i < 3 * LIMIT; i++) {
      const sent = await send("dan", "dan", i === 0 ? {} : { replyTo: last });
      if (sent.status === 429) refused++;
      else last = sent.body.id;
    }
    expect(refused).toBe(2 * LIMIT);
  });

  test("asking one after the other, and being answered, is no loop", async () => {
    const { ask, of, loops } = await withAgents();
    const round = async () => {
      const asked = await ask("POST", "/v1/delegations", { to: "ben", text: "and this?" }, of("ann"));
      if (asked.status !== 201) return asked.body.code;
      await ask("POST", `/v1/delegations/${asked.body.id}/response`, { text: "done" }, of("ben"));
      return "answered";
    };
    const rounds: string[] = [];
    for (let i = 0; i < LIMIT + 2; i++) rounds.push(await round());
    expect(rounds).toEqual(Array(LIMIT + 2).fill("answered"));
    expect(await loops()).toEqual([]);
  });

  test("a loop of who always answers the first message is noticed too, after a minute", async () => {
    const { send, pass, loops } = await withAgents();
    const root = (await send("ann", "ben")).body.id;
    let refused = 0;
    await pass(60_000);
    for (let i = 0; i < 3 * LIMIT; i++)
      if ((await send(i % 2 ? "ann" : "ben", i % 2 ? "ben" : "ann", { replyTo: root })).status === 429) refused++;
    expect(refused).toBeGreaterThan(LIMIT);
    expect(await loops()).toMatchObject([{ status: "paused" }]);
  });

  test("holding work of somebody else's hides no loop", async () => {
    const { send, ask, of, loops } = await withAgents();
    const work = (await ask("POST", "/v1/messages", { to: "ann", body: "do it", claimable: true })).body.id;
    await ask("POST", `/v1/messages/${work}/claim`, {}, of("ann"));
    let refused = 0;
    for (let i = 0; i < 3 * LIMIT; i++)
      if ((await send(i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben")).status === 429) refused++;
    expect(refused).toBeGreaterThan(LIMIT);
    expect(await loops()).toHaveLength(1);
  });

  test("a loop through a group is noticed where its agents say what they answer", async () => {
    const { send } = await withAgents();
    let last: number | undefined;
    let stored = 0;
    for (let i = 0; i < 3 * LIMIT; i++) {
      const sent = await send(NAMES[i % 4] as string, "tag:team", last === undefined ? {} : { replyTo: last });
      if (sent.status === 429) break;
      last = sent.body.id;
      stored++;
    }
    expect(stored).toBe(LIMIT);
  });

  test("with the limit of loops at 0 nothing is paused", async () => {
    const { round, loops } = await withAgents({ loopLimit: 0 });
    expect((await round(["ann", "ben"], 50, true)).stored).toBe(50);
    expect(await loops()).toEqual([]);
  });
});

describe("what is owed is never swallowed", () => {
  test("the result of work, and the answer to a delegation, named or by replying, are never swallowed by a paused chain", async () => {
    const { round, ask, of, reads, send } = await withAgents();
    const { last } = await round(["ann", "ben"], LIMIT - 2, true);
    const draft = { to: "ben", body: "do it", claimable: true, replyTo: last };
    const work = (await ask("POST", "/v1/messages", draft, of("ann"))).body.id;
    const more = { to: "ann", text: "and this?", threadId: last };
    await reads("ben");
    const asked = (await ask("POST", "/v1/delegations", more, of("ben"))).body;
    const on = await send("ben", "ann", { replyTo: work });
    if (on.status === 201) await send("ann", "ben", { replyTo: on.body.id });
    expect((await send("ben", "ann", { causedBy: work })).status).toBe(429);
    const { claim } = (await ask("POST", `/v1/messages/${work}/claim`, {}, of("ben"))).body;
    const done = await ask("POST", `/v1/messages/${work}/complete`, { token: claim.token, result: "done" }, of("ben"));
    expect(done.body.message.state).toBe("done");
    const answer = await send("ann", "ben", { replyTo: asked.messageId });
    expect(answer.status).toBe(201);
    expect((await ask("GET", `/v1/delegations/${asked.id}`)).body.status).toBe("answered");
  });

  test("words of the relay itself are never swallowed by a paused chain", async () => {
    const { round, ask, of, pass, notices } = await withAgents();
    const { last } = await round(["ann", "ben"], LIMIT - 1, true);
    const draft = { to: "ben", body: "soon", replyTo: last, expiresAt: "2026-03-01T12:05:00Z" };
    expect((await ask("POST", "/v1/messages", draft, of("ann"))).status).toBe(201);
    await pass(300_000);
    expect(await notices("ann")).toContain(`Message ${last + 1} expired`);
  });
});

describe("a paused chain goes on", () => {
  test("a paused chain goes on when an operator resumes it, and counts anew from there", async () => {
    const { round, send, ask, loops, notices, of } = await withAgents();
    const { last } = await round(["ann", "ben"], 100, true);
    expect((await ask("POST", "/v1/loops/1/resume", undefined, of("ann"))).status).toBe(403);
    expect((await ask("POST", "/v1/loops/99/resume")).status).toBe(404);
    expect((await ask("POST", "/v1/loops/1/resume")).body).toMatchObject({ rootId: 1, status: "resumed" });
    expect((await ask("POST", "/v1/loops/1/resume")).body).toMatchObject({ rootId: 1, status: "resumed" });
    expect(await notices("ann")).toEqual(["The chain of message 1 goes on", "The chain of message 1 is paused"]);
    let at = last;
    let stored = 0;
    for (let i = 0; i < 3 * LIMIT; i++) {
      const sent = await send(i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben", { replyTo: at });
      if (sent.status !== 201) break;
      at = sent.body.id;
      stored++;
    }
    expect(stored).toBe(LIMIT);
    expect(await loops("?status=paused")).toMatchObject([{ rootId: 1, messageId: at }]);
    const verbs = (await ask("GET", "/v1/activity?verb=loop.resumed")).body.items;
    expect(verbs).toHaveLength(1);
  });

  test("a paused chain goes on when a person writes into it", async () => {
    const { round, send, ask, loops } = await withAgents();
    const { last } = await round(["ann", "ben"], 100, true);
    const [notice] = (await ask("GET", "/v1/messages?to=user&from=system")).body.items;
    await ask("POST", "/v1/messages", { to: "ann", body: "Go on", replyTo: notice.id });
    expect(await loops()).toMatchObject([{ status: "resumed", resumedBy: "user" }]);
    expect((await send("ann", "ben", { replyTo: last })).status).toBe(201);
  });

  test("G7: a restart between any two steps changes nothing for a paused chain", async () => {
    const world = await withAgents();
    await world.round(["ann", "ben"], LIMIT - 1, true);
    await world.restart();
    const reached = await world.send("ben", "ann", { replyTo: LIMIT - 1 });
    expect(reached.status).toBe(201);
    await world.restart();
    const { id } = reached.body;
    expect((await world.send("ann", "ben", { replyTo: id })).status).toBe(429);
    await world.restart();
    await world.ask("POST", "/v1/loops/1/resume");
    await world.restart();
    expect((await world.send("ann", "ben", { replyTo: id })).status).toBe(201);
    expect(await world.notices("user")).toEqual(["The chain of message 1 goes on", "The chain of message 1 is paused"]);
  });

  test("the story of a paused chain says so, and metrics count it", async () => {
    const { round, ask } = await withAgents();
    const { last } = await round(["ann", "ben"], 100, true);
    await ask("POST", "/v1/loops/1/resume");
    const { facts } = (await ask("GET", `/v1/messages/${last}/explain`)).body;
    expect(facts).toContainEqual(expect.objectContaining({ step: "paused", rootId: 1, kind: "chain", streak: LIMIT }));
    expect(facts).toContainEqual(expect.objectContaining({ step: "resumed", rootId: 1 }));
    const metrics = (await ask("GET", "/metrics")).body;
    expect(metrics).toContain('signalbox_loops_total{kind="chain",event="paused"} 1');
    expect(metrics).toContain('signalbox_loops_total{kind="chain",event="resumed"} 1');
  });
});

describe("a thread with too many quick replies by one agent", () => {
  const RATE = 5;

  test("a thread with too many quick replies by one agent is paused until there are fewer, and people are told once", async () => {
    const { send, pass, loops, notices } = await withAgents({ loopLimit: 0, threadRate: RATE });
    const root = (await send("ann", "ben")).body.id;
    const reply = () => send("ben", "ann", { replyTo: root });
    for (let i = 0; i < RATE; i++) expect((await reply()).status).toBe(201);
    const refused = await reply();
    expect(refused.body).toMatchObject({ status: 429, code: "loop-paused" });
    expect(refused.headers.get("retry-after")).toBe("60");
    expect(await loops()).toMatchObject([{ rootId: root, kind: "thread", status: "paused" }]);
    for (const id of ["user", "ann", "ben"]) expect(await notices(id)).toEqual([`Thread ${root} is paused`]);
    await pass(60_000);
    expect(await loops()).toMatchObject([{ kind: "thread", status: "ended" }]);
    const again = (await send("ben", "ann", { replyTo: root })).body.id;
    for (let i = 0; i < 2 * RATE; i++) await send("ann", "ben", { replyTo: again });
    expect((await send("ann", "ben", { replyTo: again })).status).toBe(429);
    expect(await notices("user")).toHaveLength(1);
  });

  test("many that answer at once are not held up, nor is work in one thread", async () => {
    const { ask, agent, send, of, clock } = await withAgents({ loopLimit: 0, threadRate: RATE });
    const question = (await send("ann", "tag:team")).body.id;
    for (let i = 0; i < RATE - 1; i++)
      for (const id of NAMES.slice(1)) expect((await send(id, "ann", { replyTo: question })).status).toBe(201);
    const planner = await agent("planner");
    let replyTo: number | undefined;
    for (let i = 0; i < 3 * RATE; i++) {
      const job = await ask("POST", "/v1/messages", { to: "ben", body: "go", claimable: true, replyTo }, planner);
      expect(job.status).toBe(201);
      replyTo = job.body.id;
      const { claim } = (await ask("POST", `/v1/messages/${replyTo}/claim`, {}, of("ben"))).body;
      const done = { token: claim.token, result: "done" };
      expect((await ask("POST", `/v1/messages/${replyTo}/complete`, done, of("ben"))).status).toBe(200);
      clock.advance(1000);
    }
    // Its results do not count against what the worker says of the job.
    expect((await send("ben", "planner", { replyTo })).status).toBe(201);
  });

  test("persons and other threads are not held up", async () => {
    const { send, ask } = await withAgents({ loopLimit: 0, threadRate: RATE });
    const root = (await send("ann", "ben")).body.id;
    for (let i = 0; i < 2 * RATE; i++) await send("ben", "ann", { replyTo: root });
    expect((await ask("POST", "/v1/messages", { to: "ann", body: "Stop", replyTo: root })).status).toBe(201);
    const other = (await send("ann", "ben")).body.id;
    expect((await send("ben", "ann", { replyTo: other })).status).toBe(201);
  });
});
