import { describe, expect, test } from "bun:test";
import { type Office, openChat, startOffice } from "../../support/announcements.ts";
import type { Worker } from "../../support/work.ts";

const ADA = { requester: { agentId: "ada" } };
const MINUTE = 60_000;

/** Unread messages, as a model is shown them. */
const unread = async ({ ask }: Office, by: Worker): Promise<{ unread: number; text: string }> =>
  (await ask("GET", `/v1/agents/${by.id}/inbox/digest?budget=4000`, undefined, by)).body;

describe("a result that comes late", () => {
  /** A run that was given up, and whose result comes after that. */
  async function late(meanwhile: (office: Office) => Promise<unknown>) {
    const office = await startOffice();
    const { ada, bob, asked, finish, pass } = office;
    const run = await asked(ada, bob, ADA);
    await pass(121_000);
    await meanwhile(office);
    await finish(bob, run, { result: "It works." });
    return { ...office, run };
  }

  test("it takes the place of the failure that nobody has read", async () => {
    const office = await late(async () => undefined);
    const { ada, run, ofRun, announced } = office;
    expect(await ofRun(run)).toMatchObject([
      { state: "dismissed", reason: "superseded", late: false },
      { state: "sent", late: true, turnId: run.turnId },
    ]);
    expect(await announced(ada)).toMatchObject([{ settled: true }, { body: "It works." }]);
    const shown = await unread(office, ada);
    expect(shown.unread).toBe(1);
    expect(shown.text).toContain("It came late: the run had been given up.");
  });

  test("it follows the failure that the requester was handed", async () => {
    const office = await late(({ ask, ada }) => ask("GET", "/v1/agents/ada/inbox", undefined, ada));
    expect(await office.ofRun(office.run)).toMatchObject([
      { state: "sent", late: false },
      { state: "sent", late: true },
    ]);
    expect((await unread(office, office.ada)).unread).toBe(2);
  });

  test("in a chat it takes the place of a post that waits, and follows one that the adapter took", async () => {
    const office = await startOffice();
    const { bob, run, finish, pass, ofRun } = office;
    const chat = await openChat(office, "telegram:main");
    const message = await chat.event();
    const requester = { conversation: message.payload.conversation };
    const waits = await run(bob, { messageId: message.id, requester, sessionKey: "a" });
    await pass(121_000);
    await finish(bob, waits, { result: "One." });
    expect(await ofRun(waits)).toMatchObject([{ reason: "superseded" }, { state: "sent" }]);
    const [first] = await chat.claim();
    expect(first?.message.payload.text).toBe("One.");
    if (first) await chat.end(first, "complete", { externalIds: ["1"] });
    const taken = await run(bob, { messageId: message.id, requester, sessionKey: "b" });
    await pass(121_000);
    const [failed] = await chat.claim();
    await finish(bob, taken, { result: "Two." });
    if (failed) await chat.end(failed, "complete", { externalIds: ["2"] });
    const [second] = await chat.claim();
    expect([failed?.message.payload.text, second?.message.payload.text]).toEqual([
      "The task failed: Its runner was not heard of any more.",
      "Two.",
    ]);
    expect(await ofRun(taken)).toMatchObject([{ state: "acknowledged", externalIds: ["2"] }, { state: "sent" }]);
  });

  test("silence that comes late leaves the failure as it is", async () => {
    const { ada, bob, asked, finish, pass, ofRun } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await pass(121_000);
    await finish(bob, run, { silent: true });
    expect(await ofRun(run)).toMatchObject([{ state: "sent" }, { state: "silent", late: true }]);
  });
});

