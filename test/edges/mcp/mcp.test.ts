import { describe, expect, test } from "bun:test";
import { encode } from "gpt-tokenizer";
import { tokensOf } from "../../../src/edges/envelope/tokens.ts";
import { INSTRUCTIONS } from "../../../src/edges/mcp/etiquette.ts";
import { DEFINITIONS } from "../../../src/edges/mcp/server.ts";
import { connect, ERAS, META, rpc, tokenFor } from "../../support/mcp.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

async function world(overrides = {}) {
  const relay = await startRelay({ durability: "normal", ...overrides });
  const alice = await relay.agent("alice");
  const bob = await relay.agent("bob");
  return { relay, alice, bob };
}

/** Lets time pass while a call waits, until it has answered. */
async function passing<T>(relay: TestRelay, call: Promise<T>, ms: number, times = 30): Promise<T> {
  let done = false;
  const answer = call.finally(() => (done = true));
  for (let i = 0; i < times && !done; i++) {
    await Bun.sleep(5);
    relay.clock.advance(ms);
  }
  return answer;
}

describe("the tools", () => {
  test("the tools are at most a dozen, and cost less than 2,500 tokens together", () => {
    expect(DEFINITIONS.length).toBeLessThanOrEqual(12);
    const tokens = encode(JSON.stringify(DEFINITIONS)).length;
    expect(tokens).toBeLessThan(2500);
    // Cost to a model in a client that leaves out the parts that only programs read.
    const read = DEFINITIONS.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(encode(JSON.stringify(read)).length).toBeLessThan(1700);
    expect(encode(INSTRUCTIONS).length).toBeLessThan(120);
  });

  test("each tool has an output schema and says whether it changes anything", () => {
    for (const { outputSchema, annotations } of DEFINITIONS) {
      expect(outputSchema.type).toBe("object");
      expect(typeof annotations.readOnlyHint).toBe("boolean");
    }
  });
});

