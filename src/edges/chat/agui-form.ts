import type { PartForm } from "../../features/runs/follow.ts";
import { isEnd, isStart, type PartEntry, partJson } from "../../features/runs/part-log.ts";
import type { Part } from "../../features/runs/turn-state.ts";
import { dataLine } from "../../kernel/log/outlet.ts";
import type { Entry } from "../../kernel/log/tail.ts";
import type { ApprovalPart } from "../../protocol/approvals.ts";
import { type AgUiEvent, createBlocks } from "./agui-blocks.ts";
import { interruptOf } from "./agui-interrupt.ts";

/** Approvals of a run, as a stream of AG-UI has to know them. */
export interface Interrupts {
  /** Ids of those that the client answered: the stream goes on after them. Empty: it begins at the turn's start. */
  resumed: ReadonlySet<string>;
  /** Ids of those that wait no more. */
  over: ReadonlySet<string>;
}

/**
 * One turn as AG-UI 1.0 events, up to an approval that waits: it ends the stream as an interrupt. `names`: the client's own names of
 * its thread and its run.
 */
export function agUiForm(names: { threadId: string; runId: string }, { resumed, over }: Interrupts): PartForm {
  const encoder = createEncoder(names);
  const unseen = new Set(resumed);
  let hasBegun = false;

  const interruptIn = (entry: PartEntry): ApprovalPart | undefined => {
    const approval = pendingIn(entry);
    return approval && !over.has(approval.id) && !resumed.has(approval.id) ? approval : undefined;
  };

  /** Index of the first part that is shown; -1 before that. */
  function begin(entries: readonly PartEntry[]): number {
    if (resumed.size === 0) return entries.findIndex(isStart);
    for (const [index, entry] of entries.entries()) {
      unseen.delete(pendingIn(entry)?.id ?? "");
      if (unseen.size === 0) return index + 1;
      // The client named another one than the stream had ended with.
      if (isEnd(entry) || interruptIn(entry)) return index;
    }
    return -1;
  }

  return {
    headers: { "cache-control": "no-cache" },
    encode(entries) {
      const from = hasBegun ? 0 : begin(entries);
      if (from < 0) return [];
      const isResumed = !hasBegun && resumed.size > 0;
      hasBegun = true;
      const shown = entries.slice(from).map((entry) => toEntry(entry, encoder.events(entry, interruptIn(entry))));
      const [first] = entries;
      return [...(isResumed && first ? toEntry(first, [encoder.begin()]) : []), ...shown.flat()];
    },
    isLast: (entry) => isEnd(entry) || interruptIn(entry) !== undefined,
    end: () => undefined,
    cut: () => undefined,
  };
}

/** The approval that a part says is pending. */
function pendingIn(entry: PartEntry): ApprovalPart | undefined {
  if (!entry.json.startsWith('{"type":"data-approval",', entry.partAt)) return undefined;
  const { data } = JSON.parse(partJson(entry)) as { data: ApprovalPart };
  return data.state === "pending" ? data : undefined;
}

function toEntry({ id, key, event, expiresAt }: PartEntry, events: readonly AgUiEvent[]): Entry[] {
  if (events.length === 0) return [];
  const sse = Buffer.concat(events.map((one) => dataLine(JSON.stringify(one))));
  return [{ id, key, event, expiresAt, json: "", sse }];
}

const custom = (name: string, value: unknown): AgUiEvent => ({ type: "CUSTOM", name, value });

/** Turns parts into events: the ids of parts are unique in their turn alone, those of AG-UI in the thread. */
function createEncoder(names: { threadId: string; runId: string }) {
  const blocks = createBlocks(names.runId);
  /** Status lines that are open: they are no thoughts. */
  const lines = new Set<unknown>();
  /** Calls of tools that began in this stream, and whether their input came. */
  const called = new Map<string, boolean>();

  function reasoning(part: Part, messageId: string): AgUiEvent[] {
    if (part.providerMetadata) lines.add(part.id);
    if (lines.has(part.id)) return part.delta === undefined ? [] : [custom("status", part.delta)];
    if (part.delta !== undefined) return blocks.delta("reasoning", messageId, part.delta);
    return part.type === "reasoning-end" ? blocks.end(messageId) : blocks.start("reasoning", messageId);
  }

  function call(part: Part, toolCallId: string): AgUiEvent[] {
    called.set(toolCallId, false);
    return [{ type: "TOOL_CALL_START", toolCallId, toolCallName: part.toolName }];
  }

  function input(part: Part, toolCallId: string): AgUiEvent[] {
    if (called.get(toolCallId) !== false) return [custom("tool-input", { toolCallId, input: part.input })];
    called.set(toolCallId, true);
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

  /** The end of the stream, before that of its turn. */
  function interrupt(approval: ApprovalPart): AgUiEvent[] {
    const open = [...called].filter(([, hasInput]) => !hasInput).map(([toolCallId]) => toolCallId);
    return [
      ...blocks.endAll(),
      ...open.map((toolCallId) => ({ type: "TOOL_CALL_END", toolCallId })),
      { type: "RUN_FINISHED", ...names, outcome: { type: "interrupt", interrupts: [interruptOf(approval)] } },
    ];
  }

  function eventsOf(part: Part, turnId: string): AgUiEvent[] {
    const messageId = `${turnId}:${part.id}`;
    const toolCallId = `${turnId}:${part.toolCallId}`;
    switch (part.type) {
      case "start":
        return [{ type: "RUN_STARTED", ...names }];
      case "text-start":
        return blocks.start("text", messageId);
      case "text-delta":
        return blocks.delta("text", messageId, part.delta);
      case "text-end":
        return blocks.end(messageId);
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return reasoning(part, messageId);
      case "tool-input-start":
        return call(part, toolCallId);
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
  }

  return {
    begin: (): AgUiEvent => ({ type: "RUN_STARTED", ...names }),
    events: (entry: PartEntry, approval: ApprovalPart | undefined): AgUiEvent[] =>
      approval ? interrupt(approval) : eventsOf(JSON.parse(partJson(entry)) as Part, entry.turnId),
  };
}
