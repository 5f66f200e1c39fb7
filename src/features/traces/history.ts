import type { Areas } from "../../core/core.ts";
import { type LogEntry, messageJson } from "../../core/messages/entry.ts";
import type { Found } from "../../core/messages/filter.ts";
import type { Lists } from "../../core/messages/lists.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { fitting, jsonBytes, PAGE_BYTES } from "../../kernel/pages.ts";
import { MAX_ALL_TRACES } from "../../protocol/limits.ts";
import { choose, traceJson } from "./service.ts";
import type { TraceStore } from "./store.ts";

/** Traces shown of one message, and their bytes. `GET` of its traces has the rest. */
const PER_MESSAGE = 200;
const PER_MESSAGE_BYTES = 1024 * 1024;
/** Traces read for one page, wanted or not. */
const MAX_LOOKED_AT = 10_000;

/** Query of a history. */
export interface Wish {
  thread?: number | undefined;
  level: number;
  agent?: string | undefined;
  sender?: string | undefined;
  traceType?: string | undefined;
  q?: string | undefined;
  before?: number | undefined;
  limit: number;
}

export type HistoryService = ReturnType<typeof createHistory>;

const entriesOf = (items: readonly Item[]): LogEntry[] => items.map(({ entry }) => entry);

type Item = Awaited<ReturnType<Lists["list"]>>["items"][number];

/** Messages with their traces. */
export function createHistory({ core }: Areas, traces: TraceStore) {
  const { messages } = core;
  const { lists } = core.messages;
  /** Newest message first, until the page is full; `next` is the oldest message shown of more. */
  async function withTraces(on: ReadTx, items: readonly Item[], wish: Wish) {
    const filter = { level: wish.level, type: wish.traceType, agent: wish.agent };
    const chosen: { item: Item; ids: number[]; next: number | null }[] = [];
    let bytes = 0;
    let lookedAt = 0;
    for (const item of items) {
      if (bytes >= PAGE_BYTES || lookedAt >= MAX_LOOKED_AT) break;
      const heads = await traces.heads(on, item.entry.id, 0, MAX_ALL_TRACES);
      const some = choose(heads, filter, PER_MESSAGE, PER_MESSAGE_BYTES);
      chosen.push({ item, ids: some.ids, next: some.next });
      bytes += item.entry.json.length + some.bytes;
      lookedAt += heads.length;
    }
    const ids = chosen.flatMap((one) => one.ids);
    const json = new Map((await traces.rows(on, ids)).map((row) => [row.id, traceJson(row)]));
    const shown = chosen.map(({ item, ids, next }) => {
      const own = ids.map((id) => json.get(id)).join(",");
      return messageJson(
        item.entry,
        item.work,
        `,"traces":[${own}],"tracesPage":${next === null ? null : `"${next}"`}`,
      );
    });
    const kept = fitting(shown, jsonBytes);
    return { shown: kept, cut: kept.length < items.length ? (items[kept.length - 1]?.entry.id ?? null) : null };
  }

  return {
    /** Ids that match the query's words, to be looked up before its page; undefined without words. @throws Problem 403, 409, 422, 503 */
    hits: async (caller: Caller, { q, before }: Pick<Wish, "q" | "before">): Promise<Found | undefined> =>
      q === undefined ? undefined : lists.hits(caller, q, { before }),
    /**
     * `GET /v1/history`: the newest messages that the caller may read and asked for, oldest first within the page, as JSON.
     * `next` is the place before which the next page begins, `shown` are its messages. @throws Problem 403, 409
     */
    async page(
      on: ReadTx,
      caller: Caller,
      wish: Wish,
      hits?: Found,
    ): Promise<{ items: string[]; next: number | null; shown: LogEntry[] }> {
      const named = wish.thread === undefined ? undefined : await messages.rows.lineage(on, wish.thread);
      const thread = named?.threadId ?? wish.thread;
      const filter = { thread, agent: wish.agent, from: wish.sender };
      const found = await lists.list(on, caller, filter, { before: wish.before }, wish.limit, hits);
      if (wish.level === 1) {
        const items = found.items.map(({ entry, work }) => messageJson(entry, work));
        return { items: items.reverse(), next: found.next, shown: entriesOf(found.items) };
      }
      const { shown, cut } = await withTraces(on, found.items, wish);
      const entries = entriesOf(found.items.slice(0, shown.length));
      return { items: shown.reverse(), next: cut ?? found.next, shown: entries };
    },
  };
}