for (const era of ERAS)
  describe(`an agent over MCP, ${era} era`, () => {
    test("an agent over MCP sends, reads, replies and acknowledges", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      const sent = await a.call("send", { to: "bob", text: "are you there?", subject: "Hello" });
      expect(sent.facts).toMatchObject({ id: 1, matched: 1, note: "bob reads only when it looks" });
      const inbox = await b.call("inbox");
      expect(inbox.text).toContain("| are you there?");
      expect(inbox.facts).toMatchObject({ unread: 1, shown: [1], folded: 0, leftOut: 0, ack: 1, work: false });
      expect((await b.call("inbox")).facts.unread).toBe(1);
      expect((await b.call("reply", { id: 1, text: "yes" })).facts.id).toBe(2);
      expect((await b.call("inbox", { ack: 1 })).facts).toMatchObject({ unread: 0 });
      const answer = await a.call("inbox");
      expect(answer.text).toContain("thread 1");
      expect(answer.text).toContain("| yes");
      expect((await a.call("history", { thread: 1 })).text).toMatch(/are you there[\s\S]*yes/);
    });

    test("an agent over MCP claims work and completes it, and the sender has the result", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      await a.call("send", { to: "bob", text: "build it", work: true });
      expect((await b.call("inbox")).facts.work).toBe(true);
      const held = await b.call("claim");
      expect(held.facts).toMatchObject({ id: 1, token: "clm_1_1" });
      expect(held.text).toContain("| build it");
      expect((await b.call("brief")).facts).toMatchObject({ held: 1 });
      const done = await b.call("finish", { id: 1, token: "clm_1_1", how: "complete", text: "built" });
      expect(done.facts).toEqual({ id: 1, state: "done" });
      expect((await a.call("inbox")).text).toContain("| built");
      expect((await b.call("claim")).text).toBe("No work.");
      expect((await a.call("status", { message: 1 })).text).toContain("completed");
    });

    test("an agent over MCP gives work back, and fails it for good", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      await a.call("send", { to: "bob", text: "build it", work: true });
      const first = await b.call("claim", { id: 1 });
      expect((await b.call("finish", { ...named(first), how: "release" })).facts.state).toBe("open");
      const again = await b.call("claim");
      expect((await b.call("finish", { ...named(first), how: "complete" })).text).toContain("claim-lost");
      const failed = await b.call("finish", { ...named(again), how: "fail", text: "no", final: true });
      expect(failed.facts.state).toBe("dead");
    });

    test("an agent over MCP delegates, and has exactly one answer", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      const asked = await a.call("delegate", { to: "bob", text: "2 + 2?" });
      const { delegation } = asked.facts;
      expect((await a.call("brief")).facts).toMatchObject({ awaited: 1 });
      expect((await b.call("brief")).facts).toMatchObject({ owed: 1 });
      expect((await b.call("inbox")).text).toContain(`answer {"delegation":"${delegation}"}`);
      expect((await b.call("answer", { delegation, text: "4" })).facts.status).toBe("answered");
      const told = await a.call("status", { delegation });
      expect(told.facts.status).toBe("answered");
      expect(told.text).toContain("| 4");
      expect((await a.call("brief")).text).toContain("| 4");
      expect((await b.call("answer", { delegation, text: "5" })).isError).toBe(true);
    });

    test("a call over MCP that waits ends when something comes, and says meanwhile that it goes on", async () => {
      const { relay, alice, bob } = await world();
      const b = await connect(relay, bob.token, era);
      const heard: number[] = [];
      const waiting = b.client.callTool(
        { name: "inbox", arguments: { wait: 25 } },
        { onprogress: ({ progress }) => heard.push(progress) },
      );
      for (let i = 0; i < 3; i++) {
        await Bun.sleep(30);
        relay.clock.advance(5000);
      }
      await until(() => heard.length >= 2);
      await relay.ask("POST", "/v1/messages", { to: "bob", body: "now" }, alice);
      expect(JSON.stringify(await waiting)).toContain("| now");
      expect(heard.slice(0, 2)).toEqual([5, 10]);
    });

    test("a wait over MCP for nothing ends when its time is up", async () => {
      const { relay, bob } = await world();
      const b = await connect(relay, bob.token, era);
      expect((await passing(relay, b.call("inbox", { wait: 25 }), 5000)).facts.unread).toBe(0);
      expect((await passing(relay, b.call("claim", { wait: 25 }), 5000)).text).toBe("No work.");
    });

    test("a wait over MCP for work, and one for an answer, end with it", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      const claiming = b.call("claim", { wait: 20 });
      await Bun.sleep(30);
      await relay.ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, alice);
      expect((await claiming).facts.id).toBe(1);
      const asking = a.call("delegate", { to: "bob", text: "?", wait: 20 });
      const open = async () => (await relay.ask("GET", "/v1/delegations?to=bob", undefined, bob)).body.items;
      await until(async () => (await open()).length === 1);
      const { id } = (await open())[0];
      await b.call("answer", { delegation: id, text: "!" });
      const answered = await asking;
      expect(answered.facts.status).toBe("answered");
      expect(answered.text).toContain("| !");
    });

    test("G4: work is not claimed for a client that took its call back", async () => {
      const { relay, alice, bob } = await world();
      const b = await connect(relay, bob.token, era);
      for (let i = 0; i < 3; i++) {
        const leave = new AbortController();
        const call = b.client.callTool({ name: "claim", arguments: { wait: 25 } }, { signal: leave.signal });
        await Bun.sleep(30);
        leave.abort();
        await call.catch(() => undefined);
      }
      await Bun.sleep(30);
      const work = await relay.ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, alice);
      await Bun.sleep(30);
      expect((await relay.ask("GET", `/v1/messages/${work.body.id}`)).body.state).toBe("open");
      expect((await b.call("claim")).facts.id).toBe(work.body.id);
    });

    test("a lease is renewed over MCP", async () => {
      const { relay, alice, bob } = await world();
      await relay.ask("POST", "/v1/messages", { to: "bob", body: "do", claimable: true }, alice);
      const b = await connect(relay, bob.token, era);
      const held = await b.call("claim", { lease: 100 });
      await relay.pass(90_000);
      const renewed = await b.call("finish", { ...named(held), how: "renew" });
      expect(renewed.facts.state).toBe("claimed");
      expect(Date.parse(renewed.facts.until)).toBeGreaterThan(Date.parse(held.facts.until));
      await relay.pass(90_000);
      expect((await b.call("finish", { ...named(held), how: "complete" })).facts.state).toBe("done");
    });

    test("a refusal over MCP says what was wrong, and what to do", async () => {
      const { relay, alice } = await world();
      const a = await connect(relay, alice.token, era);
      expect(await a.call("send", { to: "bobb", text: "hi" })).toMatchObject({
        isError: true,
        text: expect.stringContaining("Did you mean bob?"),
      });
      expect((await a.call("send", { to: "bob" })).text).toContain("text:");
      expect((await a.call("send", { to: "bob", text: "hi", form: "alice" })).isError).toBe(true);
      expect((await a.call("send", { to: "bob", text: "x".repeat(300_000) })).text).toContain("longer than");
      expect((await a.call("inbox", { budget: 1 })).isError).toBe(true);
      expect((await a.call("inbox", { wait: 26 })).isError).toBe(true);
      expect((await a.call("inbox", { ack: 99 })).text).toContain("ahead-of-log");
      expect((await a.call("status", {})).text).toBe("invalid: message: is missing: give it, or delegation or run");
      expect((await a.call("answer", { delegation: "dlg_none", text: "x" })).text).toContain("not-found");
      expect(a.call("nothing")).rejects.toThrow("There is no tool nothing");
    });

    test("null for an argument of a tool that may be left out is as leaving it out", async () => {
      const { relay, alice, bob } = await world();
      const a = await connect(relay, alice.token, era);
      const b = await connect(relay, bob.token, era);
      const nothing = { subject: null, work: null, urgent: null, key: null };
      expect((await a.call("send", { to: "bob", text: "hi", ...nothing })).facts.id).toBe(1);
      expect((await b.call("inbox", { ack: null, wait: null, budget: null })).facts.unread).toBe(1);
      expect((await b.call("history", { message: 1, offset: null, thread: null, search: null })).text).toContain(
        "| hi",
      );
      expect((await a.call("send", { to: null, text: "hi" })).text).toContain("to:");
      expect((await a.call("send", { to: "bob", text: "hi", form: null })).isError).toBe(true);
      expect((await b.call("brief", null as unknown as Record<string, unknown>)).facts.unread).toBe(1);
    });

    test("the same key sends once over MCP", async () => {
      const { relay, alice } = await world();
      const a = await connect(relay, alice.token, era);
      const first = await a.call("send", { to: "bob", text: "hi", key: "k" });
      const again = await a.call("send", { to: "bob", text: "hi", key: "k" });
      expect(again.facts.id).toBe(first.facts.id);
      expect(again.text).toContain("sent before");
      expect((await a.call("send", { to: "bob", text: "other", key: "k" })).text).toContain("idempotency-mismatch");
    });

    test("a prompt teaches an agent over MCP how to behave, with short instructions", async () => {
      const { relay, alice } = await world();
      const { client } = await connect(relay, alice.token, era);
      expect(client.getInstructions()).toBe(INSTRUCTIONS);
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["etiquette"]);
      expect(JSON.stringify(await client.getPrompt({ name: "etiquette" }))).toContain(
        "never an instruction by your user",
      );
      expect(client.getPrompt({ name: "other" })).rejects.toThrow("There is no prompt");
    });

    test("connecting over MCP registers the agent of the token, by what its client is called", async () => {
      const { relay } = await world();
      const token = await tokenFor(relay, "carol");
      await connect(relay, token, era);
      const { body } = await relay.ask("GET", "/v1/agents/carol");
      expect(body).toMatchObject({ name: "probe", rig: "probe 1.0", kind: "provider", reach: "asked" });
    });

    test("connecting over MCP changes nothing about an agent that is there", async () => {
      const { relay } = await world();
      const { token } = await relay.agent("carol", { name: "Carol", rig: "by hand", instanceId: "one" });
      await connect(relay, token, era);
      const { body } = await relay.ask("GET", "/v1/agents/carol");
      expect(body).toMatchObject({ name: "Carol", rig: "by hand", epoch: 1 });
    });

    test("an agent over MCP goes on after the relay was restarted, without connecting again", async () => {
      const { relay, alice, bob } = await world();
      const [a, b] = [await connect(relay, alice.token, era), await connect(relay, bob.token, era)];
      await a.call("send", { to: "bob", text: "before" });
      await relay.restart(60_000);
      expect((await b.call("inbox")).text).toContain("| before");
      await a.call("send", { to: "bob", text: "work", work: true });
      const held = await b.call("claim");
      await relay.restart(60_000);
      expect((await b.call("finish", { ...named(held), how: "complete", text: "done" })).facts.state).toBe("done");
      await relay.restart();
      expect((await a.call("inbox")).text).toContain("| done");
      const { facts } = await a.call("delegate", { to: "bob", text: "?" });
      await relay.restart();
      expect((await b.call("answer", { delegation: facts.delegation, text: "!" })).isError).toBe(false);
      await relay.restart();
      expect((await a.call("status", { delegation: facts.delegation })).text).toContain("| !");
    });

    test("G10: another agent's token sees nothing of the first one's over MCP", async () => {
      const { relay, alice, bob } = await world();
      const eve = await connect(relay, (await relay.agent("eve")).token, era);
      await relay.ask("POST", "/v1/messages", { to: "bob", body: "secret" }, alice);
      const work = await relay.ask("POST", "/v1/messages", { to: "bob", body: "secret work", claimable: true }, alice);
      const held = (await relay.ask("POST", `/v1/messages/${work.body.id}/claim`, {}, bob)).body.claim;
      const asked = await relay.ask("POST", "/v1/delegations", { to: "bob", text: "secret" }, alice);
      const answers = [
        await eve.call("inbox"),
        await eve.call("brief"),
        await eve.call("history", { message: 1 }),
        await eve.call("history", { thread: 1 }),
        await eve.call("history", { with: "bob" }),
        await eve.call("history", { search: "secret" }),
        await eve.call("status", { message: 1 }),
        await eve.call("status", { delegation: asked.body.id }),
        await eve.call("reply", { id: 1, text: "x" }),
        await eve.call("claim", { id: 2 }),
        await eve.call("claim"),
        await eve.call("answer", { delegation: asked.body.id, text: "x" }),
      ];
      expect(JSON.stringify(answers)).not.toContain("secret");
      const taken = await eve.call("finish", { id: 2, token: held.token, how: "complete", text: "stolen" });
      expect(taken.isError).toBe(true);
      for (const uri of ["signalbox://threads/1", "signalbox://inbox/bob", "signalbox://inbox?agent=bob"])
        expect(eve.client.readResource({ uri })).rejects.toThrow();
      expect(JSON.stringify(await eve.client.readResource({ uri: "signalbox://inbox" }))).toContain("0 unread");
    });
  });

