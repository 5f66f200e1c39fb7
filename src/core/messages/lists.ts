import { type Caller, readingAs } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { fitting, jsonBytes } from "../../kernel/pages.ts";
import type { Base } from "../base.ts";
import type { WorkRow } from "../work/row.ts";
import { type LogEntry, toLogEntry } from "./entry.ts";
import type { Filter, Found, IdRange } from "./filter.ts";
import type { Search } from "./search.ts";
import { conditions, type Driver, drivers } from "./store-lists.ts";

/** Candidates visited for one page: a filter that matches little gives a short page, never a long wait. */
const CANDIDATES = 2000;
/** Targets that are queried one by one. */
const MAX_NAMED = 64;

export interface ListPage {
  items: { entry: LogEntry; work: WorkRow | undefined }[];
  /** The place to go on from; null at the end. */
  next: number | null;
}

export type Lists = ReturnType<typeof createLists>;

/** Finding messages: lists, threads, search. Each shows only messages its reader may read. */
export function createLists(base: Base, search: Search) {
  const { db } = base.kernel;
  const { agents, directory } = base.identity;
  const { messages: store, work: works } = base.rows;
  /** @throws Problem 403, 409 */
  async function readerOf(on: ReadTx, caller: Caller): Promise<string | null> {
    const reader = readingAs(caller);
    if (reader !== null) await agents.requireActor(on, caller, reader);
    return reader;
  }

  /** Every target the reader ever belonged to; undefined when there are too many to name. */
  async function everTargets(on: ReadTx, reader: string | null): Promise<string[] | undefined> {
    if (reader === null) return [];
    const targets = await directory.everTargets(on, reader, MAX_NAMED + 1);
    return targets.length > MAX_NAMED ? undefined : targets;
  }

  async function find(on: ReadTx, reader: string | null, filter: Filter, range: IdRange, limit: number, found?: Found) {
    const { ids, reached } = found ?? (await candidates(on, reader, filter, range));
    const pause = createPauses();
    const kept = await store.filtered(on, ids, conditions(filter, reader), range, limit + 1);
    await pause();
    const shown = kept.slice(0, limit);
    const items = await withWork(on, shown);
    await pause();
    const cut = items.length < kept.length;
    return { items, next: cut ? (items.at(-1)?.entry.id ?? null) : reached } satisfies ListPage;
  }

  /** `reached` is the id where the search ended; null at the end of the log. */
  async function candidates(on: ReadTx, reader: string | null, filter: Filter, range: IdRange) {
    const before = range.before ?? Number.MAX_SAFE_INTEGER;
    if (filter.state !== undefined && !range.oldestFirst) return works.inState(on, filter.state, before, CANDIDATES);
    return byIndex(on, drivers(filter, reader, await everTargets(on, reader)), range);
  }

  /** The union of the ids of each index, no further than the first that ended early. */
  async function byIndex(on: ReadTx, driving: Driver[], range: IdRange): Promise<Found> {
    const lists: Found[] = [];
    for (const drive of driving) {
      if ("sender" in drive) lists.push(await search.sentBy(on, drive.sender, range, CANDIDATES));
      else if ("targets" in drive) lists.push(await store.candidatesFor(on, drive.targets, range, CANDIDATES));
      else if ("member" in drive) lists.push(await store.candidatesOf(on, drive.member, range, CANDIDATES));
      else lists.push(await store.candidates(on, drive, range, CANDIDATES));
    }
    const direction = range.oldestFirst ? 1 : -1;
    const ends = lists.map((list) => list.reached).filter((reached) => reached !== null);
    const end = ends.sort((a, b) => (a - b) * direction)[0] ?? null;
    const ids = [...new Set(lists.flatMap((list) => list.ids))].sort((a, b) => (a - b) * direction);
    return { ids: end === null ? ids : ids.filter((id) => (id - end) * direction <= 0), reached: end };
  }

  async function withWork(on: ReadTx, ids: readonly number[]): Promise<ListPage["items"]> {
    const pause = createPauses();
    const rows = await store.rows(on, ids);
    // A page of 4 MiB takes 50 ms in all: other requests go on between its steps.
    await pause();
    const entries = fitting(rows.map(toLogEntry), (entry) => jsonBytes(entry.json));
    const claimable = entries.filter((entry) => entry.claimable).map((entry) => entry.id);
    const states = await works.byIds(on, claimable);
    return entries.map((entry) => ({ entry, work: states.get(entry.id) }));
  }

  return {
    readerOf,
    find,
    withWork,
    /** Messages among these in threads of a project, newest first. */
    inProject: (on: ReadTx, ids: readonly number[], project: string): Promise<number[]> =>
      store.filtered(on, ids, conditions({ project }, null), { oldestFirst: false }, ids.length),
    /** Ids of the newest messages that an agent sent, or that were addressed to it. */
    newestOf: async (on: ReadTx, agent: string): Promise<number[]> =>
      (await candidates(on, null, { agent }, { oldestFirst: false })).ids,
    /**
     * Ids that match a word search, newest first: candidates for `list`. A separate thread searches, so call it outside of a
     * read. @throws Problem 403, 409, 422, 503
     */
    async hits(caller: Caller, words: string, range: Omit<IdRange, "oldestFirst">): Promise<Found> {
      const reader = await db.read(async (on) => {
        const agentId = await readerOf(on, caller);
        return agentId === null ? null : { agentId, targets: await everTargets(on, agentId) };
      });
      return search.find(words, reader, range, CANDIDATES);
    },
    /** `GET /v1/messages`, newest first; with `hits`, among those. */
    async list(
      on: ReadTx,
      caller: Caller,
      filter: Filter,
      range: Omit<IdRange, "oldestFirst">,
      limit: number,
      hits?: Found,
    ) {
      return find(on, await readerOf(on, caller), filter, { ...range, oldestFirst: false }, limit, hits);
    },
    /** Oldest first, for those who watch. */
    after: (on: ReadTx, reader: string | null, filter: Filter, after: number, limit: number) =>
      find(on, reader, filter, { after, oldestFirst: true }, limit),
  };
}
