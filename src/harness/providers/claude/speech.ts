import { z } from "zod";
import type { SessionEvent } from "../provider.ts";
import type { Block, Line, Message } from "./wire.ts";

const Patch = z.object({
  type: z.string().optional(),
  filePath: z.string(),
  content: z.string().optional(),
  structuredPatch: z.array(
    z.object({
      ...{ oldStart: z.number(), oldLines: z.number(), newStart: z.number(), newLines: z.number() },
      lines: z.array(z.string()),
    }),
  ),
});

/** Sayings and tool calls of a session as events. Sub-agents are heard by their tools alone: their words are no answer. */
export function createSpeech(on: (event: SessionEvent) => void) {
  /** Text of the running message comes in deltas, which its block repeats. */
  let isStreamed = false;
  let hasSpoken = false;
  const tools = new Map<string, string>();

  function takeDelta({ event, parent_tool_use_id: parent }: Line & { type: "stream_event" }): void {
    if (parent) return;
    if (event.type === "message_start") isStreamed = true;
    if (event.type === "message_stop") isStreamed = false;
    if (event.content_block?.type === "text" && hasSpoken) on({ type: "say", delta: "\n\n" });
    if (event.delta?.text) {
      hasSpoken = true;
      on({ type: "say", delta: event.delta.text });
    }
    if (event.delta?.thinking) on({ type: "think", delta: event.delta.thinking });
  }

  function takeBlock(block: Block, message: Message): void {
    const isWord = message.type === "assistant" && !message.parent_tool_use_id && !message.error && !isStreamed;
    if ("text" in block && isWord) on({ type: "said", text: block.text });
    if ("thinking" in block && isWord) on({ type: "think", delta: block.thinking });
    if ("name" in block) {
      hasSpoken = false;
      tools.set(block.id, block.name);
      on({ type: "tool", phase: "start", id: block.id, name: block.name, args: block.input });
    }
    if ("tool_use_id" in block) takeResult(block, message);
  }

  function takeResult(block: Extract<Block, { tool_use_id: string }>, message: Message): void {
    const { tool_use_id: id, content, is_error } = block;
    const isError = is_error === true;
    const exitCode = tools.get(id) === "Bash" ? exitOf(content, isError) : undefined;
    tools.delete(id);
    on({ type: "tool", phase: "result", id, result: content, isError, ...(exitCode !== undefined && { exitCode }) });
    if (!isError) takeChange(message.tool_use_result);
  }

  /** A file that an edit made or changed. */
  function takeChange(result: unknown): void {
    const { data } = Patch.safeParse(result);
    if (!data) return;
    const isNew = data.type === "create";
    const lines = isNew
      ? (data.content ?? "")
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => `+${line}`)
      : data.structuredPatch.flatMap((hunk) => hunk.lines);
    const heads = data.structuredPatch.map(
      (hunk) => `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@\n${hunk.lines.join("\n")}`,
    );
    on({
      type: "diff",
      path: data.filePath,
      change: isNew ? "added" : "modified",
      added: lines.filter((line) => line.startsWith("+")).length,
      removed: lines.filter((line) => line.startsWith("-")).length,
      ...(heads.length > 0 && { patch: heads.join("\n") }),
    });
  }

  return {
    takeDelta,
    takeMessage(message: Message): void {
      for (const block of message.message.content) takeBlock(block, message);
    },
    /** Begins a turn: its first words do not follow those of the last. */
    begin(): void {
      hasSpoken = false;
      isStreamed = false;
    },
  };
}

/** Exit code of a shell command, which the CLI says in its text alone. */
function exitOf(content: unknown, isError: boolean): number | undefined {
  if (!isError) return 0;
  const [, code] = /^Exit code (\d+)/.exec(typeof content === "string" ? content : "") ?? [];
  return code === undefined ? undefined : Number(code);
}