describe("a run that waits for runs that it asked for", () => {
  /** Parent of ada, asked for by user, with a child of bob; the parent's own turn is over. */
  async function waiting(fields: Record<string, unknown> = {}) {
    const office = await startOffice();
    const { ada, bob, asked, finish } = office;
    const parent = await asked(undefined, ada, { requester: { agentId: "user" }, label: "Parent", ...fields });
    const child = await asked(ada, bob, { parentId: parent.id, cause: "spawn", label: "Child" });
    await finish(ada, parent, { result: "Asked bob." });
    return { ...office, parent, child };
  }

  test("nothing goes out while its children are unsettled", async () => {
    const { parent, ofRun, announced, see } = await waiting();
    expect(await see(parent)).toMatchObject({ status: "waiting" });
    expect(await ofRun(parent)).toMatchObject([{ state: "waiting", messageId: null, endedAt: null }]);
    expect(await announced("user")).toEqual([]);
  });

  test("it is woken once with the findings, and its last answer alone goes out", async () => {
    const { ada, bob, parent, child, take, finish, ofRun, announced, words } = await waiting();
    await finish(bob, child, { result: "Built." });
    expect((await words(ada)).at(-1)).toMatchObject({ do: "wake", findings: [{ runId: child.id }] });
    expect(await ofRun(parent)).toMatchObject([{ state: "dismissed", reason: "superseded" }]);
    const woken = await take(ada, parent);
    await finish(ada, woken, { result: "Shipped." });
    expect(await ofRun(parent)).toMatchObject([{ state: "dismissed" }, { state: "sent", turnId: woken.turnId }]);
    const [message, ...more] = await announced("user");
    expect(more).toEqual([]);
    expect(message).toMatchObject({ body: "Shipped.", payload: { announcement: { findings: [] } } });
    expect(await announced(ada)).toMatchObject([{ from: "bob", body: "Built." }]);
  });

  test("a wake that nobody takes in 30 minutes: its own result goes out with the findings", async () => {
    const { bob, parent, child, finish, ofRun, announced, pass } = await waiting();
    await finish(bob, child, { result: "Built." });
    await pass(31 * MINUTE);
    const [message, ...more] = await announced("user");
    expect(more).toEqual([]);
    expect(message.body).toBe("Asked bob.");
    expect(message.payload.announcement.findings).toEqual([
      {
        ...{ runId: child.id, agentId: "bob", label: "Child", task: "Look into it.", status: "ok", statusText: null },
        result: { text: "Built.", cut: false },
      },
    ]);
    expect((await ofRun(parent)).map(({ state }) => state)).toEqual(["dismissed", "sent"]);
  });

  test("without a wake it ends with its own result when the last child has ended", async () => {
    const { bob, parent, child, finish, ofRun, announced } = await waiting({ wakeOnSettle: false });
    await finish(bob, child, { result: "Built." });
    expect(await announced("user")).toMatchObject([{ body: "Asked bob." }]);
    expect(await ofRun(parent)).toMatchObject([{ state: "sent" }]);
  });

  test("a failed child settles it as well, and its findings say so", async () => {
    const { bob, child, does, announced, pass } = await waiting();
    await does(bob, child, "finish", { outcome: "error", error: "exit 1" }, child);
    await pass(31 * MINUTE);
    expect((await announced("user"))[0].payload.announcement.findings).toMatchObject([
      { status: "error", statusText: "exit 1", result: { text: "(no output)" } },
    ]);
  });
});

describe("a woken run", () => {
  async function woken(fields: Record<string, unknown> = {}) {
    const office = await startOffice();
    const { ada, bob, asked, take, finish } = office;
    const parent = await asked(undefined, ada, { requester: { agentId: "user" }, ...fields });
    const child = await asked(ada, bob, { parentId: parent.id, cause: "spawn" });
    await finish(ada, parent, { result: "My answer." });
    await finish(bob, child, { result: "Built." });
    return { ...office, parent: await take(ada, parent) };
  }

  test("one that has nothing to add stands by its answer, also where a result is owed", async () => {
    for (const expectsResult of [false, true]) {
      const { ada, parent, finish, announced, ofRun } = await woken({ expectsResult });
      await finish(ada, parent, { result: "NO_REPLY" });
      expect(await announced("user")).toMatchObject([{ body: "My answer." }]);
      expect((await ofRun(parent)).map(({ state }) => state)).toEqual(["dismissed", "sent"]);
    }
  });

  test("one that fails then does not hand out its earlier answer", async () => {
    const { ada, parent, does, announced } = await woken();
    await does(ada, parent, "finish", { outcome: "error", error: "exit 1", result: "" }, parent);
    expect(await announced("user")).toMatchObject([
      { body: "(no output)", payload: { announcement: { status: "error", statusText: "exit 1" } } },
    ]);
  });

  test("it is woken once: what it asks for after that goes out with its answer", async () => {
    const { ada, bob, clock, parent, asked, finish, announced } = await woken();
    const second = await asked(ada, bob, { parentId: parent.id, cause: "spawn", label: "Second" });
    await finish(ada, parent, { result: "One more." });
    clock.advance(1000);
    await finish(bob, second, { result: "Checked." });
    const [message, ...more] = await announced("user");
    expect([message.body, more.length]).toEqual(["One more.", 0]);
    expect(message.payload.announcement.findings).toMatchObject([{ label: "Second", result: { text: "Checked." } }]);
  });
});

