import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Parent } from "../../protocol/messages.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { WorkItem } from "../work/items.ts";
import type { LogEntry } from "./entry.ts";
import type { Excerpt, Readers } from "./readers.ts";

/** `include=parent`: an entry carries the message it replies to, where its reader may read that. */
export type Parents = ReturnType<typeof createParents>;

/** Replies of one answer whose parents are read: a model is shown no more messages than this. */
const MAX_FOR_MODEL = 128;

/** Entries with their parents, and the parents among the reader's own mail that had not reached it. */
export interface WithParents {
  entries: LogEntry[];
  unseen: number[];
}

/** Reads the parents of entries, for each transport. A parent that is shown counts as offered. */
export function createParents(readers: Pick<Readers, "parentsOf">, deliveries: Deliveries) {
  const seenIn = (excerpts: Iterable<Excerpt>) => [...excerpts].map(({ entry }) => entry);

  /** Reads the parents, and notes them as delivered with this answer. By the reply's id, as JSON. */
  async function shownTo(on: ReadTx, caller: Caller, agentId: string, entries: readonly LogEntry[]) {
    const parents = await readers.parentsOf(on, agentId, entries);
    if (caller.agentId === agentId) await deliveries.noteSeen(on, caller, seenIn(parents.values()));
    return new Map([...parents].map(([id, { json }]) => [id, json]));
  }

  return {
    shownTo,

    /** The entries as a stream sends them: the parent is a member of each reply. */
    async within(on: ReadTx, agentId: string, entries: readonly LogEntry[]): Promise<WithParents> {
      const parents = await readers.parentsOf(on, agentId, entries);
      const joined = entries.map((entry) => {
        const parent = parents.get(entry.id);
        if (parent === undefined) return entry;
        // The encoding for streams without parents cannot be reused.
        const { sse: _, frame: __, ...rest } = entry;
        return { ...rest, json: `${entry.json.slice(0, -1)},"parent":${parent.json}}` };
      });
      return { entries: joined, unseen: await deliveries.unseen(on, agentId, seenIn(parents.values())) };
    },

    /** Claimed work, each item with its parent. */
    async ofWork(on: ReadTx, caller: Caller, agentId: string, items: readonly WorkItem[]): Promise<WorkItem[]> {
      const entries = items.map(({ entry }) => entry);
      const parents = await shownTo(on, caller, agentId, entries);
      return items.map((item) => ({ ...item, parent: parents.get(item.entry.id) }));
    },

    /** For entries that a model may be shown: urgent ones and the oldest. */
    async forModel(on: ReadTx, agentId: string, entries: readonly LogEntry[]) {
      const first = entries.slice(0, MAX_FOR_MODEL);
      const urgent = entries.slice(MAX_FOR_MODEL).filter(({ urgent }) => urgent);
      const parents = await readers.parentsOf(on, agentId, [...first, ...urgent.slice(0, MAX_FOR_MODEL)]);
      return {
        of(id: number): Parent | undefined {
          const parent = parents.get(id);
          return parent && (JSON.parse(parent.json) as Parent);
        },
        /** Ids of the entries that were shown: their parents were shown with them. */
        async noteShown(on: ReadTx, caller: Caller, shown: readonly number[]): Promise<void> {
          const excerpts = shown.map((id) => parents.get(id)).filter((parent) => parent !== undefined);
          if (caller.agentId === agentId) await deliveries.noteSeen(on, caller, seenIn(excerpts));
        },
      };
    },
  };
}
