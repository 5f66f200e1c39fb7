import type { PartForm } from "../../features/runs/follow.ts";
import { isEnd, isStart, type PartEntry, partJson } from "../../features/runs/part-log.ts";
import type { Part } from "../../features/runs/turn-state.ts";
import { dataLine } from "../../kernel/log/outlet.ts";
import type { Entry } from "../../kernel/log/tail.ts";

type Members = Record<string, unknown>;
type AgUiEvent = { type: string } & Members;

/** One turn as AG-UI 1.0 events. `names`: the client's own names of its thread and its run. */
export function agUiForm(names: { threadId: string; runId: string }): PartForm {
  const encoder = createEncoder(names);
  let hasBegun = false;
  return {
    headers: { "cache-control": "no-cache" },
    encode(entries) {
      const from = hasBegun ? 0 : entries.findIndex(isStart);
      if (from < 0) return [];
      hasBegun = true;
      return entries.slice(from).flatMap((entry) => toEntry(entry, encoder(entry)));
    },
    isLast: isEnd,
    end: () => undefined,
    cut: () => undefined,
  };
}

function toEntry({ id, key, event, expiresAt }: PartEntry, events: readonly AgUiEvent[]): Entry[] {
  if (events.length === 0) return [];
  const sse = Buffer.concat(events.map((one) => dataLine(JSON.stringify(one))));
  return [{ id, key, event, expiresAt, json: "", sse }];
}

const custom = (name: string, value: unknown): AgUiEvent => ({ type: "CUSTOM", name, value });

/** Turns parts into events: the ids of parts are unique in their turn alone, those of AG-UI in the thread. */
function createEncoder(names: { threadId: string; runId: string }) {
  /** Status lines that are open: they are no thoughts. */
  const lines = new Set<unknown>();
  const called = new Set<unknown>();

  function reasoning(part: Part, messageId: string): AgUiEvent[] {
    if (part.providerMetadata) lines.add(part.id);
    if (lines.has(part.id)) return part.delta === undefined ? [] : [custom("status", part.delta)];
    if (part.delta !== undefined) return [{ type: "REASONING_MESSAGE_CONTENT", messageId, delta: part.delta }];
    if (part.type === "reasoning-end")
      return [
        { type: "REASONING_MESSAGE_END", messageId },
        { type: "REASONING_END", messageId },
      ];
    return [
      { type: "REASONING_START", messageId },
      { type: "REASONING_MESSAGE_START", messageId, role: "reasoning" },
    ];
  }

  function input(part: Part, toolCallId: string): AgUiEvent[] {
    if (called.has(toolCallId)) return [custom("tool-input", { toolCallId, input: part.input })];
    called.add(toolCallId);
    return [
      { type: "TOOL_CALL_ARGS", toolCallId, delta: JSON.stringify(part.input) },
      { type: "TOOL_CALL_END", toolCallId },
    ];
  }

  function output({ output, errorText, preliminary }: Part, toolCallId: string): AgUiEvent[] {
    if (preliminary) return [custom("tool-output", { toolCallId, output })];
    const { text } = (output ?? {}) as { text?: unknown };
    const content = (errorText ?? text ?? JSON.stringify(output)) as string;
    return [{ type: "TOOL_CALL_RESULT", messageId: `${toolCallId}:result`, toolCallId, content, role: "tool" }];
  }

  return (entry: PartEntry): AgUiEvent[] => {
    const part = JSON.parse(partJson(entry)) as Part;
    const messageId = `${entry.turnId}:${part.id}`;
    const toolCallId = `${entry.turnId}:${part.toolCallId}`;
    switch (part.type) {
      case "start":
        return [{ type: "RUN_STARTED", ...names }];
      case "text-start":
        return [{ type: "TEXT_MESSAGE_START", messageId, role: "assistant" }];
      case "text-delta":
        return [{ type: "TEXT_MESSAGE_CONTENT", messageId, delta: part.delta }];
      case "text-end":
        return [{ type: "TEXT_MESSAGE_END", messageId }];
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return reasoning(part, messageId);
      case "tool-input-start":
        return [{ type: "TOOL_CALL_START", toolCallId, toolCallName: part.toolName }];
      case "tool-input-available":
        return input(part, toolCallId);
      case "tool-output-available":
      case "tool-output-error":
        return output(part, toolCallId);
      case "file":
        return [custom("file", { url: part.url, mediaType: part.mediaType, filename: part.filename })];
      case "finish":
        return [{ type: "RUN_FINISHED", ...names, outcome: { type: "success" } }];
      case "abort":
        return [{ type: "RUN_FINISHED", ...names, outcome: { type: "cancelled" } }];
      case "error":
        return [{ type: "RUN_ERROR", message: part.errorText }];
      default:
        return part.type.startsWith("data-") ? [custom(part.type.slice("data-".length), part.data)] : [];
    }
  };
}
