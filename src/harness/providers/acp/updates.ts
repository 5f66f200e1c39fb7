import { z } from "zod";
import type { SessionEvent } from "../provider.ts";
import { diffOf } from "./diffs.ts";

// Updates of a session, as of version 1 of the protocol and its unstable parts. Unknown ones are passed over.

const text = z.string();
const Text = z.object({ type: z.literal("text"), text });
const Content = z.union([
  z.object({ type: z.literal("content"), content: Text }),
  z.object({ type: z.literal("diff"), path: text, oldText: text.nullish(), newText: text }),
  z.object({ type: text }),
]);
type Content = z.infer<typeof Content>;

export const ToolCall = z.object({
  toolCallId: text,
  title: text.nullish(),
  name: text.nullish(),
  kind: text.nullish(),
  status: text.nullish(),
  content: z.array(Content).nullish().catch(null),
  locations: z
    .array(z.object({ path: text }))
    .nullish()
    .catch(null),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
});
export type ToolCall = z.infer<typeof ToolCall>;

const kind = <Name extends string, Shape extends z.ZodRawShape>(sessionUpdate: Name, shape: Shape) =>
  z.object({ sessionUpdate: z.literal(sessionUpdate), ...shape });

const chunk = { content: z.unknown().optional(), messageId: text.nullish() };
const Update = z.discriminatedUnion("sessionUpdate", [
  kind("agent_message_chunk", chunk),
  kind("agent_thought_chunk", chunk),
  kind("tool_call", ToolCall.shape),
  kind("tool_call_update", ToolCall.shape),
  kind("plan", { entries: z.array(z.object({ content: text, status: text })) }),
  kind("notice", { title: text, description: text.nullish() }),
  kind("compaction_update", { status: text }),
  kind("usage_update", { cost: z.object({ amount: z.number().min(0), currency: text }).nullish() }),
]);
type Update = z.infer<typeof Update>;
export const Notification = z.object({ sessionId: text, update: Update });

type Handlers = { [Name in Update["sessionUpdate"]]: (update: Extract<Update, { sessionUpdate: Name }>) => void };

/** Takes the updates of one session. */
export function createUpdates(emit: (event: SessionEvent) => void) {
  const speech = createSpeech(emit);
  const tools = createTools(emit, speech.pause);
  let cost: number | null = null;
  const handlers: Handlers = {
    agent_message_chunk: ({ content, messageId }) => speech.say(textIn(content), messageId ?? null),
    agent_thought_chunk: ({ content }) => {
      if (textIn(content) !== "") emit({ type: "think", delta: textIn(content) });
    },
    tool_call: tools.take,
    tool_call_update: tools.take,
    plan: ({ entries }) => emit({ type: "status", text: planOf(entries) }),
    notice: ({ title, description }) => emit({ type: "status", text: [title, description].filter(Boolean).join(": ") }),
    compaction_update: ({ status }) => emit({ type: "compaction", phase: status === "in_progress" ? "start" : "end" }),
    // A sum of the whole session: the first one may hold the cost of earlier days.
    usage_update: ({ cost: now }) => {
      if (now?.currency !== "USD") return;
      const more = cost === null ? 0 : now.amount - cost;
      cost = now.amount;
      if (more > 0) emit({ type: "usage", usage: { costUsd: more } });
    },
  };
  return {
    take(update: Update): void {
      (handlers[update.sessionUpdate] as (of: Update) => void)(update);
    },
    /** A new session has cost nothing. */
    beginCosts(): void {
      cost = 0;
    },
    toolOf: tools.get,
    takeAnswer(): string {
      tools.clear();
      return speech.takeAnswer();
    },
  };
}
export type Updates = ReturnType<typeof createUpdates>;

const textIn = (content: unknown): string => Text.safeParse(content).data?.text ?? "";

/** Text of the assistant: the answer is its last message, or what it said since its last tool where messages have no ids. */
function createSpeech(emit: (event: SessionEvent) => void) {
  let answer = "";
  let earlier = "";
  let message: string | null = null;
  return {
    say(delta: string, messageId: string | null): void {
      if (delta === "") return;
      const isNext = answer !== "" && messageId !== null && message !== null && messageId !== message;
      message = messageId;
      answer = isNext ? delta : answer + delta;
      emit({ type: "say", delta: isNext ? `\n\n${delta}` : delta });
    },
    pause(): void {
      if (answer !== "") earlier = answer;
      answer = "";
    },
    takeAnswer(): string {
      const text = (answer || earlier).trim();
      answer = "";
      earlier = "";
      return text;
    },
  };
}

function createTools(emit: (event: SessionEvent) => void, onStart: () => void) {
  const calls = new Map<string, ToolCall>();
  const over = new Set<string>();

  function start(call: ToolCall): void {
    onStart();
    const { toolCallId: id, name, title, kind: of, rawInput, locations } = call;
    const args = rawInput ?? { title: title ?? null, paths: (locations ?? []).map(({ path }) => path) };
    emit({ type: "tool", phase: "start", id, name: name ?? of ?? title ?? "tool", args });
  }

  function end(call: ToolCall, isError: boolean): void {
    over.add(call.toolCallId);
    const { toolCallId: id, rawOutput, content } = call;
    const exitCode = exitCodeOf(rawOutput);
    const result = rawOutput ?? textsIn(content ?? []);
    const exit = exitCode === undefined ? {} : { exitCode };
    emit({ type: "tool", phase: "result", id, result, isError, ...exit });
    if (!isError) for (const one of content ?? []) if ("newText" in one) emit(diffIn(one));
  }

  return {
    take(update: ToolCall): void {
      const before = calls.get(update.toolCallId);
      const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value != null));
      const call: ToolCall = { ...before, ...given, toolCallId: update.toolCallId };
      calls.set(update.toolCallId, call);
      if (!before) start(call);
      if (over.has(update.toolCallId)) return;
      if (call.status === "completed" || call.status === "failed") end(call, call.status === "failed");
      else if (before && update.content)
        emit({ type: "tool", phase: "update", id: call.toolCallId, result: textsIn(update.content) });
    },
    get: (id: string): ToolCall | undefined => calls.get(id),
    clear(): void {
      calls.clear();
      over.clear();
    },
  };
}

type DiffContent = Extract<Content, { newText: string }>;
export const diffIn = ({ path, oldText, newText }: DiffContent) => diffOf(path, oldText ?? null, newText);

const textsIn = (content: readonly Content[]): string =>
  content.map((one) => ("content" in one ? one.content.text : "")).join("");

function exitCodeOf(output: unknown): number | undefined {
  const { exitCode, exit_code } = (output ?? {}) as { exitCode?: unknown; exit_code?: unknown };
  const code = exitCode ?? exit_code;
  return Number.isInteger(code) ? (code as number) : undefined;
}

function planOf(entries: readonly { content: string; status: string }[]): string {
  const done = entries.filter(({ status }) => status === "completed").length;
  const now = entries.find(({ status }) => status !== "completed");
  return `Plan, ${done} of ${entries.length}${now ? `: ${now.content}` : ""}`;
}
