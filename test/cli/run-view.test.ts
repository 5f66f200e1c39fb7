import { expect, test } from "bun:test";
import { createRunView } from "../../src/cli/run-view.ts";

const marked = { paint: (colour: string, text: string) => `<${colour}>${text}</>` };

/** Output for parts of one turn. */
function shown(parts: object[], paint = marked): string {
  const view = createRunView(paint);
  return parts.map((part) => view.part({ turnId: "trn_1", part: { ...part } })).join("") + view.end();
}

const text = (id: string, ...deltas: string[]) => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta", id, delta })),
  { type: "text-end", id },
];

test("a view of a run shows the answer as it comes, with thinking dimmed", () => {
  const thinking = [
    { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "Hm.\nThe par" },
    { type: "reasoning-delta", id: "r", delta: "ser." },
    { type: "reasoning-end", id: "r" },
  ];
  expect(shown([{ type: "start", messageId: "trn_1" }, ...thinking, ...text("t", "It is", " fine.\nReally.")])).toBe(
    "<dim>Hm.</>\n<dim>The par</><dim>ser.</>\nIt is fine.\nReally.\n",
  );
});

test("a view of a run folds each call of a tool into a line, and its result into another", () => {
  const call = (toolCallId: string, toolName: string, input: object) => [
    { type: "tool-input-start", toolCallId, toolName },
    { type: "tool-input-available", toolCallId, toolName, input },
  ];
  const plain = { paint: (_: string, line: string) => line };
  const parts = [
    ...text("t", "Looking"),
    ...call("1", "grep", { pattern: "x".repeat(200) }),
    ...call("2", "read", { path: "a.ts" }),
    { type: "tool-output-available", toolCallId: "2", output: { text: "one\ntwo\nthree" } },
    { type: "tool-output-available", toolCallId: "1", output: { text: "…" }, preliminary: true },
    { type: "tool-output-error", toolCallId: "1", errorText: "no such folder" },
    { type: "tool-output-available", toolCallId: "3", output: { hits: 2 } },
  ];
  expect(shown(parts, plain)).toBe(
    [
      "Looking",
      `▸ grep {"pattern":"${"x".repeat(88)}…`,
      '▸ read {"path":"a.ts"}',
      "✓ read: one (3 lines)",
      "✗ grep: no such folder",
      '✓ tool: {"hits":2}',
      "",
    ].join("\n"),
  );
});

test("a view of a run shows status lines, files, changes, what was said to it, and how a turn ended", () => {
  const plain = { paint: (_: string, line: string) => line };
  const view = createRunView(plain);
  const status = { id: "s", providerMetadata: { signalbox: { status: true } } };
  const parts = [
    { type: "data-user-message", data: { text: "Also\nthis" } },
    { type: "reasoning-start", ...status },
    { type: "reasoning-delta", id: "s", delta: "Preparing response..." },
    { type: "reasoning-end", id: "s" },
    { type: "data-diff", data: { path: "a.ts", change: "modified", added: 3, removed: 1 } },
    { type: "file", url: "/v1/files/fil_1", filename: "plot.png" },
    { type: "data-usage", data: { inputTokens: 3 } },
    { type: "error", errorText: "out of tokens" },
  ];
  const lines = parts.map((part) => view.part({ turnId: "trn_1", part: { ...part } }));
  lines.push(view.part({ turnId: "trn_1", part: { type: "start" } }));
  lines.push(view.part({ turnId: "trn_2", part: { type: "start" } }));
  lines.push(view.part({ turnId: "trn_2", part: { type: "abort", reason: "No longer needed." } }));
  expect(lines.join("")).toBe(
    [
      "> Also",
      "> this",
      "· Preparing response...",
      "± modified a.ts +3 -1",
      "+ plot.png /v1/files/fil_1",
      "✗ out of tokens",
      "── trn_2",
      "■ aborted: No longer needed.",
      "",
    ].join("\n"),
  );
});

test("a view of a run lets no text of others move the cursor", () => {
  const evil = "\x1b[2J\x1b]0;title\x07ok\r\n\u202eback";
  const parts = [
    ...text("t", evil),
    { type: "tool-input-available", toolCallId: evil, toolName: evil, input: { evil } },
    { type: "tool-output-error", toolCallId: evil, errorText: evil },
    { type: "data-diff", data: { path: evil, change: evil, added: evil, removed: 1 } },
    { type: "data-user-message", data: { text: evil } },
    { type: "file", url: evil, filename: evil },
    { type: "abort", reason: evil },
    { type: "error", errorText: evil },
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
  expect(shown(parts)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u202e]/);
});
