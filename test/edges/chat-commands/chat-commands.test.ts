import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { wanted } from "../../support/approvals.ts";
import { type Claimed, startChannel, TELEGRAM } from "../../support/channel.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Shown = any;
const ADA = { id: "9", name: "Ada" };
const BO = { id: "5", name: "Bo" };

/**
 * Chats c1 and c2 are bound to `box-a` of the orchestrator `box`, whose daemon is played by the test. Ada is a guest everywhere, and Bo
 * one that approves. `says`: posts to the chats since the last look, each posted at once.
 */
async function world() {
  const made = await startChannel({ listed: true });
  const { ask, event, claim, adapter, bind } = made;
  const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const daemon = (await ask("POST", "/v1/tokens", draft)).body;
  const providers = [{ name: "claude", capabilities: [] }];
  const box = { hostname: "box", version: VERSION, baseDir: "/srv", approvalMode: "open", providers };
  await ask("PUT", "/v1/orchestrators/box", box, daemon);
  const enroll = async (id: string) => (await ask("PUT", `/v1/agents/${id}`, { name: id }, daemon)).body;
  const a = await enroll("box-a");
  await bind({ target: "box-a" });
  await ask("POST", `/v1/channels/${TELEGRAM}/guests`, { senderId: "9" });
  await ask("POST", `/v1/channels/${TELEGRAM}/guests`, { senderId: "5", approves: true });
  let last = 0;
  async function says(): Promise<Shown[]> {
    const found: Shown[] = [];
    for (;;) {
      const items: Claimed[] = await claim(50);
      for (const { message, claim: held } of items) {
        await ask("POST", `/v1/messages/${message.id}/complete`, { token: held.token }, adapter);
        found.push(message.payload);
      }
      if (items.length === 0) return found;
    }
  }
  const from = (sender: object, text: string, more: object = {}) => event({ sender, text, ...more });
  return {
    ...made,
    ...{ daemon, enroll, a, says, from },
    /** Texts that the relay answers to one line. */
    async answer(sender: object, text: string, more: object = {}): Promise<string[]> {
      expect((await from(sender, text, more)).body).toMatchObject({ routed: 0, messages: [{ to: "system" }] });
      return (await says()).map(({ text: said }) => said);
    },
    press: (sender: object, id: string, conversationId = "c1") =>
      event({ type: "button", text: undefined, button: { id, text: "x" }, sender, conversationId }),
    async session(name: string, more: object = {}) {
      const id = `ses_${++last}`;
      const place = { conversation: { channelId: TELEGRAM, conversationId: "c1" } };
      const body = { agentId: "box-a", provider: "claude", lane: "main", place, name, state: "working", ...more };
      const { status, body: said } = await ask("PUT", `/v1/sessions/${id}`, body, daemon);
      if (status > 201) throw new Error(JSON.stringify(said));
      return said;
    },
    /** Commands that the daemon has got, and its answer to the newest one. */
    async heard(): Promise<Shown[]> {
      const { items } = (await ask("GET", "/v1/agents/orchestrator-box/inbox?after=0", undefined, daemon)).body;
      return items.filter(({ payload }: Shown) => payload?.command);
    },
    async done(text?: string) {
      const [delegation] = (await ask("GET", "/v1/delegations?to=orchestrator-box&limit=1", undefined, daemon)).body
        .items;
      const body = { text: text ?? "", payload: { commandResult: {} } };
      const { status, body: said } = await ask("POST", `/v1/delegations/${delegation.id}/response`, body, daemon);
      if (status > 201) throw new Error(JSON.stringify(said));
    },
    inbox: async (id: string) => (await ask("GET", `/v1/agents/${id}/inbox?after=0`)).body.items,
  };
}

const idOf = (post: Shown, label: string): string =>
  post.buttons.flat().find((button: { text: string }) => button.text === label).id;

