import { describe, expect, test } from "bun:test";
import { uiMessageChunkSchema } from "ai";
import fc from "fast-check";
import { endTurn, type ShownEvent, startOf, transform } from "../../../src/features/runs/transform.ts";
import { freshTurn, MAX_CALLS, type Part, type TurnState } from "../../../src/features/runs/turn-state.ts";
import { balanceOf } from "../../support/parts.ts";

const start: ShownEvent = { stream: "lifecycle", data: { phase: "start" } };
const end: ShownEvent = { stream: "lifecycle", data: { phase: "end" } };
const failed = (error?: unknown): ShownEvent => ({ stream: "lifecycle", data: { phase: "error", error } });
const think = (delta: string): ShownEvent => ({ stream: "thinking", data: { delta } });
const say = (delta: string): ShownEvent => ({ stream: "assistant", data: { delta } });
const whole = (text: string): ShownEvent => ({ stream: "assistant", data: { text } });
const status = (text: string): ShownEvent => ({ stream: "status", data: { text } });
const tool = (phase: "start" | "update" | "result", more: Record<string, unknown> = {}): ShownEvent =>
  ({ stream: "tool", data: { phase, toolCallId: "c1", name: "shell", ...more } }) as ShownEvent;
const compaction = (phase: "start" | "end", willRetry?: boolean): ShownEvent => ({
  stream: "compaction",
  data: { phase, willRetry },
});

/** A part in a word: its type, its id, and what it carries. */
function short({ type, id, delta, toolCallId, output, errorText, preliminary, input, ...more }: Part): string {
  const carried = delta ?? errorText ?? output ?? input ?? more.data ?? more.url ?? more.reason ?? "";
  const shown = typeof carried === "string" ? carried : JSON.stringify(carried);
  return `${type} ${id ?? toolCallId ?? ""} ${shown}${preliminary ? " ..." : ""}`.replaceAll(/ +/g, " ").trim();
}

function run(events: readonly ShownEvent[], from: TurnState = freshTurn()): { state: TurnState; parts: Part[] } {
  const parts: Part[] = [];
  let state = from;
  for (const event of events) {
    const next = transform(state, event);
    state = next.state;
    parts.push(...next.parts);
  }
  return { state, parts };
}

/** Parts of the last of these events alone. */
const last = (...events: ShownEvent[]): string[] =>
  transform(run(events.slice(0, -1)).state, events.at(-1) as ShownEvent).parts.map(short);

