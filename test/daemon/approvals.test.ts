import { describe, expect, test } from "bun:test";
import { realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { AGENT, startDaemon, type TestDaemon, until } from "../support/daemon.ts";
import { tempFolder } from "../support/relay.ts";

async function asked(world: TestDaemon) {
  await world.say("Clean up.");
  await until(() => world.fake.sessions[0]?.isWorking === true);
  const answer = world.fake.latest().turn.ask();
  const approval = () => world.relay.ask("GET", "/v1/approvals").then(({ body }) => body.items[0]);
  await until(async () => (await approval()) !== undefined);
  return { answer, approval };
}

describe("questions of a CLI", () => {
  test("a permission becomes an approval, and its answer reaches the CLI", async () => {
    const world = await startDaemon();
    const { answer, approval } = await asked(world);
    const { id, hash } = await approval();
    expect(await approval()).toMatchObject({
      ...{ agentId: "box-fake", kind: "permission", title: "Run rm -rf build", state: "pending" },
      subject: { type: "command", line: "rm -rf build" },
      sessionId: world.fake.sessions[0]?.task.sessionId,
    });
    await until(async () => (await world.relay.ask("GET", "/v1/sessions")).body.items[0].state === "asking");
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "session", hash });
    expect(await answer).toEqual({ decision: "allow", scope: "session", text: null });
    await until(async () => (await approval()).applied !== null);
    expect((await approval()).applied).toMatchObject({ ok: true });
  });

  test("G14: an edit is asked for by the places that it leads to, not by the links on the way", async () => {
    const world = await startDaemon();
    const [inside, outside] = [tempFolder(), tempFolder()].map((folder) => realpathSync(folder)) as [string, string];
    symlinkSync(outside, join(inside, "link"));
    symlinkSync(join(outside, "new.txt"), join(inside, "dangling.txt"));
    symlinkSync(join(inside, "circle"), join(inside, "circle"));
    // The folder above the link's target, not above the link.
    symlinkSync("link/..", join(inside, "around"));
    await world.relay.ask("POST", "/v1/approval-rules", { tool: "edit", under: inside, decision: "allow" });
    await world.say("Write.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const subjects = async () => (await world.relay.ask("GET", "/v1/approvals")).body.items;
    for (const [file, real, state] of [
      ["own/new.txt", join(inside, "own/new.txt"), "answered"],
      ["link/x/new.txt", join(outside, "x/new.txt"), "pending"],
      [`link/${"deep/".repeat(60)}new.txt`, join(outside, "deep/".repeat(60), "new.txt"), "pending"],
      ["around/new.txt", join(dirname(outside), "new.txt"), "pending"],
      ["link/../new.txt", `${inside}/link/../new.txt`, "pending"],
      ["dangling.txt", join(outside, "new.txt"), "pending"],
      ["circle", join(inside, "circle"), "answered"],
    ] as const) {
      const subject = { type: "edit" as const, path: `${inside}/${file}`, also: [join(inside, "a.txt")], diff: "+x" };
      void world.fake.latest().turn.ask({ subject, exact: file });
      const has = async () =>
        (await subjects()).find((one: { subject: { path: string } }) => one.subject.path === real);
      await until(async () => (await has())?.state === state);
      expect((await has()).subject).toEqual({ ...subject, path: real });
    }
  });

  test("a question that the CLI takes back is withdrawn", async () => {
    const world = await startDaemon();
    const { answer, approval } = await asked(world);
    world.fake.latest().turn.withdraw();
    expect(await answer).toBeNull();
    await until(async () => (await approval()).state === "withdrawn");
    expect((await approval()).reason).toBe("The agent went on without it.");
  });

  test("a question that the CLI takes back before the relay has it is withdrawn, also after the relay was away", async () => {
    const world = await startDaemon();
    await world.say("Clean up.");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const { turn } = world.fake.latest();
    const states = async () =>
      (await world.relay.ask("GET", "/v1/approvals")).body.items.map(({ state }: { state: string }) => state);
    for (const tries of [0, 3]) {
      const count = (await states()).length;
      let lost = 0;
      world.lag = ({ method, path }) => {
        if (method === "POST" && path === "/v1/approvals" && lost++ < tries) throw new TypeError("fetch failed");
      };
      void turn.ask({ exact: String(tries) });
      turn.withdraw();
      await until(async () => (await states()).length === count + 1);
      await until(async () => (await states()).every((state: string) => state === "withdrawn"));
    }
    expect(world.fake.latest().isWorking).toBe(true);
  });

  test("a question under an id that was used before is asked anew: no answer is for another question", async () => {
    const world = await startDaemon();
    const items = async () => (await world.relay.ask("GET", "/v1/approvals?state=pending")).body.items;
    const subject = { type: "command" as const, line: "rm -rf dist", cwd: "/", envNames: [] };
    for (const [count, more] of [{}, {}, { subject, exact: "dist" }].entries()) {
      await world.say("Clean up.");
      await until(() => world.fake.sessions[0]?.isWorking === true);
      const { turn } = world.fake.latest();
      const answer = turn.ask({ requestId: "frage 1 \u{1f9f9}", ...more });
      await until(async () => (await items()).length === 1);
      const [{ id, hash }] = await items();
      await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "once", hash });
      expect((await answer)?.decision).toBe("allow");
      turn.finish("Done.");
      await until(async () => (await world.answers()).length === count + 1);
      await until(() => world.daemon.turns.all().length === 0);
    }
  });

  test("a CLI that asks the same again as soon as it has its answer waits for another one", async () => {
    const world = await startDaemon();
    const { answer, approval } = await asked(world);
    const again = answer.then(() => world.fake.latest().turn.ask());
    const { id, hash } = await approval();
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "once", hash });
    const pending = async () => (await world.relay.ask("GET", "/v1/approvals?state=pending")).body.items;
    await until(async () => (await pending()).length === 1);
    const [next] = await pending();
    await world.relay.ask("POST", `/v1/approvals/${next.id}/answer`, { option: "deny", hash: next.hash });
    expect((await again)?.decision).toBe("deny");
  });

  test("two questions about the same are one approval, whose answer both get", async () => {
    const world = await startDaemon();
    const { answer, approval } = await asked(world);
    const other = world.fake.latest().turn.ask();
    await until(async () => (await approval()).count === 2);
    const { id, hash } = await approval();
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "once", hash });
    expect([(await answer)?.decision, (await other)?.decision]).toEqual(["allow", "allow"]);
  });

  test("a rule answers at once", async () => {
    const world = await startDaemon();
    await world.relay.ask("POST", "/v1/approval-rules", { tool: "command", match: "rm -rf build", decision: "allow" });
    const { answer } = await asked(world);
    expect((await answer)?.decision).toBe("allow");
  });

  test("a question gets the text that the person chose", async () => {
    const world = await startDaemon();
    await world.say("Which one?");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const options = [
      { id: "a", label: "The first" },
      { id: "b", label: "The second" },
    ];
    const answer = world.fake
      .latest()
      .turn.ask({ subject: { type: "question", text: "Which?", options }, title: "Which?" });
    const items = async () => (await world.relay.ask("GET", "/v1/approvals")).body.items;
    await until(async () => (await items()).length === 1);
    const [{ id, hash }] = await items();
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "b", hash });
    expect(await answer).toMatchObject({ decision: "answer", text: "b" });
  });

  test("a question is asked with whatever options it has: many, long, empty, in any script", async () => {
    const world = await startDaemon();
    await world.say("Which one?");
    await until(() => world.fake.sessions[0]?.isWorking === true);
    const labels = [
      "",
      `${"a".repeat(127)}\u{1f600}`,
      "\u3042".repeat(100),
      "two\nlines",
      ..."ghijklmnopqrstuvwxyz0123456789",
    ];
    const items = async () => (await world.relay.ask("GET", "/v1/approvals?state=pending")).body.items;
    for (const count of [20, labels.length]) {
      const options = labels.slice(0, count).map((label, at) => ({ id: `o${at}`, label }));
      const title = count === 20 ? "" : "\u0436".repeat(256);
      const text = count === 20 ? "Which?" : "\u0436".repeat(20_000);
      const answer = world.fake.latest().turn.ask({ subject: { type: "question", text, options }, title, exact: text });
      await until(async () => (await items()).length === 1);
      const [{ id, hash, ...shown }] = await items();
      expect(shown.options).toHaveLength(Math.min(24, count + 1));
      expect(shown.options.slice(0, 4).map(({ label }: { label: string }) => label)).toEqual([
        ...["Option 1", "a".repeat(127), "\u3042".repeat(42), "two lines"],
      ]);
      expect(shown.title).toBe(count === 20 ? "A question" : "\u0436".repeat(128));
      await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "o19", hash });
      expect(await answer).toMatchObject({ decision: "answer", text: "o19" });
    }
  });

  test("an answer given while the daemon was away is handed over when the CLI asks the same again, and for nothing else", async () => {
    const world = await startDaemon();
    const { approval } = await asked(world);
    world.daemon.abandon();
    for (const session of world.fake.sessions) session.crash();
    const { id, hash } = await approval();
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "once", hash });
    await world.begin();
    await until(() => world.fake.sessions[1]?.isWorking === true);
    const { turn } = world.fake.latest();
    expect(await turn.ask()).toEqual({ decision: "allow", scope: "once", text: null });
    await until(async () => (await world.relay.ask("GET", `/v1/approvals/${id}`)).body.applied?.ok === true);
    // It was for one time.
    void turn.ask();
    const items = async () => (await world.relay.ask("GET", "/v1/approvals?state=pending")).body.items;
    await until(async () => (await items()).length === 1);
  });

  test("an answer given while the daemon was away is said to be for nothing when the CLI does not ask again", async () => {
    const world = await startDaemon();
    const { approval } = await asked(world);
    world.daemon.abandon();
    for (const session of world.fake.sessions) session.crash();
    const { id, hash } = await approval();
    await world.relay.ask("POST", `/v1/approvals/${id}/answer`, { option: "once", hash });
    await world.begin();
    await until(() => world.fake.sessions[1]?.isWorking === true);
    world.fake.latest().turn.finish("Done.");
    const applied = async () => (await world.relay.ask("GET", `/v1/approvals/${id}`)).body.applied;
    await until(async () => (await applied()) !== null);
    expect(await applied()).toMatchObject({ ok: false, error: expect.stringContaining("did not ask again") });
  });

  test("a question that nobody answers in time is denied: a dialogue goes on, work that nobody follows ends, and its lease is free", async () => {
    const world = await startDaemon({ config: { askSeconds: 90 } });
    const { ask } = world.relay;
    const eve = await world.relay.agent("eve");
    const by = { token: eve.token };
    const works = (text: string) => world.fake.sessions.find((one) => one.isWorking && one.turn.text.includes(text));
    const mine = await world.say("Clean up.");
    const draft = { to: AGENT, body: "Count.", claimable: true, maxAttempts: 2 };
    const { body: work } = await ask("POST", "/v1/messages", draft, by);
    const { body: asked } = await ask(
      "POST",
      "/v1/delegations",
      { to: AGENT, text: "Look.", timeoutSeconds: 7200 },
      by,
    );
    await until(() => ["Clean up.", "Count.", "Look."].every((text) => works(text) !== undefined));
    const answers = ["Clean up.", "Count.", "Look."].map((text) =>
      works(text)?.turn.ask({ exact: text, subject: { type: "command", line: text, cwd: "/", envNames: [] } }),
    );
    await until(async () => (await ask("GET", "/v1/approvals?state=pending")).body.items.length === 3);
    const state = async () => (await ask("GET", `/v1/messages/${work.id}`)).body.state;
    expect(await state()).toBe("claimed");
    await world.pass(91_000);
    for (const answer of answers) expect(await answer).toMatchObject({ decision: "deny" });
    const refused = async () =>
      (await ask("GET", `/v1/runs?message=${work.id}`)).body.items.filter(
        ({ errorCode, error }: { errorCode: string; error: string }) =>
          errorCode === "refused" && error === '"Run rm -rf build" had to be allowed, and nobody answered in time.',
      ).length;
    await until(async () => (await refused()) === 1);
    const delegation = async () => (await ask("GET", `/v1/delegations/${asked.id}`, undefined, by)).body;
    await until(async () => (await delegation()).status === "failed");
    expect((await delegation()).answer.error).toContain("nobody answered in time");
    works("Clean up.")?.turn.finish("I may not, so I left it.");
    await until(async () => (await world.run(mine)).status === "ended");
    expect(await world.run(mine)).toMatchObject({ outcome: "ok", result: { text: "I may not, so I left it." } });
    // The work was open again, and is taken once more.
    await until(() => works("Count.") !== undefined);
  });

  test("what an earlier process asked is withdrawn after a crash, and the CLI asks again", async () => {
    const world = await startDaemon();
    const { approval } = await asked(world);
    await world.crash();
    await until(async () => (await approval()).state === "withdrawn");
    await until(() => world.fake.sessions[1]?.isWorking === true);
    void world.fake.latest().turn.ask();
    const states = async () =>
      (await world.relay.ask("GET", "/v1/approvals")).body.items.map(({ state }: { state: string }) => state);
    await until(async () => (await states()).includes("pending"));
  });
});