describe("commands in a chat", () => {
  test("commands in a chat are answered there, by the relay alone: no agent gets them", async () => {
    const here = await world();
    expect(await here.answer(ADA, "/sessions")).toEqual(["No running sessions."]);
    expect(await here.answer(ADA, "/SESSIONS  ", { threadId: "t" })).toEqual(["No running sessions."]);
    expect((await here.from(ADA, "/status now")).body).toMatchObject({
      routed: 1,
      messages: [{ body: "/status now" }],
    });
    expect((await here.from(ADA, "see /sessions")).body.routed).toBe(1);
    expect(await here.inbox("box-a")).toHaveLength(2);
    expect(await here.inbox("user")).toEqual([]);
    await here.from({ id: "666", name: "Eve" }, "/sessions");
    await here.from({ ...ADA, isBot: true }, "/sessions");
    expect(await here.says()).toEqual([]);
  });

  test("/sessions lists what runs, with time, queue and cost, the main one marked, and what ended within the hour", async () => {
    const here = await world();
    await here.session("fix-login", { queued: 2, usage: usage(0.421) });
    await here.session("docs", { lane: "background", state: "idle" });
    const old = await here.session("old");
    await here.ask("PUT", `/v1/sessions/${old.id}`, { ...draftOf(old), state: "dead" }, here.daemon);
    here.clock.jump(192_000);
    await here.from(ADA, "/sessions");
    const [post] = await here.says();
    expect(post.text).toBe(
      "▶ fix-login (3m 12s, 2 queued, $0.42) [main]\n- docs (3m 12s, idle)\n\nFinished within the last hour:\n✓ old (3m 12s ago)",
    );
    expect(post.buttons.flat().map(({ text }: Shown) => text)).toEqual(["fix-login", "docs", "Dismiss"]);
    here.clock.jump(3_600_000);
    expect((await here.answer(ADA, "/sessions"))[0]).not.toContain("old");
  });

  test("G14: a guest sees the sessions of its own chat; one that approves sees all of the bound agent", async () => {
    const here = await world();
    await here.session("mine");
    await here.session("theirs", { place: { conversation: { channelId: TELEGRAM, conversationId: "c2" } } });
    await here.session("desk", { place: "user" });
    const [ada] = await here.answer(ADA, "/sessions");
    expect([ada?.includes("mine"), ada?.includes("theirs"), ada?.includes("desk")]).toEqual([true, false, false]);
    const [bo] = await here.answer(BO, "/sessions");
    expect([bo?.includes("mine"), bo?.includes("theirs"), bo?.includes("desk")]).toEqual([true, true, true]);
    expect((await here.answer(ADA, "/peek theirs"))[0]).toBe("Session not found or already finished.");
    expect(await here.heard()).toEqual([]);
  });

  test("/peek and /stop go to the daemon, and its answer to the chat and thread that asked", async () => {
    const here = await world();
    const session = await here.session("fix-login");
    expect(await here.answer(ADA, "/peek", { threadId: "t" })).toEqual(["Peeking at fix-login…"]);
    expect((await here.heard())[0].payload).toMatchObject({
      command: { do: "peek", sessionId: session.id },
      spawnedBy: { agentId: "user" },
    });
    await here.done("Half of the tests pass.");
    expect(await here.says()).toMatchObject([
      { text: "[fix-login] Half of the tests pass.", conversation: { conversationId: "c1", threadId: "t" } },
    ]);
    expect(await here.answer(ADA, "/stop")).toEqual([]);
    expect((await here.heard())[1].payload.command).toEqual({ do: "interrupt", sessionId: session.id });
    await here.done();
    expect((await here.says())[0].text).toBe("Stopped fix-login.");
  });

  test("a daemon that does not answer is said in the chat", async () => {
    const here = await world();
    await here.session("fix-login");
    await here.answer(ADA, "/peek");
    await here.pass(181_000);
    const [post] = await here.says();
    expect(post.text).toStartWith("Couldn't peek fix-login: ");
  });

  test("G14: /hold stops everything for operators and members alone, and its answers are posted under the hold", async () => {
    const { ask, answer, a, bind, heard, session } = await world();
    await session("fix-login");
    await ask("PUT", "/v1/people/cy", {
      name: "Cy",
      role: "member",
      senders: [{ channelId: TELEGRAM, senderId: "7" }],
    });
    const cy = { id: "7", name: "Cy" };
    await bind({ target: "box-a" });
    for (const guest of [ADA, BO]) expect((await answer(guest, "/hold now"))[0]).toContain("Operators and members");
    expect(await answer(cy, "/hold")).toEqual(["Nothing is held. Hold everything: /hold and the reason"]);
    expect((await answer(cy, "/hold The disk is full"))[0]).toMatch(
      /^Everything is held \(hld_\w+\); 1 sessions were told/,
    );
    expect((await heard()).at(-1)?.payload.command).toMatchObject({ do: "hold" });
    expect((await ask("GET", "/v1/holds")).body.items).toMatchObject([{ person: "cy", reason: "The disk is full" }]);
    expect((await ask("POST", "/v1/runs", { task: "Go" }, a)).body.code).toBe("held");
    expect((await answer(cy, "/hold"))[0]).toContain("The disk is full");
    expect((await answer(cy, "/hold lift"))[0]).toContain("Lifted:");
    expect((await ask("POST", "/v1/runs", { task: "Go" }, a)).status).toBe(201);
  });

  test("G14: /kill, /clear and /approve are for guests that approve, and for operators and members", async () => {
    const here = await world();
    await here.session("fix-login");
    for (const line of ["/kill", "/kill fix-login", "/clear", "/approve"])
      expect((await here.answer(ADA, line))[0]).toStartWith("You may not do this here.");
    expect(await here.heard()).toEqual([]);
    expect(await here.answer(BO, "/kill fix")).toEqual([]);
    await here.done();
    expect((await here.says())[0].text).toBe("Killed fix-login.");
    const senders = [{ channelId: TELEGRAM, senderId: "9" }];
    await here.ask("PUT", "/v1/people/ada", { name: "Ada", role: "member", senders });
    expect(await here.answer(ADA, "/clear")).toEqual([]);
    const [, cleared] = await here.heard();
    expect(cleared.payload).toMatchObject({
      command: { do: "clear", agentId: "box-a", place: { conversation: { conversationId: "c1" } } },
      spawnedBy: { person: "ada" },
    });
    await here.done();
    expect((await here.says())[0].text).toBe("Cleared. The next message to box-a begins a new session.");
    await here.ask("PUT", "/v1/people/ada", { name: "Ada", role: "viewer", senders });
    expect((await here.answer(ADA, "/kill"))[0]).toStartWith("You may not do this here.");
  });

  test("/approve shows what the agent waits for, with its buttons, and never who wants to be let in", async () => {
    const here = await world();
    expect(await here.answer(BO, "/approve")).toEqual(["Nothing waits for an approval."]);
    const { id } = (await here.ask("POST", "/v1/approvals", wanted("npm publish"), here.a)).body;
    await here.from(BO, "/approve");
    const [card] = await here.says();
    expect(card.text).toContain("npm publish");
    await here.press(BO, card.buttons[0][0].id);
    expect((await here.ask("GET", `/v1/approvals/${id}`)).body).toMatchObject({ state: "answered" });
  });

  test("/model chooses for the turns of a chat or thread, and /bg asks for one beside the main session", async () => {
    const here = await world();
    const payload = async (text: string, more = {}) => (await here.from(ADA, text, more)).body.messages[0].payload;
    expect(await here.answer(ADA, "/model")).toEqual(["Model: default."]);
    expect(await here.answer(ADA, "/model opus")).toEqual(["Model: opus, from the next message on."]);
    expect(await payload("Hi")).toMatchObject({ model: "opus" });
    expect(await payload("Hi", { threadId: "t" })).toMatchObject({ model: "opus" });
    expect((await payload("Hi", { conversationId: "c2" })).model).toBeUndefined();
    await here.answer(ADA, "/model haiku", { threadId: "t" });
    expect(await payload("Hi", { threadId: "t" })).toMatchObject({ model: "haiku" });
    await here.answer(ADA, "/model default");
    expect((await payload("Hi")).model).toBeUndefined();
    expect((await here.answer(ADA, "/model two words"))[0]).toStartWith("Name one model");
    const [bg] = (await here.from(ADA, "/bg  Write the docs")).body.messages;
    expect(bg).toMatchObject({ to: "box-a", body: "Write the docs", payload: { background: true } });
    expect((await here.answer(ADA, "/bg"))[0]).toStartWith("Use: /bg");
    await here.event({ type: "moved", text: undefined, conversationId: "c1", movedTo: "c9" });
    expect(await payload("Hi", { conversationId: "c9", threadId: "t" })).toMatchObject({ model: "haiku" });
  });
});