describe("an aborted run", () => {
  test("its requester hears of an abort by somebody else, with the reason, once", async () => {
    const { ada, bob, asked, run: ask, does, announced, ofRun } = await startOffice();
    const running = await asked(ada, bob, ADA);
    await does(undefined, running, "abort", { reason: "No longer needed." });
    await does(bob, running, "finish", { outcome: "aborted" }, running);
    await does(undefined, await ask(ada, { agentId: "bob", ...ADA }), "abort");
    const own = await asked(ada, bob, ADA);
    await does(bob, own, "finish", { outcome: "aborted", error: "Interrupted." }, own);
    const heard = (await announced(ada)).map(({ payload }) => payload.announcement);
    expect(heard.map(({ status, statusText }) => [status, statusText])).toEqual([
      ["aborted", "No longer needed."],
      ["aborted", null],
      ["aborted", "Interrupted."],
    ]);
    expect(await ofRun(running)).toMatchObject([{ state: "sent", requester: { agentId: "ada" } }]);
  });

  test("a requester whose unread result somebody else withdraws hears of that instead", async () => {
    const office = await startOffice();
    const { ada, bob, asked, finish, does, announced, ofRun } = office;
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    for (let n = 0; n < 2; n++) await does(undefined, run, "abort", { reason: "Wrong branch." });
    expect((await ofRun(run)).map(({ state, reason }) => [state, reason])).toEqual([
      ["dismissed", "aborted"],
      ["sent", null],
    ]);
    expect((await unread(office, ada)).unread).toBe(1);
    const last = (await announced(ada)).at(-1);
    expect(last).toMatchObject({ body: "(no output)", payload: { announcement: { statusText: "Wrong branch." } } });
  });

  test("it announces nothing to the requester that stopped it, and the row says why", async () => {
    const { ada, bob, asked, does, announced, ofRun } = await startOffice();
    const run = await asked(ada, bob, ADA);
    expect((await does(ada, run, "abort")).body.status).toBe("stopping");
    await does(bob, run, "finish", { outcome: "aborted" }, run);
    expect(await announced(ada)).toEqual([]);
    expect(await ofRun(run)).toMatchObject([{ state: "dismissed", reason: "aborted", messageId: null }]);
  });

  test("a finish that comes after the abort stands, and is announced", async () => {
    const { ada, bob, asked, does, finish, announced, pass } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await does(ada, run, "abort");
    await finish(bob, run, { result: "Just in time." });
    const other = await asked(ada, bob, ADA);
    await does(ada, other, "abort");
    await pass(16_000);
    await finish(bob, other, { result: "Too late, but whole." });
    expect((await announced(ada)).map(({ body }) => body)).toEqual(["Just in time.", "Too late, but whole."]);
  });

  test("a waiting one takes its pending announcement with it, and its children's", async () => {
    const { ada, bob, asked, finish, does, announced, ofRun } = await startOffice();
    const parent = await asked(undefined, ada, { requester: { agentId: "user" } });
    const child = await asked(ada, bob, { parentId: parent.id, cause: "spawn" });
    await finish(ada, parent, { result: "Asked bob." });
    await does(undefined, parent, "abort");
    await does(bob, child, "finish", { outcome: "aborted" }, child);
    expect(await ofRun(parent)).toMatchObject([{ state: "dismissed", reason: "aborted" }]);
    expect(await ofRun(child)).toMatchObject([{ state: "dismissed", reason: "aborted" }]);
    expect([await announced("user"), await announced(ada)]).toEqual([[], []]);
  });

  test("an abort after the end dismisses the result that nobody has read", async () => {
    const office = await startOffice();
    const { ada, bob, cid, asked, finish, does, ofRun } = office;
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    expect((await does(cid, run, "abort")).status).toBe(403);
    expect((await does(ada, run, "abort")).body).toMatchObject({ status: "ended" });
    expect(await ofRun(run)).toMatchObject([{ state: "dismissed", reason: "aborted" }]);
    expect((await unread(office, ada)).unread).toBe(0);
  });

  test("an aborted second turn leaves the result of the first", async () => {
    const { ada, bob, asked, take, finish, does, ofRun, announced } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "First." });
    expect((await does(ada, run, "messages", { text: "Once more." })).body.mode).toBe("started");
    const second = await take(bob, run);
    await does(ada, run, "abort");
    await does(bob, second, "finish", { outcome: "aborted" }, second);
    expect(await ofRun(run)).toMatchObject([{ state: "sent" }, { state: "dismissed", reason: "aborted" }]);
    expect((await announced(ada)).map(({ body, settled }) => [body, settled ?? false])).toEqual([["First.", false]]);
  });
});

