import type { SessionEvent } from "../provider.ts";
import { diffOf } from "./diffs.ts";
import { type Change, Item } from "./messages.ts";

type ItemOf<Type extends Item["type"]> = Extract<Item, { type: Type }>;

/** Events of the parts of one thread. */
export function createItems(emit: (event: SessionEvent) => void) {
  const texts = new Map<string, string>();
  const changes = new Map<string, readonly Change[]>();
  let answer: string | null = null;
  /** A message was said since the last tool: the next one begins a paragraph. */
  let hasSpoken = false;

  function say(id: string, delta: string): void {
    const before = texts.get(id);
    texts.set(id, (before ?? "") + delta);
    emit({ type: "say", delta: before === undefined && hasSpoken ? `\n\n${delta}` : delta });
    hasSpoken = true;
  }

  function said({ id, text }: ItemOf<"agentMessage">): void {
    answer = text;
    const before = texts.get(id);
    texts.delete(id);
    if (before === undefined) emit({ type: "said", text });
    else if (text.startsWith(before) && text.length > before.length) say(id, text.slice(before.length));
    texts.delete(id);
  }

  function thought({ id, summary, content }: ItemOf<"reasoning">): void {
    const text = (summary.length > 0 ? summary : content).join("\n\n");
    if (!texts.delete(id) && text !== "") emit({ type: "think", delta: text });
  }

  function startTool(id: string, name: string, args: unknown): void {
    hasSpoken = false;
    emit({ type: "tool", phase: "start", id, name, args });
  }

  function changed({ id, changes: made, status }: ItemOf<"fileChange">): void {
    changes.delete(id);
    if (status === "completed") for (const change of made) emit(diffOf(change));
    else emit({ type: "status", text: `${made.map(({ path }) => path).join(", ")} not changed: ${status}` });
  }

  function started(item: Item): void {
    if (item.type === "commandExecution") startTool(item.id, "shell", { command: item.command, cwd: item.cwd ?? null });
    else if (item.type === "mcpToolCall") startTool(item.id, `${item.server}.${item.tool}`, item.arguments ?? null);
    else if (item.type === "dynamicToolCall") startTool(item.id, dynamicName(item), item.arguments ?? null);
    else if (item.type === "webSearch") startTool(item.id, "web_search", { query: item.query });
    else if (item.type === "collabAgentToolCall")
      startTool(item.id, `agents.${item.tool}`, { prompt: item.prompt ?? null, threads: item.receiverThreadIds });
    else if (item.type === "contextCompaction") emit({ type: "compaction", phase: "start" });
    else if (item.type === "fileChange") changes.set(item.id, item.changes);
  }

  function completed(item: Item): void {
    if (item.type === "agentMessage") said(item);
    else if (item.type === "reasoning") thought(item);
    else if (item.type === "fileChange") changed(item);
    else if (item.type === "contextCompaction") emit({ type: "compaction", phase: "end" });
    else if (item.type !== "userMessage") emit({ type: "tool", phase: "result", id: item.id, ...resultOf(item) });
  }

  return {
    started: (value: unknown): Item | undefined => told(value, started),
    completed: (value: unknown): Item | undefined => told(value, completed),
    delta(method: string, id: string, delta: string): void {
      if (method === "item/agentMessage/delta") say(id, delta);
      else if (method === "item/commandExecution/outputDelta")
        emit({ type: "tool", phase: "update", id, result: delta });
      else {
        texts.set(id, "");
        emit({ type: "think", delta });
      }
    },
    progress: (id: string, message: string): void => emit({ type: "tool", phase: "update", id, result: message }),
    patch: (id: string, made: readonly Change[]): void => void changes.set(id, made),
    changesOf: (id: string): readonly Change[] => changes.get(id) ?? [],
    /** Text of the newest message since the last call; null for none. */
    takeAnswer(): string | null {
      const text = answer;
      answer = null;
      hasSpoken = false;
      texts.clear();
      changes.clear();
      return text;
    },
  };
}
export type Items = ReturnType<typeof createItems>;

function told(value: unknown, tell: (item: Item) => void): Item | undefined {
  const { data } = Item.safeParse(value);
  if (data) tell(data);
  return data;
}

const dynamicName = ({ namespace, tool }: ItemOf<"dynamicToolCall">): string =>
  namespace ? `${namespace}.${tool}` : tool;

type Tool = ItemOf<"commandExecution" | "mcpToolCall" | "dynamicToolCall" | "webSearch" | "collabAgentToolCall">;

function resultOf(item: Tool): { result: unknown; isError: boolean; exitCode?: number } {
  if (item.type === "webSearch") return { result: null, isError: false };
  if (item.type === "dynamicToolCall") return { result: item.contentItems ?? null, isError: item.success === false };
  if (item.type === "collabAgentToolCall") return { result: item.status, isError: item.status === "failed" };
  if (item.type === "mcpToolCall")
    return { result: item.error?.message ?? item.result ?? null, isError: Boolean(item.error) };
  const { aggregatedOutput, exitCode, status } = item;
  return {
    result: aggregatedOutput ?? (status === "declined" ? "declined" : ""),
    isError: status === "failed" || status === "declined" || (exitCode ?? 0) !== 0,
    ...(exitCode !== null && exitCode !== undefined && { exitCode }),
  };
}
