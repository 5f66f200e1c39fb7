import { describe, expect, test } from "bun:test";
import { type Office, startOffice } from "../../support/announcements.ts";
import { HOSTILE, MARK } from "../../support/hostile.ts";
import { connect } from "../../support/mcp.ts";
import type { Worker } from "../../support/work.ts";

const ADA = { requester: { agentId: "ada" } };

const digestOf = async ({ ask }: Office, by: Worker) =>
  (await ask("GET", `/v1/agents/${by.id}/inbox/digest?budget=20000`, undefined, by)).body;

/** Lines that no fence holds. */
const outside = (text: string): string => text.replace(/^\| .*$/gm, "");

describe("an announcement in every place where a model reads it", () => {
  test("inbox, history and digest say the same of it", async () => {
    const office = await startOffice();
    const { ada, bob, asked, finish } = office;
    const ada2 = await connect(office, ada.token);
    const run = await asked(ada, bob, { ...ADA, label: "Parser" });
    await finish(bob, run, { result: "No regressions.", usage: { inputTokens: 5, outputTokens: 1500 } });
    const { text, facts } = await ada2.call("inbox");
    const [id] = facts.shown;
    for (const said of [text, (await ada2.call("history", { message: id })).text, (await digestOf(office, ada)).text]) {
      expect(said).toMatch(/from bob \(agent, peer\); to you; announcement;/);
      expect(said).toMatch(/^\| Task: Parser\n(\| In reply to .*\n)?\| No regressions\.\n/m);
      expect(said).toContain(
        `Run ${run.id} completed successfully. Stats: runtime n/a • tokens 1.5k (in 5 / out 1.5k)`,
      );
      expect(said).toMatch(/^Action: The result is ready for your user\./m);
      expect(said).not.toContain("announcementId");
    }
  });

  test("hostile results, labels and errors stay inside the fence", async () => {
    const office = await startOffice();
    const { ada, bob, asked, finish, does, ackUpTo, announced } = office;
    const peer = await connect(office, ada.token);
    for (const [, hostile] of HOSTILE) {
      const line =
        hostile
          .replace(/[\p{Cc}\u2028\u2029]/gu, " ")
          .slice(0, 60)
          .trim() || "x";
      const text = hostile.slice(0, 20_000);
      const run = await asked(undefined, bob, { ...ADA, label: line, task: text || "x" });
      await finish(bob, run, { result: text });
      const failing = await asked(undefined, bob, ADA);
      await does(
        bob,
        failing,
        "finish",
        { outcome: "error", error: text.slice(0, 1000) || "x", result: text },
        failing,
      );
      const { text: shown } = await peer.call("inbox", { budget: 6000 });
      expect(outside(shown)).not.toContain(MARK);
      expect(shown).toContain("Action: ");
      await ackUpTo(ada, (await announced(ada)).at(-1).id);
    }
  });
});

describe("words of the relay to a runner", () => {
  test("no digest and no inbox tool shows them, they hold up no acknowledgement, and programs read them", async () => {
    const office = await startOffice();
    const { ask, ada, bob, run, inbox } = office;
    const peer = await connect(office, bob.token);
    const asked = await run(ada, { agentId: "bob", task: "Read the parser." });
    const [task] = await inbox(bob);
    expect(await inbox(bob)).toMatchObject([
      { kind: "chat", from: "ada", body: "Read the parser.", payload: { run: { id: asked.id } } },
      { kind: "control", replyTo: task.id, payload: { run: { do: "start" } } },
    ]);
    expect(await digestOf(office, bob)).toMatchObject({ unread: 1, urgent: 0, shown: [task.id] });
    expect((await peer.call("inbox")).facts).toMatchObject({ unread: 1, shown: [task.id], ack: task.id + 1 });
    await office.take(bob, asked);
    expect(await digestOf(office, bob)).toMatchObject({ unread: 0, urgent: 0, shown: [] });
    const sent = await ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, ada);
    const again = await run(ada, { agentId: "bob", task: "Read it again." });
    await office.does(undefined, again, "abort");
    const { facts, text } = await peer.call("inbox");
    expect(facts).toMatchObject({ unread: 1, shown: [sent.body.id] });
    expect(text).not.toContain("Read");
  });
});