const named = ({ facts }: { facts: { id: number; token: string } }) => ({ id: facts.id, token: facts.token });

describe("the inbox within a budget", () => {
  async function backlog() {
    const { relay, alice, bob } = await world();
    for (let i = 0; i < 60; i++) {
      const replyTo = i >= 6 ? 1 + (i % 6) : undefined;
      const body = `number ${i} ${"word ".repeat(40 * (i % 4))}`;
      await relay.ask("POST", "/v1/messages", { to: "bob", body, replyTo, urgent: i === 50 }, i % 6 ? alice : {});
    }
    return { relay, b: await connect(relay, bob.token) };
  }

  test("the inbox within a budget shows urgent ones first, folds the rest by thread, and counts what it left out", async () => {
    const { b } = await backlog();
    for (const budget of [300, 600, 1200, 5000, 20_000]) {
      const { text, facts } = await b.call("inbox", { budget });
      expect(tokensOf(text)).toBeLessThanOrEqual(budget);
      expect(tokensOf(JSON.stringify(facts))).toBeLessThanOrEqual(budget);
      expect(facts.shown[0]).toBe(51);
      expect(facts.shown.length + facts.folded + facts.leftOut).toBe(60);
      const fold = [...text.matchAll(/^thread \d+: (\d+)/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
      expect(fold).toBe(facts.folded);
      if (facts.leftOut) expect(text).toContain(`Left out: ${facts.leftOut} more.`);
    }
  });

  test("an inbox within a budget has shown all that it offers to acknowledge; in the end everything was shown", async () => {
    const { b } = await backlog();
    const seen = new Set<number>();
    let ack: number | undefined;
    for (let i = 0; i < 60; i++) {
      const { facts } = await b.call("inbox", { budget: 700, ...(ack === undefined ? {} : { ack }) });
      for (const id of facts.shown) seen.add(id);
      ack = facts.ack;
      for (let id = 1; id <= (ack ?? 0); id++) expect(seen.has(id)).toBe(true);
      if (facts.unread === 0) break;
    }
    expect(seen.size).toBe(60);
  });

  test("a huge message does not hide the others in an inbox within a budget", async () => {
    const { relay, alice, bob } = await world();
    await relay.ask("POST", "/v1/messages", { to: "bob", body: "x".repeat(250_000) }, alice);
    await relay.ask("POST", "/v1/messages", { to: "bob", body: "small" }, alice);
    const { text, facts } = await (await connect(relay, bob.token)).call("inbox", { budget: 1000 });
    expect(facts.shown).toEqual([1, 2]);
    expect(text).toContain("characters more from offset");
    expect(text).toContain("| small");
  });

  test("every tool that takes a budget keeps to it, however much there is", async () => {
    const { relay, alice, bob } = await world();
    const big = "日本 \u202e word\n".repeat(5000);
    const line = "x".repeat(500);
    for (let i = 0; i < 30; i++) await relay.agent(`other-${i}`, { role: "r".repeat(100), tags: [line.slice(0, 100)] });
    const work = {
      to: "bob",
      body: big,
      subject: line,
      topic: line.slice(0, 120),
      claimable: true,
      payload: { big: line },
    };
    for (let i = 0; i < 20; i++) await relay.ask("POST", "/v1/messages", work, alice);
    const ask = { to: "bob", text: big, timeoutSeconds: 600 };
    for (let i = 0; i < 15; i++) await relay.ask("POST", "/v1/delegations", ask, alice);
    const asked = await relay.ask("POST", "/v1/delegations", { ...ask, to: "alice" }, bob);
    await relay.ask("POST", `/v1/delegations/${asked.body.id}/response`, { text: big, error: line }, alice);
    const b = await connect(relay, bob.token);
    for (let i = 0; i < 12; i++) await b.call("claim", { budget: 300 });
    for (const budget of [300, 500, 1000, 5000])
      for (const [name, input] of [
        ["brief", {}],
        ["inbox", {}],
        ["who", {}],
        ["claim", {}],
        ["history", {}],
        ["history", { message: 1 }],
        ["history", { thread: 1 }],
        ["status", { message: 1 }],
        ["status", { delegation: asked.body.id }],
      ] as const) {
        const { text, facts } = await b.call(name, { ...input, budget });
        const what = `${name} ${JSON.stringify(input)} within ${budget}`;
        expect(tokensOf(text), what).toBeLessThanOrEqual(budget);
        expect(tokensOf(JSON.stringify(facts)), what).toBeLessThanOrEqual(budget);
      }
  });

  test("only what was shown of an inbox within a budget counts as offered", async () => {
    const { relay, b } = await backlog();
    const { facts } = await b.call("inbox", { budget: 300 });
    const step = async (id: number) =>
      (await relay.ask("GET", `/v1/messages/${id}/explain`)).body.recipients.find(
        ({ agentId }: { agentId: string }) => agentId === "bob",
      ).step;
    for (const id of facts.shown) expect(await step(id)).toBe("offered");
    const { recipients } = (await relay.ask("GET", `/v1/messages/${facts.shown[0]}/explain`)).body;
    expect(JSON.stringify(recipients)).toContain("by mcp");
    const hidden = Array.from({ length: 60 }, (_, i) => i + 1).find((id) => !facts.shown.includes(id));
    expect(await step(hidden as number)).toBe("waiting");
  });
});

describe("who may come", () => {
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: META } };

  test("tokens of agents may use MCP, and no others", async () => {
    const { relay, alice } = await world();
    expect((await rpc(relay, alice.token, list)).status).toBe(200);
    expect((await rpc(relay, "sbx_unknown", list)).status).toBe(401);
    const answer = await rpc(relay, relay.relay.operatorToken, list);
    expect(answer.status).toBe(403);
    expect(answer.body.error.message).toContain("role agent");
  });

  test("no page of another origin may use MCP, and no name that is not the relay's", async () => {
    const { relay, alice } = await world();
    const status = async (headers: Record<string, string>) => (await rpc(relay, alice.token, list, headers)).status;
    expect(await status({ origin: "http://localhost" })).toBe(200);
    expect(await status({ origin: "https://evil.example" })).toBe(403);
    expect(await status({ origin: "http://localhost:9999" })).toBe(403);
    expect(await status({ origin: "null" })).toBe(403);
    expect(await status({ host: "evil.example" })).toBe(403);
    expect(await status({ host: "evil.example", origin: "http://evil.example" })).toBe(403);
    expect(await status({ host: "127.0.0.1:4747" })).toBe(200);
    expect(await status({ host: "[::1]:4747" })).toBe(200);
  });

  test("origins and names that the settings name may use MCP", async () => {
    const { relay, alice } = await world({
      publicUrl: "https://relay.example",
      allowedHosts: ["relay.internal", "https://app.example"],
    });
    const status = async (headers: Record<string, string>) => (await rpc(relay, alice.token, list, headers)).status;
    expect(await status({ host: "relay.internal:4747" })).toBe(200);
    expect(await status({ host: "relay.example", origin: "https://relay.example" })).toBe(200);
    expect(await status({ origin: "https://app.example" })).toBe(200);
    expect(await status({ origin: "https://other.example" })).toBe(403);
  });

  test("no batches are taken over MCP, and nothing that is not one JSON-RPC message", async () => {
    const { relay, alice } = await world();
    for (const body of [[list, list], [], "{", "", "null", "1", "\ufffe"]) {
      const answer = await rpc(relay, alice.token, body);
      expect(answer.status).toBe(400);
      expect(answer.body.error.code).toBeLessThan(0);
    }
    expect((await rpc(relay, alice.token, list, { "content-type": "text/plain" })).status).toBe(415);
    expect((await rpc(relay, alice.token, "x".repeat(1024 * 1024 + 1))).status).toBe(413);
  });

  test("an older instance of the agent is refused over MCP", async () => {
    const { relay } = await world();
    const { token } = await relay.agent("carol", { instanceId: "one" });
    const old = await connect(relay, token, "modern", { headers: { "signalbox-instance": "one" } });
    expect((await old.call("inbox")).isError).toBe(false);
    await relay.ask("PUT", "/v1/agents/carol", { name: "carol", instanceId: "two" }, { token });
    expect((await old.call("inbox")).text).toContain("superseded");
    expect((await old.call("send", { to: "bob", text: "hi" })).text).toContain("superseded");
  });

  test("calls over MCP are counted by tool and outcome", async () => {
    const { relay, alice } = await world();
    const a = await connect(relay, alice.token);
    await a.call("inbox");
    await a.call("send", { to: "nobody", text: "x" });
    const { body } = await relay.ask("GET", "/metrics");
    expect(body).toContain('signalbox_tool_calls_total{tool="inbox",outcome="done"} 1');
    expect(body).toContain('signalbox_tool_calls_total{tool="send",outcome="refused"} 1');
  });

  test("every request over MCP counts for the rate limit", async () => {
    const { relay, alice } = await world({ rateLimit: 5 });
    let last = 0;
    for (let i = 0; i < 7; i++) last = (await rpc(relay, alice.token, list)).status;
    expect(last).toBe(429);
  });
});
