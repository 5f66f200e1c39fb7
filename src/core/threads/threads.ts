import { type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ThreadChange, ThreadSummary } from "../../protocol/threads.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Acked } from "../inbox/acked.ts";
import type { createWatchStreams } from "../inbox/watch.ts";
import type { Lists } from "../messages/lists.ts";
import type { ThreadRow } from "./row.ts";

const MAX_TITLE = 120;

interface Parts {
  lists: Lists;
  watch: Pick<ReturnType<typeof createWatchStreams>, "toAll">;
  acked: Acked;
}

interface Query {
  participant?: string | undefined;
  archived: "true" | "false";
  q?: string | undefined;
  limit: number;
  page?: number | undefined;
}

/** Name under which a caller's reads are kept. */
const readerOf = ({ personId }: Caller): string => personId ?? "user";

/** Threads as people see them. */
export function createThreads(base: Base, { lists, watch, acked }: Parts) {
  const { clock, hooks } = base.kernel;
  const { directory } = base.identity;
  const { messages, threads: store } = base.rows;
  /** Live runs in each of these threads. */
  const liveRuns = hooks.question<[threadIds: readonly number[]], Map<number, number>>("threads.liveRuns");

  /** The thread that a message is in. */
  const find = async (on: ReadTx, id: number): Promise<ThreadRow | undefined> =>
    store.byId(on, id) ?? store.byId(on, (await messages.lineage(on, id))?.threadId ?? 0);

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: number): Promise<ThreadRow> {
    const row = await find(on, id);
    if (!row) throw new Problem("not-found", `There is no thread ${id}.`);
    return row;
  }

  async function shown(on: ReadTx, caller: Caller, rows: readonly ThreadRow[]): Promise<ThreadSummary[]> {
    const ids = rows.map(({ id }) => id);
    const excerpts = store.excerpts(on, [...ids, ...rows.map(({ lastId }) => lastId)]);
    const person = readerOf(caller);
    const live = (await liveRuns.first(on, ids)) ?? new Map();
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
      };
    });
  }

  async function summary(on: ReadTx, caller: Caller, row: ThreadRow): Promise<ThreadSummary> {
    const [one] = await shown(on, caller, [row]);
    return one as ThreadSummary;
  }

  /** Threads to look among, where participant or words say so. */
  async function among(on: ReadTx, { participant, q }: Query, hits: readonly number[] | undefined) {
    const found = hits && [...store.of(on, hits), ...store.titled(on, q ?? "")];
    if (participant === undefined || participant === "user") return found;
    const own = store.of(on, await lists.newestOf(on, participant));
    const wanted = found && new Set(found);
    return wanted ? own.filter((id) => wanted.has(id)) : own;
  }

  function requireWriter(caller: Caller): void {
    if (!isPerson(caller)) throw new Problem("forbidden", "Operators and members alone change threads.");
  }

  const tell = (tx: Tx, id: number): void => tx.afterCommit(() => watch.toAll("thread", () => `{"id":${id}}`));

  return {
    liveRuns,

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
      if (agentId != null && (await directory.facts(tx, agentId))?.deletedAt !== null)
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
