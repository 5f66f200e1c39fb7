import { expect, test } from "bun:test";
import { createRunOutput } from "../../../src/harness/process/run-output.ts";

/** Events that become of an output in chunks of this size. */
function told(text: string, chunk = text.length || 1) {
  const events: unknown[][] = [];
  const keep =
    (name: string) =>
    (...given: unknown[]) =>
      void events.push([name, ...given]);
  const tool = {
    start: (...given: unknown[]) => void events.push(["start", ...given]) as never,
    update: keep("update"),
  };
  const output = createRunOutput({
    ...{ say: keep("say"), think: keep("think"), usage: keep("usage"), status: keep("status"), diff: keep("diff") },
    tool: { ...tool, result: keep("result") },
  });
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += chunk) output.take(bytes.subarray(from, from + chunk));
  return { answer: output.end(), events };
}

const said = ({ events }: ReturnType<typeof told>) => events.map(([, text]) => text).join("");
const lines = (...events: object[]) => `${events.map((event) => JSON.stringify(event)).join("\n")}\n`;

test("plain output of a command is the answer, as it comes, whole characters at a time", () => {
  const text = "Hé, 🙂\nDone.";
  expect(told(text, 1).answer).toBeUndefined();
  expect(said(told(text, 1))).toBe(text);
  expect(said(told("no end of line"))).toBe("no end of line");
  expect(said(told("x".repeat(100_000)))).toHaveLength(100_000);
  expect(told("").events).toEqual([]);
});

test("output in JSON that is of no agent CLI stays text", () => {
  for (const text of ['{"type":"report","ok":true}\n', "{broken\n", '{"result":1}\n[2]\n', "[1]\n"])
    expect(said(told(text, 5))).toBe(text);
});

const SESSION = { session_id: "s" };

test("output of Claude Code in stream-json becomes its events, and its result is the answer", () => {
  const usage = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 3, cache_creation_input_tokens: 1 };
  const say = (...content: object[]) => ({ type: "assistant", message: { content }, ...SESSION });
  const text = lines(
    { type: "system", subtype: "init", model: "sonnet", ...SESSION },
    say({ type: "thinking", thinking: "Hm", signature: "x" }),
    say({ type: "text", text: "Looking." }, { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } }),
    {
      ...{ type: "user", ...SESSION },
      message: { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "a.ts", is_error: true }] },
    },
    say({ type: "text", text: "One" }),
    say({ type: "text", text: "Two" }),
    { type: "something_new", ...SESSION },
    {
      ...{ type: "result", subtype: "success", result: "Two", usage, total_cost_usd: 0.5 },
      modelUsage: { sonnet: {} },
    },
  );
  for (const chunk of [7, text.length])
    expect(told(text, chunk)).toEqual({
      answer: "Two",
      events: [
        ["think", "Hm"],
        ["say", "Looking."],
        ["start", "Bash", { command: "ls" }, "t1"],
        ["result", "t1", { content: "a.ts" }, { isError: true }],
        ["say", "One"],
        ["say", "\n\nTwo"],
        [
          "usage",
          { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 1, costUsd: 0.5, model: "sonnet" },
        ],
      ],
    });
});

test("output of Claude Code with partial messages says each piece once", () => {
  const delta = (fields: object) => ({
    type: "stream_event",
    event: { type: "content_block_delta", delta: fields },
    ...SESSION,
  });
  const text = lines(
    { type: "system", subtype: "init", ...SESSION },
    delta({ type: "thinking_delta", thinking: "Hm" }),
    delta({ type: "text_delta", text: "Tw" }),
    delta({ type: "text_delta", text: "o" }),
    { type: "assistant", message: { content: [{ type: "text", text: "Two" }] }, ...SESSION },
  );
  expect(told(text).events).toEqual([
    ["think", "Hm"],
    ["say", "Tw"],
    ["say", "o"],
  ]);
});

test("output of Codex in JSON becomes its events, and its last message is the answer", () => {
  const item = (type: string, fields: object, phase = "completed") => ({
    type: `item.${phase}`,
    item: { id: `i-${type}`, type, ...fields },
  });
  const text = lines(
    { type: "thread.started", thread_id: "t" },
    { type: "turn.started" },
    item("reasoning", { text: "Hm" }),
    item("command_execution", { command: "ls", status: "in_progress" }, "started"),
    item("command_execution", { command: "ls", aggregated_output: "a.ts", exit_code: 1 }),
    item("mcp_tool_call", { server: "box", tool: "send", arguments: { to: "b" } }, "started"),
    item("mcp_tool_call", { server: "box", tool: "send", result: { ok: true } }),
    item("file_change", {
      changes: [
        { path: "a.ts", kind: "update" },
        { path: "b.ts", kind: "add" },
      ],
    }),
    item("agent_message", { text: "Done" }),
    { type: "error", message: "reconnecting" },
    { type: "turn.completed", usage: { input_tokens: 9, cached_input_tokens: 4, output_tokens: 2 } },
  );
  expect(told(text)).toEqual({
    answer: "Done",
    events: [
      ["think", "Hm"],
      ["start", "shell", { command: "ls" }, "i-command_execution"],
      ["result", "i-command_execution", "a.ts", { isError: true }],
      ["start", "box.send", { to: "b" }, "i-mcp_tool_call"],
      ["result", "i-mcp_tool_call", { ok: true }, { isError: false }],
      ["diff", { path: "a.ts", change: "modified", added: 0, removed: 0 }],
      ["diff", { path: "b.ts", change: "added", added: 0, removed: 0 }],
      ["say", "Done"],
      ["status", "reconnecting"],
      ["usage", { inputTokens: 5, outputTokens: 2, cacheReadTokens: 4, cacheWriteTokens: 0 }],
    ],
  });
});

test("a line that is no JSON between those of an agent CLI is said as it is", () => {
  const text = `${lines({ type: "thread.started", thread_id: "t" })}warning: slow\n\n${lines({ type: "item.completed", item: { type: "agent_message", text: "Done" } })}`;
  expect(told(text).events).toEqual([
    ["say", "warning: slow\n"],
    ["say", "Done"],
  ]);
});