describe("a later turn", () => {
  test("its result takes the place of the one before that nobody has read, and its silence does not", async () => {
    const { ada, bob, asked, take, finish, does, announced, pass } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "First." });
    for (const body of [{ result: "Second." }, { silent: true }]) {
      await pass(3000);
      await does(ada, run, "messages", { text: "Once more." });
      await finish(bob, await take(bob, run), body);
    }
    const left = (await announced(ada)).filter(({ settled }) => !settled);
    expect(left.map(({ body }) => body)).toEqual(["Second."]);
  });
});

describe("a deleted worker", () => {
  test("its runs fail, and each requester hears of it once", async () => {
    const { ask, ada, bob, asked, announced } = await startOffice();
    await asked(ada, bob, ADA);
    await ask("DELETE", "/v1/agents/bob");
    expect(await announced(ada)).toMatchObject([
      { from: "bob", payload: { announcement: { status: "error", statusText: "bob was deleted." } } },
    ]);
  });
});

describe("restarts", () => {
  test("G1: a nested story with a restart between any two steps: every message once", async () => {
    const office = await startOffice();
    const { ask, ada, bob, cid, restart, ofRun, announced, ackUpTo } = office;
    const chat = await openChat(office, "telegram:main", "ada");
    const event = await chat.event();
    const requester = { conversation: event.payload.conversation };
    const step = async <T>(done: Promise<T>): Promise<T> => {
      const value = await done;
      await restart();
      return value;
    };
    const spawn = (parentId: string) => ({ parentId, cause: "spawn" });
    const parent = await step(office.run(ada, { messageId: event.id, requester }));
    const child = await step(office.asked(ada, bob, spawn(parent.id)));
    const grandchild = await step(office.asked(bob, cid, spawn(child.id)));
    await step(office.finish(ada, parent, { result: "Asked." }));
    await step(office.finish(bob, child, { result: "Asked on." }));
    await step(office.finish(cid, grandchild, { result: "Counted." }));
    const woken = await step(office.take(bob, child));
    await step(office.finish(bob, woken, { result: "Built." }));
    const last = await step(office.take(ada, parent));
    await step(office.finish(ada, last, { result: "Shipped." }));
    expect((await announced(bob)).map(({ body }) => body)).toEqual(["Counted."]);
    expect((await announced(ada)).map(({ body }) => body)).toEqual(["Built."]);
    for (const by of [ada, bob]) await step(ackUpTo(by, (await announced(by)).at(-1).id));
    const [held, ...more] = await step(chat.claim());
    expect([held?.message.payload.text, more.length]).toEqual(["Shipped.", 0]);
    if (held) await step(chat.end(held, "complete", { externalIds: ["m-1"] }));
    for (const run of [parent, child, grandchild])
      expect((await ofRun(run)).at(-1)).toMatchObject({ state: "acknowledged" });
    expect((await ask("GET", "/v1/messages?kind=announcement")).body.items).toHaveLength(3);
    expect(await chat.claim()).toEqual([]);
  });

  test("the number of blocked ones is known after a restart", async () => {
    const { ask, ada, bob, asked, finish, restart } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await ask("DELETE", "/v1/agents/ada");
    await finish(bob, run, { result: "Done." });
    await restart();
    expect((await ask("GET", "/metrics")).body).toContain("signalbox_announcements_blocked 1");
  });
});
