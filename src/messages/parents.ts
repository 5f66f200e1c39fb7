import type { Reading } from "../db/database.ts";
import type { LogEntry } from "../log/tail.ts";
import type { Worked } from "./claims.ts";
import type { Readers } from "./readers.ts";
import type { Parent } from "./schema.ts";

/** `include=parent`: what an entry replies to goes along with it, where its reader may read that. */
export type Parents = ReturnType<typeof createParents>;

/** Replies of one answer whose parents are looked up: a model is shown no more messages than this. */
const MAX_FOR_MODEL = 128;

/** Looks up what entries reply to, for each way that hands entries over. */
export function createParents(readers: Pick<Readers, "parentsOf">) {
  return {
    /** By the reply's id, as JSON. */
    of: readers.parentsOf,

    /** The entries as a stream sends them: the parent is a member of each reply. */
    async within(on: Reading, agentId: string, entries: readonly LogEntry[]): Promise<LogEntry[]> {
      const parents = await readers.parentsOf(on, agentId, entries);
      return entries.map((entry) => {
        const parent = parents.get(entry.id);
        if (parent === undefined) return entry;
        // The encoding for streams without parents cannot be reused.
        const { sse: _, frame: __, ...rest } = entry;
        return { ...rest, json: `${entry.json.slice(0, -1)},"parent":${parent}}` };
      });
    },

    /** Claimed work, with what each message replies to. */
    async ofWork(on: Reading, agentId: string, items: readonly Worked[]): Promise<Worked[]> {
      const parents = await readers.parentsOf(
        on,
        agentId,
        items.map(({ entry }) => entry),
      );
      return items.map((item) => ({ ...item, parent: parents.get(item.entry.id) }));
    },

    /** By the reply's id, for entries that a model is shown: urgent ones and the oldest. */
    async forModel(on: Reading, agentId: string, entries: readonly LogEntry[]): Promise<Map<number, Parent>> {
      const first = entries.slice(0, MAX_FOR_MODEL);
      const urgent = entries.slice(MAX_FOR_MODEL).filter(({ urgent }) => urgent);
      const parents = await readers.parentsOf(on, agentId, [...first, ...urgent.slice(0, MAX_FOR_MODEL)]);
      return new Map([...parents].map(([id, json]) => [id, JSON.parse(json) as Parent]));
    },
  };
}
