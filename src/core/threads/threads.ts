import { type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Walk, Walked } from "../../kernel/db/reads.ts";
import { readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ThreadChange, ThreadSummary } from "../../protocol/threads.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import { type Facets, MAX_THREADS } from "../facets/facets.ts";
import type { FacetFilter } from "../facets/filter.ts";
import type { Acked } from "../inbox/acked.ts";
import type { createWatchStreams } from "../inbox/watch.ts";
import type { Lists } from "../messages/lists.ts";
import type { ThreadRow } from "./row.ts";
import type { ThreadWalk } from "./store.ts";

const MAX_TITLE = 120;
/** Messages that one write takes into their threads: some milliseconds. */
const SLICE = 2000;

interface Parts {
  lists: Lists;
  watch: Pick<ReturnType<typeof createWatchStreams>, "toAll">;
  acked: Acked;
  facets: Facets;
}

interface Query extends FacetFilter {
  participant?: string | undefined;
  archived: "true" | "false";
  q?: string | undefined;
  limit: number;
  page?: number | undefined;
}

/** Name under which a caller's reads are kept. */
const readerOf = ({ personId }: Caller): string => personId ?? "user";

/** Threads as people see them. */
export function createThreads(base: Base, { lists, watch, acked, facets }: Parts) {
  const { clock, db, headOf, hooks } = base.kernel;
  const { directory } = base.identity;
  const { messages, threads: store } = base.rows;
  /** Live runs in each of these threads. */
  const liveRuns = hooks.question<[threadIds: readonly number[]], Map<number, number>>("threads.liveRuns");

  /** The thread that a message is in. */
  const find = async (on: ReadTx, id: number): Promise<ThreadRow | undefined> =>
    store.byId(on, id) ?? store.byId(on, (await messages.lineage(on, id))?.threadId ?? 0);

  /** @throws Problem 404 */
  async function require(tx: Tx, id: number): Promise<ThreadRow> {
    store.follow(tx, headOf(tx));
    const row = await find(tx, id);
    if (!row) throw new Problem("not-found", `There is no thread ${id}.`);
    return row;
  }

  async function shown(on: ReadTx, caller: Caller, rows: readonly ThreadRow[]): Promise<ThreadSummary[]> {
    const ids = rows.map(({ id }) => id);
    const excerpts = store.excerpts(on, [...ids, ...rows.map(({ lastId }) => lastId)]);
    const person = readerOf(caller);
    const live = (await liveRuns.first(on, ids)) ?? new Map();
    const about = await facets.ofThreads(on, ids);
    return rows.map(({ id, lastId, title, agentId, archived, replies, toUser }) => {
      const root = excerpts.get(id);
      const names = [...(root ? [root.fromId, root.target] : []), ...store.participants(on, id)];
      return {
        ...{
          id,
          title: title ?? titleOf(root),
          agentId,
          archived,
          lastMessage: excerptOf(excerpts.get(lastId)),
          replies,
        },
        unread: Math.max(0, toUser - (store.readOf(on, person, id)?.seen ?? 0)),
        participants: [...new Set<string>(names)].sort(),
        liveRuns: live.get(id) ?? 0,
        ...(about.get(id) ?? { project: null, tags: [] }),
      };
    });
  }

  async function summary(on: ReadTx, caller: Caller, row: ThreadRow): Promise<ThreadSummary> {
    const [one] = await shown(on, caller, [row]);
    return one as ThreadSummary;
  }

  /** Threads to look among, where participant or words say so. */
  async function among(on: ReadTx, query: Query, hits: readonly number[] | undefined) {
    const { participant, q } = query;
    const found = await facets.find(on, "thread", query);
    const own = participant === undefined || participant === "user" ? undefined : await lists.newestOf(on, participant);
    const sets = [
      hits && [...store.of(on, hits), ...store.titled(on, q ?? "")],
      found?.numbers.slice(0, MAX_THREADS),
      own && store.of(on, own),
    ].filter((ids) => ids !== undefined);
    const [first, ...others] = sets.map((ids) => new Set(ids));
    return first && [...others.reduce((left, more) => left.intersection(more), first)];
  }

  function requireWriter(caller: Caller): void {
    if (!isPerson(caller)) throw new Problem("forbidden", "Operators and members alone change threads.");
  }

  const tell = (tx: Tx, id: number): void => tx.afterCommit(() => watch.toAll("thread", () => `{"id":${id}}`));

  /**
   * Reads threads with every message so far in its own. Where the database takes no writes, the newest messages may be missing.
   */
  async function read<T>(verb: (on: ReadTx) => Promise<T>): Promise<T> {
    const upTo = base.log.head();
    let isThere = (await db.read(async (on) => store.mark(on))) >= upTo;
    while (!isThere) isThere = await db.first(async (tx) => store.follow(tx, upTo, SLICE)).catch(leaveOut);
    return db.read(verb);
  }

  return {
    liveRuns,
    reading: read,
    walk(tx: Tx, filter: ThreadWalk, head: number, part: Walk): Walked<number> {
      store.follow(tx, headOf(tx));
      return store.walk(tx, filter, head, part);
    },

    /** `GET /v1/threads`. `hits`: messages that have the words. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller, query: Query, hits?: readonly number[]) {
      const { participant, archived, limit, page } = query;
      if (!readsAll(caller)) throw new Problem("forbidden", "Only people list threads: an agent follows its inbox.");
      const ids = await among(on, query, hits);
      const filter = { archived: archived === "true", ofUser: participant === "user", ids };
      const found = await readList(
        { limit, page },
        (count, after) => store.page(on, filter, after ?? Number.MAX_SAFE_INTEGER, count),
        (row) => row,
        ({ lastId }) => lastId,
      );
      return { ...found, items: await shown(on, caller, found.items) };
    },

    /** One thread, by any of its messages, for callers that read everything; null for others, and where it is gone. */
    async about(on: ReadTx, caller: Caller, id: number): Promise<ThreadSummary | null> {
      if (!readsAll(caller)) return null;
      const row = await find(on, id);
      return row ? summary(on, caller, row) : null;
    },

    /** `PATCH /v1/threads/{id}`. @throws Problem 403, 404, 422 */
    async change(
      tx: Tx,
      caller: Caller,
      id: number,
      { title, archived, agentId }: ThreadChange,
    ): Promise<ThreadSummary> {
      requireWriter(caller);
      const row = await require(tx, id);
      if (agentId != null && directory.facts(tx, agentId)?.deletedAt !== null)
        throw Problem.invalid("/agentId", `there is no agent ${agentId}`);
      const changed = {
        ...row,
        ...(title !== undefined && { title }),
        ...(archived !== undefined && { archived }),
        ...(agentId !== undefined && { agentId }),
      };
      store.change(tx, row.id, changed);
      tell(tx, row.id);
      return summary(tx, caller, changed);
    },

    /** Whether a person has read as far as a message. @param person null where a token belongs to no person */
    async hasRead(on: ReadTx, person: string | null, messageId: number): Promise<boolean> {
      const row = await find(on, messageId);
      return row !== undefined && (store.readOf(on, person ?? "user", row.id)?.upTo ?? 0) >= messageId;
    },

    /** `POST /v1/threads/{id}/read`. @throws Problem 403, 404 */
    async read(tx: Tx, caller: Caller, id: number, upTo: number): Promise<ThreadSummary> {
      requireWriter(caller);
      const row = await require(tx, id);
      const person = readerOf(caller);
      const before = store.readOf(tx, person, row.id)?.upTo ?? 0;
      const place = Math.min(upTo, row.lastId) as ThreadRow["id"];
      if (place <= before) return summary(tx, caller, row);
      const left = place < row.lastId ? store.toUserAfter(tx, row.id, place) : 0;
      const mark = { threadId: row.id, person, upTo: place, seen: row.toUser - left, at: clock.now() };
      for (const told of store.read(tx, mark, before, caller.personId))
        await acked.raise(tx, "user", { after: told - 1, upTo: told });
      tell(tx, row.id);
      return summary(tx, caller, row);
    },
  };
}

/** Takes a refusal of the database for the end; anything else is a fault. */
function leaveOut(error: unknown): true {
  if (error instanceof Problem) return true;
  throw error;
}

type ExcerptRow = ReturnType<Base["rows"]["threads"]["excerpts"]> extends Map<number, infer Row> ? Row : never;

function excerptOf(row: ExcerptRow | undefined): ThreadSummary["lastMessage"] {
  if (!row) return null;
  const { id, fromId, target, kind, opaque, body, createdAt } = row;
  return {
    ...{ id, from: fromId, to: target, kind, body: opaque ? "" : body.toWellFormed() },
    ...{ encoding: opaque ? "opaque" : "plain", createdAt: toTime(createdAt) },
  };
}

/** The subject of a root, else the first line of it. */
function titleOf(root: ExcerptRow | undefined): string | null {
  if (!root) return null;
  if (root.subject !== null) return root.subject;
  const line = root.opaque ? "" : (root.body.trimStart().split("\n", 1)[0] ?? "").trim();
  return line === "" ? null : line.slice(0, MAX_TITLE).toWellFormed();
}
