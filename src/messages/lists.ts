import type { AgentService } from "../agents/service.ts";
import type { AgentStore } from "../agents/store.ts";
import { type Caller, readingAs } from "../auth/caller.ts";
import type { Reading } from "../db/database.ts";
import type { Who } from "../db/search.ts";
import type { LogEntry } from "../log/tail.ts";
import { fitting, jsonBytes } from "../pages.ts";
import { toLogEntry } from "./entry.ts";
import type { Search } from "./search.ts";
import type { Found, IdRange, MessageStore } from "./store.ts";
import { conditions, type Driver, drivers, type Filter } from "./store-lists.ts";
import type { WorkRow, WorkStore } from "./store-work.ts";

/** Candidates looked at for one page: a filter that matches little gives a short page, never a long wait. */
const CANDIDATES = 2000;

export interface ListPage {
  items: { entry: LogEntry; work: WorkRow | undefined }[];
  /** The place to go on from; null at the end. */
  next: number | null;
}

export type Lists = ReturnType<typeof createLists>;

/** Finding messages by what they are: lists, threads, search. Each sees only what its reader may. */
export function createLists(
  agents: AgentService,
  agentStore: AgentStore,
  store: MessageStore,
  works: WorkStore,
  search: Search,
) {
  /** @throws Problem 403, 409 */
  async function readerOf(on: Reading, caller: Caller): Promise<string | null> {
    const reader = readingAs(caller);
    if (reader !== null) await agents.requireActor(on, caller, reader);
    return reader;
  }

  async function everTargets(on: Reading, reader: string | null): Promise<string[]> {
    if (reader === null) return [];
    const members = await agentStore.membershipsBeyond(on, reader, 0);
    return [...new Set(members.map((member) => member.target))];
  }

  async function find(
    on: Reading,
    reader: string | null,
    filter: Filter,
    range: IdRange,
    limit: number,
    words?: string,
  ) {
    const { ids, reached } = await candidates(on, reader, filter, range, words);
    const kept = await store.filtered(on, ids, conditions(filter, reader), range, limit + 1);
    const shown = kept.slice(0, limit);
    const items = await withWork(on, shown);
    const cut = items.length < kept.length;
    return { items, next: cut ? (items.at(-1)?.entry.id ?? null) : reached } satisfies ListPage;
  }

  /** `reached` is where looking ended; null when that was the end of the log. */
  async function candidates(on: Reading, reader: string | null, filter: Filter, range: IdRange, words?: string) {
    const before = range.before ?? Number.MAX_SAFE_INTEGER;
    if (filter.state !== undefined && !words && !range.oldestFirst)
      return works.inState(on, filter.state, before, CANDIDATES);
    const targets = await everTargets(on, reader);
    return words ? hits(on, reader, targets, words, range) : byIndex(on, drivers(filter, reader, targets), range);
  }

  /** The union of what each driver gives; no further than the first of them that ended early. */
  async function byIndex(on: Reading, driving: Driver[], range: IdRange): Promise<Found> {
    const lists: Found[] = [];
    for (const drive of driving) {
      if ("sender" in drive) lists.push(await search.sentBy(on, drive.sender, range, CANDIDATES));
      else if ("targets" in drive) lists.push(await store.candidatesFor(on, drive.targets, range, CANDIDATES));
      else lists.push(await store.candidates(on, drive, range, CANDIDATES));
    }
    const direction = range.oldestFirst ? 1 : -1;
    const ends = lists.map((list) => list.reached).filter((reached) => reached !== null);
    const end = ends.sort((a, b) => (a - b) * direction)[0] ?? null;
    const ids = [...new Set(lists.flatMap((list) => list.ids))].sort((a, b) => (a - b) * direction);
    return { ids: end === null ? ids : ids.filter((id) => (id - end) * direction <= 0), reached: end };
  }

  async function hits(
    on: Reading,
    reader: string | null,
    targets: string[],
    words: string,
    range: IdRange,
  ): Promise<Found> {
    const mine: Who[] = targets.map((name) => ({ as: "target", name }));
    const who: Who[] | null = reader === null ? null : [{ as: "from", name: reader }, ...mine];
    const found = await search.find(on, words, who, range.before ?? Number.MAX_SAFE_INTEGER, CANDIDATES);
    const reached = found.length >= CANDIDATES ? (found.at(-1) ?? null) : null;
    return { ids: found.filter((id) => id > (range.after ?? 0)), reached };
  }

  async function withWork(on: Reading, ids: readonly number[]): Promise<ListPage["items"]> {
    const rows = await store.rows(on, ids);
    const entries = fitting(rows.map(toLogEntry), (entry) => jsonBytes(entry.json));
    const claimable = entries.filter((entry) => entry.claimable).map((entry) => entry.id);
    const states = await works.byIds(on, claimable);
    return entries.map((entry) => ({ entry, work: states.get(entry.id) }));
  }

  return {
    readerOf,
    find,
    withWork,
    /** `GET /v1/messages`, newest first. */
    async list(
      on: Reading,
      caller: Caller,
      filter: Filter,
      range: Omit<IdRange, "oldestFirst">,
      limit: number,
      words?: string,
    ) {
      return find(on, await readerOf(on, caller), filter, { ...range, oldestFirst: false }, limit, words);
    },
    /** Oldest first, for those who watch. */
    after: (on: Reading, reader: string | null, filter: Filter, after: number, limit: number) =>
      find(on, reader, filter, { after, oldestFirst: true }, limit),
  };
}