describe("buttons of commands", () => {
  test("buttons of commands show a session, peek at it and kill it, each by whoever may", async () => {
    const here = await world();
    await here.session("fix-login", { model: "opus" });
    await here.from(ADA, "/sessions");
    const [list] = await here.says();
    await here.press(ADA, idOf(list, "fix-login"));
    const [detail] = await here.says();
    expect(detail.text).toMatch(/^fix-login \[main\]\nAgent: box-a\nModel: opus\nElapsed: 0s\nStatus: working$/);
    await here.press(ADA, idOf(detail, "Kill"));
    expect((await here.says())[0].text).toStartWith("You may not do this here.");
    await here.press(ADA, idOf(detail, "Peek"));
    await here.press(BO, idOf(detail, "Kill"));
    expect((await here.heard()).map(({ payload }) => payload.command.do)).toEqual(["peek", "kill"]);
    await here.press(ADA, idOf(detail, "Dismiss"));
    expect((await here.says()).at(-1)).toMatchObject({ text: "Dismissed.", edit: {} });
    await here.press(ADA, idOf(detail, "Peek"));
    expect(await here.says()).toEqual([]);
  });

  test("G14: a forged button, another chat's, an old one and a label like a command do nothing; none reaches an agent", async () => {
    const here = await world();
    const session = await here.session("kill:x");
    await here.from(BO, "/sessions");
    const [list] = await here.says();
    for (const forged of ["cmd_", `cmd_${"A".repeat(24)}`, "kill:x"]) await here.press(BO, forged);
    await here.press(BO, idOf(list, "kill:x"), "c2");
    await here.press({ id: "666", name: "Eve" }, idOf(list, "kill:x"));
    expect([await here.says(), await here.heard()]).toEqual([[], []]);
    await here.ask("PUT", `/v1/sessions/${session.id}`, { ...draftOf(session), state: "dead" }, here.daemon);
    await here.press(BO, idOf(list, "kill:x"));
    expect((await here.says())[0].text).toBe("Session not found or already finished.");
    expect((await here.inbox("box-a")).map(({ body }: Shown) => body)).toEqual(["x"]);
    const buttons = [[{ text: "Kill", id: "cmd_forged" }]];
    const forged = { to: TELEGRAM, body: "Press", payload: { conversation: { conversationId: "c1" }, buttons } };
    expect((await here.ask("POST", "/v1/messages", forged, here.a)).body.code).toBe("reserved");
  });
});

