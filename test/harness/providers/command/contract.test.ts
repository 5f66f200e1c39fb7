import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMAND_ABILITIES, commandProvider } from "../../../../src/harness/providers/command/provider.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { QUICK_SWEEP } from "../../../support/providers/processes.ts";
import { hear, openTask } from "../../../support/providers/session.ts";
import { until } from "../../../support/until.ts";

const PROGRAM = join(import.meta.dir, "../../../support/providers/agent-program.ts");
const environment = { PATH: process.env.PATH ?? "" };
const containment = { sweep: QUICK_SWEEP };
const provider = commandProvider({
  ...{ name: "own", words: [process.execPath, PROGRAM], can: COMMAND_ABILITIES, environment, containment },
});
/** Agent of a shell's few words. */
const shell = (script: string) =>
  commandProvider({ name: "own", words: ["/bin/sh", "-c", script], environment, containment });

describe.skipIf(process.platform !== "linux")("an agent of the operator's own", () => {
  providerContract("command", provider.capabilities, async () => ({
    ...{ provider, environment: openTask().environment, words: LINES, allow: [] },
  }));

  test("command: a question is answered with words, or with an option", async () => {
    const heard = await hear(provider);
    await heard.send("question Which color?");
    const { request } = await heard.saw("ask");
    expect(request).toMatchObject({
      title: "Which color?",
      subject: { type: "question", text: "Which color?", options: [{ id: "Red" }, { id: "Blue" }] },
    });
    await heard.session.answer(request.requestId, { decision: "answer", scope: "once", text: "Green" });
    expect((await heard.ended()).text).toBe("Green");
  });

  test("command: an option is answered as it stands in the question, also where options look like each other's ids", async () => {
    const long = "a".repeat(300);
    const ask = { type: "ask", id: "1", question: "Which?", options: ["x!", "1", "no-answer", "", long] };
    const script = `while read -r line; do case $line in *'"turn"'*) echo '${JSON.stringify(ask)}';; *'"answer"'*) echo "{\\"type\\":\\"done\\",\\"value\\":$line}";; esac; done`;
    for (const [at, option] of ask.options.entries()) {
      const heard = await hear(shell(script));
      await heard.send("Ask.");
      const { subject, requestId } = (await heard.saw("ask")).request;
      const { id = "" } = (subject.type === "question" && subject.options[at]) || {};
      await heard.session.answer(requestId, { decision: "answer", scope: "once", text: id });
      expect((await heard.ended()).structured).toMatchObject({ ask: "1", text: option });
    }
  });

  test("command: other output is noise, and says which line it should have been", async () => {
    const heard = await hear(provider);
    await heard.send("junk\nsay done");
    await heard.ended();
    const [first, ...others] = heard.of("noise").map(({ text }) => text);
    expect(first).toBe("Loading...");
    expect(others).toEqual([
      expect.stringMatching(/^Not a line of docs\/write-a-provider.md: type /),
      expect.stringMatching(/^Not a line of docs\/write-a-provider.md: text /),
    ]);
  });

  test("command: an agent that ends in its turn gives no result, and its exit is told", async () => {
    const heard = await hear(provider);
    await heard.send("die");
    expect(await heard.session.exited).toMatchObject({ code: 7 });
    expect(heard.of("result")).toEqual([]);
  });

  test("command: an agent that knows nothing but turns answers them", async () => {
    const heard = await hear(
      shell('while read -r line; do case $line in *turn*) echo \'{"type":"done","text":"ok"}\';; esac; done'),
    );
    await heard.send("one");
    await heard.send("two");
    expect(await heard.ended(2)).toMatchObject({ outcome: "ok", text: "ok", moreFollow: false });
    expect((await heard.steer("three")).how).toBe("refused");
  });

  test("command: ends, answers and questions out of turn change nothing", async () => {
    const out = [
      '{"type":"done","text":"x"}',
      '{"type":"ask","id":"1","command":"ls"}',
      '{"type":"withdraw","id":"9"}',
    ];
    const heard = await hear(shell(`printf '%s\\n' '${out.join("' '")}'; cat > lines`));
    await until(async () =>
      (
        await Bun.file(join(heard.task.cwd, "lines"))
          .text()
          .catch(() => "")
      ).includes("deny"),
    );
    expect(heard.events.map(({ type }) => type)).toEqual(["native", "state"]);
    expect(await heard.session.interrupt()).toEqual({ cancelled: [] });
    const answer = { decision: "allow", scope: "once", text: null } as const;
    expect(await heard.session.answer("1", answer)).toBe(false);
  });
});
