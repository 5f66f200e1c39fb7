import { z } from "zod";
import type { SessionEvent } from "../provider.ts";
import type { Tokens } from "./messages.ts";

// Lines of `codex exec --json`, as of 0.171.0. Unknown ones are passed over.

const count = z.number().min(0).catch(0);
const id = z.string();
const Item = z.union([
  z.object({ type: z.enum(["agent_message", "reasoning"]), text: z.string() }),
  z.object({
    ...{ type: z.literal("command_execution"), id, command: z.string(), aggregated_output: z.string().optional() },
    exit_code: z.number().int().nullish(),
  }),
  z.object({
    ...{ type: z.literal("mcp_tool_call"), id, server: z.string(), tool: z.string() },
    ...{ arguments: z.unknown().optional(), result: z.unknown().optional() },
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
  z.object({ type: z.literal("thread.started"), thread_id: z.string() }),
  z.object({ type: z.literal("turn.started") }),
  z.object({ type: z.enum(["item.started", "item.completed"]), item: Item }),
  z.object({
    type: z.literal("turn.completed"),
    usage: z.object({ input_tokens: count, cached_input_tokens: count, output_tokens: count }),
  }),
  z.object({ type: z.literal("turn.failed"), error: z.object({ message: z.string() }) }),
  z.object({ type: z.literal("error"), message: z.string() }),
]);

/** `turn-over`: its end, with the sums of its thread, or with a failure. */
export type ExecEvent =
  | Extract<SessionEvent, { type: "native" | "turn-started" | "said" | "think" | "tool" | "diff" | "status" }>
  | { type: "turn-over"; total: Tokens }
  | { type: "turn-over"; error: string };

/** Events of one line. */
export function execEvents(line: object): ExecEvent[] {
  const { data } = Line.safeParse(line);
  switch (data?.type) {
    case "thread.started":
      return [{ type: "native", nativeId: data.thread_id }];
    case "turn.started":
      return [{ type: "turn-started", nativeTurnId: null, inputIds: [] }];
    case "item.started":
      return started(data.item);
    case "item.completed":
      return completed(data.item);
    case "turn.completed":
      return [{ type: "turn-over", total: totalOf(data.usage) }];
    case "turn.failed":
      return [{ type: "turn-over", error: data.error.message }];
    case "error":
      // Codex tries again: not the end of the turn.
      return [{ type: "status", text: data.message }];
    default:
      return [];
  }
}

const totalOf = (usage: { input_tokens: number; cached_input_tokens: number; output_tokens: number }): Tokens => ({
  inputTokens: usage.input_tokens,
  cachedInputTokens: usage.cached_input_tokens,
  cacheWriteInputTokens: 0,
  outputTokens: usage.output_tokens,
});

function started(item: Item): ExecEvent[] {
  const start = (toolId: string, name: string, args: unknown): ExecEvent[] => [
    { type: "tool", phase: "start", id: toolId, name, args },
  ];
  if (item.type === "command_execution") return start(item.id, "shell", { command: item.command });
  if (item.type === "mcp_tool_call") return start(item.id, `${item.server}.${item.tool}`, item.arguments);
  return item.type === "web_search" ? start(item.id, "web_search", { query: item.query }) : [];
}

function completed(item: Item): ExecEvent[] {
  const result = (toolId: string, value: unknown, isError: boolean, exitCode?: number | null): ExecEvent[] => [
    {
      ...{ type: "tool", phase: "result", id: toolId, result: value, isError },
      ...(typeof exitCode === "number" && { exitCode }),
    },
  ];
  switch (item.type) {
    case "agent_message":
      return [{ type: "said", text: item.text }];
    case "reasoning":
      return [{ type: "think", delta: item.text }];
    case "command_execution":
      return result(item.id, item.aggregated_output ?? "", (item.exit_code ?? 0) !== 0, item.exit_code);
    case "mcp_tool_call":
      return result(item.id, item.error?.message ?? item.result ?? null, Boolean(item.error));
    case "web_search":
      return result(item.id, null, false);
    case "error":
      return [{ type: "status", text: item.message }];
    case "file_change":
      return item.changes.map(({ path, kind }) => ({
        type: "diff",
        path,
        change: CHANGES[kind],
        added: 0,
        removed: 0,
      }));
  }
}

const CHANGES = { add: "added", delete: "deleted", update: "modified" } as const;
