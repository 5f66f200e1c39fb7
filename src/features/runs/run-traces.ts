import type { Areas } from "../../core/core.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { TraceDraft } from "../../protocol/traces.ts";
import type { Traces } from "../traces/traces.ts";
import type { PartRow, RunRow, TurnRow } from "./row.ts";
import type { RunStore } from "./store.ts";
import type { PartStore } from "./store-parts.ts";
import type { Part } from "./turn-state.ts";

const LEAVE = "run.traces";
/** Parts of one turn that are read, from its end, and bytes of them. */
const MAX_PARTS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;
const PAGE = 500;
/** Bytes of one trace: a little less than it may have. */
const CONTENT = 15 * 1024;

export type RunTraces = ReturnType<typeof createRunTraces>;

interface Parts {
  store: RunStore;
  parts: PartStore;
}

/** Thoughts and tools of a run that works on a message, left as traces of that message. */
export function createRunTraces(
  { kernel, traces }: Pick<Areas, "kernel"> & { traces: Traces },
  { store, parts }: Parts,
) {
  const { clock, due } = kernel;

  async function leave(tx: Tx, { key: turnId, data }: DueRow): Promise<void> {
    const run = await store.byId(tx, String(data.runId));
    if (!run || run.messageId === null) return;
    const drafts = draftsOf(await partsOf(tx, run.id, turnId), { runId: run.id, turnId });
    if (drafts.length > 0) await traces.service.leave(tx, run.agentId, run.messageId, drafts);
  }

  /** Parts of a turn, oldest first; of a very large one those at its end. */
  async function partsOf(on: ReadTx, runId: string, turnId: string): Promise<Part[]> {
    const found: PartRow[] = [];
    let bytes = 0;
    let isFound = false;
    for (let place = Number.MAX_SAFE_INTEGER, read = 0; read < MAX_PARTS; read += PAGE) {
      const rows = await parts.before(on, runId, place, PAGE);
      for (const row of rows) {
        place = row.place;
        bytes += row.json.length;
        if ((isFound && row.turnId !== turnId) || bytes > MAX_BYTES) return parsed(found);
        isFound ||= row.turnId === turnId;
        if (row.turnId === turnId) found.push(row);
      }
      if (rows.length < PAGE) break;
    }
    return parsed(found);
  }

  return {
    /** Plans it for when the write that ends the turn is on disk. */
    plan: async (tx: Tx, run: RunRow, turn: TurnRow): Promise<void> => {
      if (run.messageId !== null && turn.startedAt !== null)
        await due.schedule(tx, LEAVE, turn.id, clock.now(), { runId: run.id });
    },
    dueHandlers: { [LEAVE]: leave },
  };
}

const parsed = (rows: readonly PartRow[]): Part[] => rows.toReversed().map(({ json }) => JSON.parse(json));

/** Traces of finished parts: thoughts at level 2, calls of tools at level 3. */
export function draftsOf(parts: readonly Part[], metadata: Record<string, unknown>): TraceDraft[] {
  const drafts: TraceDraft[] = [];
  const thoughts = new Map<unknown, string>();
  const calls = new Map<unknown, { name: unknown; input: unknown }>();
  for (const part of parts) {
    // A line of status is no thought.
    if (part.type === "reasoning-start" && part.providerMetadata === undefined) thoughts.set(part.id, "");
    const thought = thoughts.get(part.id);
    if (part.type === "reasoning-delta" && thought !== undefined) thoughts.set(part.id, thought + part.delta);
    if (part.type === "reasoning-end" && thought) drafts.push(draft(2, "thinking", thought, metadata));
    if (part.type === "tool-input-available") calls.set(part.toolCallId, { name: part.toolName, input: part.input });
    const call = calls.get(part.toolCallId);
    const isError = part.type === "tool-output-error";
    if (!call || part.preliminary === true || !(isError || part.type === "tool-output-available")) continue;
    const output = isError ? part.errorText : part.output;
    const content = `${call.name} ${short(call.input)}\n${short(output)}`;
    drafts.push(draft(3, "tool_call", content, { ...metadata, toolCallId: part.toolCallId, isError }));
    calls.delete(part.toolCallId);
  }
  return drafts;
}

const draft = (level: 2 | 3, type: string, content: string, metadata: Record<string, unknown>): TraceDraft => ({
  ...{ level, type, encoding: "plain", metadata },
  content: beginning(content, CONTENT),
});

/** A value as text: the beginning of a long one. */
function short(value: unknown): string {
  // Output that was text alone is stored as `{ text }`.
  const text = typeof value === "object" && value !== null && "text" in value ? value.text : value;
  return beginning(typeof text === "string" ? text : (JSON.stringify(value) ?? ""), CONTENT / 2);
}

/** The beginning of a text, without a broken character at its end. */
function beginning(text: string, bytes: number): string {
  if (text.length * 3 <= bytes) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}
