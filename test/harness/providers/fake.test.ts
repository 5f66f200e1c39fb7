import { describe, expect, test } from "bun:test";
import { HarnessError } from "../../../src/harness/errors.ts";
import { SessionMissing } from "../../../src/harness/providers/errors.ts";
import type { OpenTask, SessionEvent } from "../../../src/harness/providers/provider.ts";
import { createFakeProvider } from "../../support/providers/fake.ts";
import { turns } from "../../support/until.ts";

function taskWith(more: Partial<OpenTask> = {}) {
  const events: SessionEvent[] = [];
  const task: OpenTask = {
    origin: { how: "new" },
    sessionId: "ses_1",
    cwd: "/",
    model: null,
    systemPrompt: null,
    environment: {},
    mcp: null,
    tools: { allow: [], deny: [] },
    schema: null,
    unattended: false,
    on: (event) => events.push(event),
    ...more,
  };
  return { task, events };
}

const input = (id: string, text = id) => ({
  ...{ id, text, images: [] },
  provenance: { kind: "human" as const, from: "ann" },
});

describe("the fake provider", () => {
  test("a script answers, and turns queue with their receipts", async () => {
    const provider = createFakeProvider({ script: null });
    const { task, events } = taskWith({ origin: { how: "new", nativeId: "n1" } });
    const session = await provider.open(task);
    await session.send(input("a"));
    await session.send(input("b"));
    const fake = provider.latest();
    fake.turn.say("one");
    fake.turn.finish("one");
    fake.turn.finish("two");
    expect(events).toMatchObject([
      { type: "native", nativeId: "n1" },
      { type: "state", state: "idle" },
      { type: "input", inputIds: ["a"], state: "queued" },
      { type: "state", state: "working" },
      { type: "input", inputIds: ["a"], state: "started" },
      { type: "turn-started", inputIds: ["a"] },
      { type: "input", inputIds: ["b"], state: "queued" },
      { type: "say", delta: "one" },
      { type: "result", result: { text: "one", inputIds: ["a"], moreFollow: true } },
      { type: "state", state: "working" },
      { type: "input", inputIds: ["b"], state: "started" },
      { type: "turn-started", inputIds: ["b"] },
      { type: "result", result: { text: "two", inputIds: ["b"], moreFollow: false } },
      { type: "state", state: "idle" },
    ]);
  });

  test("a question waits for its answer, and an interrupt withdraws it with what is queued", async () => {
    const answers: unknown[] = [];
    const provider = createFakeProvider({
      script: async (turn) => {
        answers.push(await turn.ask());
        turn.finish("done");
      },
    });
    const { task, events } = taskWith();
    const session = await provider.open(task);
    await session.send(input("a"));
    const ask = events.find((event) => event.type === "ask");
    expect(await session.answer("other", { decision: "allow", scope: "once", text: null })).toBe(false);
    const answer = { decision: "deny", scope: "once", text: "no" } as const;
    expect(await session.answer(ask?.request.requestId ?? "", answer)).toBe(true);
    await session.send(input("b"));
    await session.send(input("c"));
    expect(await session.interrupt()).toEqual({ cancelled: ["c"] });
    await turns();
    expect(answers).toEqual([answer, null]);
    expect(events.filter(({ type }) => type === "ask-withdrawn")).toHaveLength(1);
    expect(events.findLast(({ type }) => type === "result")).toMatchObject({ result: { outcome: "aborted" } });
  });

  test("a crash ends a session with its turn, and a resume runs the turn again under its own id", async () => {
    const provider = createFakeProvider({ script: null });
    const first = taskWith({ origin: { how: "new", nativeId: "n1" } });
    const session = await provider.open(first.task);
    await session.send(input("a"));
    provider.latest().crash({ code: null, signal: "SIGKILL" });
    expect(await session.exited).toMatchObject({ signal: "SIGKILL", left: [] });
    expect(session.send(input("b"))).rejects.toBeInstanceOf(HarnessError);
    const again = taskWith({ origin: { how: "resume", nativeId: "n1", continueTurn: true } });
    await provider.open(again.task);
    provider.latest().turn.finish("late");
    expect(again.events).toContainEqual(expect.objectContaining({ type: "turn-started", inputIds: ["a"] }));
    provider.transcripts.delete("n1");
    expect(provider.open(again.task)).rejects.toBeInstanceOf(SessionMissing);
  });

  test("text is steered into a running turn, and reaches it with the end of a tool", async () => {
    const provider = createFakeProvider({ script: null });
    const { task, events } = taskWith();
    const session = await provider.open(task);
    expect(await session.steer(input("x"))).toBe("refused");
    await session.send(input("a"));
    expect(await session.steer(input("b"))).toBe("steered");
    provider.latest().turn.tool("Bash", { command: "ls" }, "files");
    provider.latest().turn.finish("done");
    expect(events).toContainEqual({ type: "input", inputIds: ["b"], state: "started" });
    expect(events.find(({ type }) => type === "result")).toMatchObject({ result: { inputIds: ["a", "b"] } });
    expect(provider.transcripts.get(session.nativeId ?? "")).toEqual(["a", "done"]);
  });
});