describe("the parts of a run's events", () => {
  const cells: [cell: string, events: ShownEvent[], parts: string[]][] = [
    ["lifecycle start", [start], ["reasoning-start status-1", "reasoning-delta status-1 Preparing response..."]],
    [
      "lifecycle start, text open",
      [say("a"), start],
      ["text-end text-1", "reasoning-start status-2", "reasoning-delta status-2 Preparing response..."],
    ],
    ["lifecycle start, its line open", [start, start], []],
    [
      "thinking, a status line open",
      [start, think("t")],
      ["reasoning-end status-1", "reasoning-start reasoning-2", "reasoning-delta reasoning-2 t"],
    ],
    ["thinking, reasoning open", [think("t"), think("u")], ["reasoning-delta reasoning-1 u"]],
    ["thinking, nothing open", [think("t")], ["reasoning-start reasoning-1", "reasoning-delta reasoning-1 t"]],
    [
      "thinking, text open",
      [say("a"), think("t")],
      ["text-end text-1", "reasoning-start reasoning-2", "reasoning-delta reasoning-2 t"],
    ],
    ["thinking, empty", [think("")], []],
    ["assistant delta, nothing open", [say("a")], ["text-start text-1", "text-delta text-1 a"]],
    ["assistant delta, text open", [say("a"), say("b")], ["text-delta text-1 b"]],
    [
      "assistant delta, reasoning open",
      [think("t"), say("a")],
      ["reasoning-end reasoning-1", "text-start text-2", "text-delta text-2 a"],
    ],
    ["assistant delta, empty", [say("")], []],
    [
      "assistant error",
      [{ stream: "assistant", data: { delta: "a", error: '402 {"error":{"message":"No credit"}}' } }],
      [
        ...["text-start text-1", "text-delta text-1 a", "text-end text-1"],
        ...["reasoning-start status-2", "reasoning-delta status-2 Error: No credit"],
      ],
    ],
    ["assistant text without deltas", [whole("Hello")], ["text-start text-1", "text-delta text-1 Hello"]],
    ["assistant text that grew", [whole("Hello"), whole("Hello world")], ["text-delta text-1 world"]],
    ["assistant text after its deltas", [say("Hel"), say("lo"), whole("Hello")], []],
    ["assistant text of the turn after a tool", [say("a"), tool("start"), say("b"), whole("ab")], []],
    ["assistant text of the newest part after a tool", [say("a"), tool("start"), say("b"), whole("b")], []],
    ["assistant text of a part that was closed", [say("a"), tool("start"), say("b"), tool("start"), whole("b")], []],
    [
      "assistant text of another message",
      [say("a"), whole("xyz")],
      ["text-end text-1", "text-start text-2", "text-delta text-2 xyz"],
    ],
    [
      "assistant files",
      [{ stream: "assistant", data: { files: [{ fileId: "fil_1", mediaType: "image/png" }] } }],
      ["file /v1/files/fil_1"],
    ],
    [
      "tool start, text open",
      [say("a"), tool("start", { args: { cmd: "ls" } })],
      ["text-end text-1", "tool-input-start c1", 'tool-input-available c1 {"cmd":"ls"}'],
    ],
    [
      "tool start, reasoning open",
      [think("t"), tool("start")],
      ["reasoning-end reasoning-1", "tool-input-start c1", "tool-input-available c1 {}"],
    ],
    [
      "tool start, arguments that are no object",
      [tool("start", { args: ["ls"] as never })],
      ["tool-input-start c1", "tool-input-available c1 {}"],
    ],
    ["tool start, twice", [tool("start"), tool("start", { args: { a: 1 } })], ['tool-input-available c1 {"a":1}']],
    [
      "tool start, an id that was used before",
      [tool("start"), tool("result"), tool("start")],
      ["tool-input-start c1#2", "tool-input-available c1#2 {}"],
    ],
    ["tool result", [tool("start"), tool("result", { result: "done" })], ['tool-output-available c1 {"text":"done"}']],
    [
      "tool result, text open",
      [tool("start"), say("a"), tool("result", { result: "done" })],
      ['tool-output-available c1 {"text":"done"}'],
    ],
    [
      "tool result, error",
      [tool("start"), tool("result", { result: "no such file", isError: true })],
      ["tool-output-error c1 no such file"],
    ],
    [
      "tool result, error in its details",
      [tool("start"), tool("result", { result: { details: { error: "denied" } }, isError: true })],
      ["tool-output-error c1 denied"],
    ],
    [
      "tool result, error without a text",
      [tool("start"), tool("result", { isError: true })],
      ["tool-output-error c1 Tool execution failed"],
    ],
    [
      "tool result, call unknown",
      [say("a"), tool("result", { result: "done" })],
      ["tool-input-start c1", "tool-input-available c1 {}", 'tool-output-available c1 {"text":"done"}'],
    ],
    ["tool result, twice", [tool("start"), tool("result"), tool("result")], []],
    [
      "tool update",
      [tool("start"), tool("update", { result: "half" })],
      ['tool-output-available c1 {"text":"half"} ...'],
    ],
    [
      "tool update, call unknown",
      [tool("update", { result: "half" })],
      ["tool-input-start c1", "tool-input-available c1 {}", 'tool-output-available c1 {"text":"half"} ...'],
    ],
    ["tool update, call ended", [tool("start"), tool("result"), tool("update")], []],
    [
      "compaction start",
      [compaction("start")],
      ["reasoning-start status-1", "reasoning-delta status-1 Optimizing session context..."],
    ],
    [
      "compaction end that retries, a status line open",
      [compaction("start"), compaction("end", true)],
      ["reasoning-delta status-1 \nRetrying with compacted context..."],
    ],
    ["compaction end, a status line open", [compaction("start"), compaction("end")], ["reasoning-end status-1"]],
    ["compaction end, reasoning open", [think("t"), compaction("end", true)], []],
    ["compaction end, nothing open", [compaction("end")], []],
    ["status", [status("Switched to X")], ["reasoning-start status-1", "reasoning-delta status-1 Switched to X"]],
    ["status, the same again", [status("Switched to X"), status("Switched to X")], []],
    [
      "status, another",
      [status("one"), status("two")],
      ["reasoning-end status-1", "reasoning-start status-2", "reasoning-delta status-2 two"],
    ],
    ["lifecycle end, text open", [say("a"), end], ["text-end text-1"]],
    ["lifecycle end, reasoning open", [think("t"), end], ["reasoning-end reasoning-1"]],
    [
      "lifecycle error with a message",
      [say("a"), failed({ message: "overloaded" })],
      ["text-end text-1", "reasoning-start status-2", "reasoning-delta status-2 Error: overloaded"],
    ],
    ["lifecycle error without a message", [say("a"), failed()], ["text-end text-1"]],
    [
      "lifecycle error that was shown",
      [{ stream: "assistant", data: { error: "overloaded" } }, failed("overloaded")],
      [],
    ],
    ["usage", [{ stream: "usage", data: { inputTokens: 3 } }], ['data-usage {"inputTokens":3}']],
    [
      "diff, text open",
      [say("a"), { stream: "diff", data: { path: "a.ts", change: "added", added: 1, removed: 0 } }],
      ['data-diff {"path":"a.ts","change":"added","added":1,"removed":0}'],
    ],
    [
      "input",
      [{ stream: "input", data: { messageIds: [4], state: "started" } }],
      ['data-input {"messageIds":[4],"state":"started"}'],
    ],
  ];
  test.each(cells)("an event becomes the parts of its cell: %s", (_, events, parts) => {
    expect(last(...events)).toEqual(parts);
  });

  test.each([
    ["thoughts are between status and text", [start, say("a"), say("b")], "start delta end start delta delta"],
    [
      "a result leaves the text open",
      [tool("start"), say("a"), tool("result"), say("b")],
      "start available start delta available delta",
    ],
    [
      "a retry after compaction",
      [compaction("start"), compaction("end", true), think("t")],
      "start delta delta end start delta",
    ],
  ])("events in a row become parts in a row: %s", (_, events, phases) => {
    expect(
      run(events)
        .parts.map(({ type }) => type.split("-").at(-1))
        .join(" "),
    ).toBe(phases);
  });

  test("a status line is marked as such, thoughts are not", () => {
    const [line] = run([status("Switched")]).parts;
    expect(line?.providerMetadata).toEqual({ signalbox: { status: true } });
    expect(run([think("t")]).parts[0]).not.toHaveProperty("providerMetadata");
  });

  test("all parts of tools are dynamic: a viewer need not know the tool", () => {
    const { parts } = run([
      tool("start"),
      tool("update"),
      tool("result"),
      tool("result", { toolCallId: "c2", isError: true }),
    ]);
    for (const part of parts) expect(part).toMatchObject({ dynamic: true });
  });

  test.each([
    ["text", "done", { text: "done" }],
    ["nothing", undefined, {}],
    ["blocks of text", { content: [{ type: "text", text: "a" }, { type: "image" }, { text: "b" }] }, { text: "a\nb" }],
    ["blocks with details", { content: [{ text: "a" }], details: { code: 0 } }, { text: "a", code: 0 }],
    ["details alone", { details: { code: 0 } }, { text: '{"code":0}', code: 0 }],
    ["a raw object", { code: 0 }, { text: '{"code":0}', code: 0 }],
    ["a number", 7, { text: "7" }],
  ])("the output of a tool has one form: %s", (_, result, output) => {
    expect(run([tool("start"), tool("result", { result })]).parts.at(-1)?.output).toEqual(output as never);
  });

  test.each([
    ["a text", "overloaded", "overloaded"],
    ["an error inside", { error: { message: "no" } }, "no"],
    ["a message", { message: "no" }, "no"],
    ["an errorMessage", { errorMessage: "no" }, "no"],
    ["a provider's answer", '529 {"type":"error","error":{"message":"Overloaded"}}', "Overloaded"],
    ["a provider's answer with a text as error", '{"error":"bad key"}', "bad key"],
    ["something like an answer", "402 {broken", "402 {broken"],
  ])("a failure is told in its own words: %s", (_, error, text) => {
    expect(run([failed(error)]).parts.at(-1)?.delta).toBe(`Error: ${text}`);
  });

  test.each([
    ["ok", { outcome: "ok" }, ["finish-step", "finish"]],
    ["aborted", { outcome: "aborted", reason: "No longer needed" }, ["abort No longer needed"]],
    ["error", { outcome: "error", error: "The runner was lost" }, ["error The runner was lost"]],
    ["timeout", { outcome: "timeout" }, ["error Timed out."]],
  ] as const)("an end closes all that is open, once: %s", (_, how, closing) => {
    for (const open of [[think("t")], [say("a")], [status("s")]]) {
      const { state } = run([tool("start"), ...open]);
      const ended = endTurn(state, how);
      expect(ended.parts.map(short).slice(-closing.length)).toEqual([...closing]);
      expect(ended.parts.filter(({ type }) => type.endsWith("-end") || type === "tool-output-error")).toHaveLength(2);
    }
  });

  test("a failure is shown as it comes, and as the end only if the turn ends with it", () => {
    const { state } = run([failed("overloaded"), say("again")]);
    expect(endTurn(state, { outcome: "ok" }).parts.map(short)).toEqual(["text-end text-2", "finish-step", "finish"]);
    expect(endTurn(state, { outcome: "error" }).parts.map(short)).toEqual(["text-end text-2", "error overloaded"]);
  });

  test("a result is shown where the turn showed no text of its own", () => {
    const shown = (events: ShownEvent[]) => endTurn(run(events).state, { outcome: "ok", text: "The answer" }).parts;
    expect(shown([start]).map(short)).toContain("text-delta text-2 The answer");
    expect(shown([say("Mine")]).map(short)).not.toContain("The answer");
  });

  test("a long result is shown in deltas of some size, and no character is torn", () => {
    const text = `x${"😀".repeat(40_000)}`;
    const deltas = endTurn(freshTurn(), { outcome: "ok", text }).parts.flatMap(({ delta }) => (delta as string) ?? []);
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.every((delta) => delta.isWellFormed())).toBe(true);
    expect(deltas.join("")).toBe(text);
  });

  test("calls without results are bounded: the oldest is closed", () => {
    const calls = Array.from({ length: MAX_CALLS + 5 }, (_, i) => tool("start", { toolCallId: `c${i}` }));
    const { state, parts } = run(calls);
    expect(state.calls).toHaveLength(MAX_CALLS);
    expect(parts.filter(({ type }) => type === "tool-output-error").map(({ toolCallId }) => toolCallId)).toEqual([
      ...["c0", "c1", "c2", "c3", "c4"],
    ]);
  });

  test("parts of any events are balanced, known to the AI SDK, and the state stays small and plain JSON", async () => {
    const word = fc.string({ maxLength: 5 });
    const anyEvent: fc.Arbitrary<ShownEvent> = fc.oneof(
      fc.constantFrom(
        start,
        end,
        failed("x"),
        failed(),
        compaction("start"),
        compaction("end", true),
        compaction("end"),
      ),
      fc.oneof(word.map(think), word.map(say), word.map(whole), word.map(status)),
      fc
        .tuple(
          fc.constantFrom("start", "update", "result"),
          fc.constantFrom("a", "b", "c"),
          fc.boolean(),
          fc.jsonValue(),
        )
        .map(([phase, toolCallId, isError, result]) =>
          tool(phase as "start", { toolCallId, isError, result, args: result }),
        ),
    );
    const outcome = fc.constantFrom("ok", "error", "timeout", "aborted");
    const schema = uiMessageChunkSchema();
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 40 }), outcome, async (events, how) => {
        const { state, parts } = run(events);
        const all = [...startOf("trn_1"), ...parts, ...endTurn(state, { outcome: how as "ok" }).parts];
        expect(balanceOf(all)).toEqual([]);
        for (const part of all) expect(await schema.validate?.(part)).toMatchObject({ success: true });
        expect(JSON.parse(JSON.stringify(state))).toEqual(state as never);
      }),
      { numRuns: 200, seed: 20260301 },
    );
  });
});