describe("one message to another agent", () => {
  test("one message to another agent of the binding goes to it by @agent or /ask, and its answer comes back under its name", async () => {
    const here = await world();
    const codex = await here.agent("codex", { name: "Codex" });
    await here.bind({ target: "box-a", also: ["codex"] });
    const [asked] = (await here.from(ADA, "@codex is this safe?", { threadId: "t" })).body.messages;
    expect(asked).toMatchObject({
      to: "codex",
      body: "is this safe?",
      route: { tier: "explicit", requested: "codex" },
    });
    await here.ask("POST", "/v1/messages", { to: TELEGRAM, body: "It is.", replyTo: asked.id }, codex);
    expect(await here.says()).toMatchObject([{ text: "Codex: It is.", conversation: { threadId: "t" } }]);
    expect((await here.from(ADA, "/ask codex and now?")).body.messages).toMatchObject([
      { to: "codex", body: "and now?" },
    ]);
    expect((await here.from(ADA, "@someone hi")).body.messages).toMatchObject([{ to: "box-a", body: "@someone hi" }]);
    expect((await here.answer(ADA, "/ask nobody hi"))[0]).toBe("Use: /ask agent text. Agents here: codex.");
    expect((await here.answer(ADA, "/agents"))[0]).toMatch(
      /^▶ box-a \(\w+\)\n- codex, Codex \(\w+\)\n\nFor one message/,
    );
    expect((await here.from({ id: "666", name: "Eve" }, "@codex obey")).body.routed).toBe(0);
  });

  test("the agents of a binding are kept when it is set again without them, and have to be there", async () => {
    const here = await world();
    await here.agent("codex");
    const put = (body: object) => here.ask("PUT", `/v1/channels/${TELEGRAM}/bindings`, { target: "box-a", ...body });
    expect((await put({ also: ["codex"] })).body.also).toEqual(["codex"]);
    expect((await put({})).body.also).toEqual(["codex"]);
    expect((await put({ also: ["nobody"] })).body.errors[0].pointer).toBe("/also/0");
    expect((await put({ also: ["box-a"] })).body.errors[0].pointer).toBe("/also/0");
    expect((await put({ also: [] })).body.also).toEqual([]);
  });
});

const usage = (costUsd: number) => {
  const amounts = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd };
  return { ...amounts, byModel: {} };
};

/** The draft of a session that was reported before. */
const draftOf = ({ agentId, provider, lane, place, name }: Shown) => ({ agentId, provider, lane, place, name });
