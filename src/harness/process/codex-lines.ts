import { z } from "zod";
import type { LineEvent, LineState, RunSink } from "./run-sink.ts";

// Lines of `codex exec --json`, as of 0.169.0. Unknown ones are passed over.

const count = z.number().min(0).catch(0);
const id = z.string();
const status = z.string().optional();
const Item = z.union([
  z.object({ type: z.enum(["agent_message", "reasoning"]), text: z.string() }),
  z.object({
    type: z.literal("command_execution"),
    ...{ id, status, command: z.string(), aggregated_output: z.string().optional() },
    exit_code: z.number().nullish(),
  }),
  z.object({
    type: z.literal("mcp_tool_call"),
    ...{
      id,
      status,
      server: z.string(),
      tool: z.string(),
      arguments: z.unknown().optional(),
      result: z.unknown().optional(),
    },
    error: z.object({ message: z.string() }).nullish(),
  }),
  z.object({ type: z.literal("web_search"), id, query: z.string() }),
  z.object({
    type: z.literal("file_change"),
    changes: z.array(z.object({ path: z.string(), kind: z.enum(["add", "delete", "update"]) })),
  }),
  z.object({ type: z.literal("error"), message: z.string() }),
]);
type Item = z.infer<typeof Item>;

const Line = z.union([
  z.object({ type: z.enum(["item.started", "item.completed"]), item: Item }),
  z.object({
    type: z.literal("turn.completed"),
    usage: z.object({ input_tokens: count, cached_input_tokens: count, output_tokens: count }),
  }),
  z.object({ type: z.literal("turn.failed"), error: z.object({ message: z.string() }) }),
  z.object({ type: z.literal("error"), message: z.string() }),
]);

/** Reports one line of Codex. */
export function codexLine(event: LineEvent, sink: RunSink, state: LineState): void {
  const { data } = Line.safeParse(event);
  if (!data) return;
  if ("item" in data) (data.type === "item.started" ? started : completed)(data.item, sink, state);
  else if (data.type === "turn.completed")
    sink.usage({
      inputTokens: data.usage.input_tokens,
      outputTokens: data.usage.output_tokens,
      cacheReadTokens: data.usage.cached_input_tokens,
    });
  else sink.status("message" in data ? data.message : data.error.message);
}

function started(item: Item, { tool }: RunSink, state: LineState): void {
  state.hasSpoken = false;
  if (item.type === "command_execution") tool.start("shell", { command: item.command }, item.id);
  if (item.type === "mcp_tool_call") tool.start(`${item.server}.${item.tool}`, item.arguments, item.id);
  if (item.type === "web_search") tool.start("web_search", { query: item.query }, item.id);
}

function completed(item: Item, sink: RunSink, state: LineState): void {
  const { tool } = sink;
  if (item.type === "agent_message") {
    sink.say(`${state.hasSpoken ? "\n\n" : ""}${item.text}`);
    state.hasSpoken = true;
    state.answer = item.text;
  } else if (item.type === "reasoning") sink.think(item.text);
  else if (item.type === "command_execution")
    tool.result(item.id, item.aggregated_output ?? "", { isError: (item.exit_code ?? 0) !== 0 });
  else if (item.type === "mcp_tool_call")
    tool.result(item.id, item.error?.message ?? item.result ?? null, { isError: !!item.error });
  else if (item.type === "web_search") tool.result(item.id, null);
  else if (item.type === "error") sink.status(item.message);
  else if (item.type === "file_change")
    for (const { path, kind } of item.changes) sink.diff({ path, change: CHANGES[kind], added: 0, removed: 0 });
}

const CHANGES = { add: "added", delete: "deleted", update: "modified" } as const;
