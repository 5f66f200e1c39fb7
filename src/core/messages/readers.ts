import type { MemberPast } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, type Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Acked } from "../inbox/acked.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { AttemptRow } from "../work/row.ts";
import type { Access } from "./access.ts";
import { type LogEntry, messageJson, toLogEntry } from "./entry.ts";
import type { ListPage, Lists } from "./lists.ts";
import type { MessageRow } from "./row.ts";
import { EXCERPT_CHARACTERS } from "./store.ts";

/** Readers that are named of one message, and on one page of a thread. */
const MAX_READERS = 500;
const MAX_NAMED = 10_000;
/** Members of a group that are checked for that. */
const MAX_MEMBERS = 2000;

/** The beginning of a message, as JSON. */
export interface Excerpt {
  json: string;
  entry: Pick<LogEntry, "id" | "from" | "target">;
}

interface Parts {
  access: Access;
  lists: Lists;
  deliveries: Deliveries;
  acked: Acked;
}

export type Readers = ReturnType<typeof createReaders>;

/** One message with everything known of it, threads, and read marks. Answers are JSON text. */
export function createReaders(base: Base, parts: Parts) {
  const { clock } = base.kernel;
  const { agents, directory } = base.identity;
  const { messages: store, work: works } = base.rows;
  const { access, lists, deliveries, acked } = parts;
  /**
   * Answers, for one entry after the other, the agents that marked it as read or acknowledged past it. The members of a
   * target are looked up once, by the first of its entries, which has to be the oldest.
   */
  function createReadBy(on: ReadTx) {
    const past = new Map<string, MemberPast[]>();
    return async ({ id, from, target }: Pick<LogEntry, "id" | "from" | "target">): Promise<string[]> => {
      const members = past.get(target) ?? (await directory.membersPast(on, target, id, MAX_MEMBERS));
      past.set(target, members);
      const names = new Set((await store.readsOf(on, id)).map((mark) => mark.agentId));
      for (const { agentId, sinceId, untilId, cursor } of members) {
        if (names.size >= MAX_READERS) break;
        if (cursor >= id && sinceId < id && (untilId === null || untilId >= id)) names.add(agentId);
      }
      if (from !== target) names.delete(from);
      return [...names].sort();
    };
  }

  async function withDetail(on: ReadTx, row: MessageRow): Promise<string> {
    const work = row.claimable ? await works.byId(on, row.id) : undefined;
    const attempts = work ? await works.attemptsOf(on, work, 200) : [];
    const entry = toLogEntry(row);
    const more = { readBy: await createReadBy(on)(entry), attempts: attempts.map(wireAttempt) };
    return messageJson(entry, work, `,${JSON.stringify(more).slice(1, -1)}`);
  }

  return {
    /** `GET /v1/messages/{id}`. @throws Problem 403, 404 */
    async detail(on: ReadTx, caller: Caller, id: number): Promise<string> {
      const row = await access.requireReadable(on, caller, id);
      await deliveries.noteSeen(on, caller, [toLogEntry(row)]);
      return withDetail(on, row);
    },

    /** `GET /v1/threads/{id}`, for any message of the thread. @throws Problem 403, 404 */
    async thread(
      on: ReadTx,
      caller: Caller,
      id: number,
      { after, limit }: { after: number; limit: number },
    ): Promise<string> {
      const reader = await lists.readerOf(on, caller);
      const named = await store.lineage(on, id);
      // The root itself may be gone by retention: its replies still name it.
      const rootId = named?.threadId ?? id;
      const page = await lists.find(on, reader, { thread: rootId }, { after, oldestFirst: true }, limit);
      if (page.items.length === 0 && page.next === null && after === 0) {
        if (named) throw new Problem("forbidden", `Thread ${id} is not for ${reader}.`);
        throw new Problem("not-found", `There is no thread ${id}.`);
      }
      const items = await threadItems(on, page.items);
      const root = await rootJson(on, reader, rootId);
      const shown = page.items.slice(0, items.length).map(({ entry }) => entry);
      await deliveries.noteSeen(on, caller, shown);
      const participants = [...new Set(shown.flatMap(({ from, target }) => [from, target]))].sort();
      const next = items.length < page.items.length ? shown.at(-1)?.id : page.next;
      const nextPage = next == null ? "null" : `"${next}"`;
      return `{"root":${root},"items":[${items.join(",")}],"participants":${JSON.stringify(participants)},"nextPage":${nextPage}}`;
    },

    /** `POST /v1/messages/{id}/read`; again is no change. @throws Problem 403, 404, 409 */
    async markRead(tx: Tx, caller: Caller, id: number, agentId: string | undefined): Promise<string> {
      const actor = actingAs(caller, agentId);
      await agents.requireActor(tx, caller, actor);
      const row = await access.requireReadable(tx, caller, id);
      if (row.target !== actor && !isGroup(row.target))
        throw new Problem("forbidden", `Message ${id} is for ${row.target}, not for ${actor}.`);
      await store.markRead(tx, { messageId: row.id, agentId: actor, person: caller.personId, at: clock.now() });
      // People read one message at a time, and their cursor stands still.
      if (actor === "user") await acked.raise(tx, actor, { after: id - 1, upTo: id });
      return withDetail(tx, row);
    },

    /** The parent of each entry, its body cut, where the reader may read it. By the reply's id. */
    async parentsOf(on: ReadTx, agentId: string, replies: readonly { id: number; replyTo: number | null }[]) {
      const parents = new Map<number, Excerpt | undefined>();
      const found = new Map<number, Excerpt>();
      for (const { id, replyTo } of replies) {
        if (replyTo === null) continue;
        if (!parents.has(replyTo)) parents.set(replyTo, await excerptOf(on, agentId, replyTo));
        const parent = parents.get(replyTo);
        if (parent !== undefined) found.set(id, parent);
      }
      return found;
    },
  };

  async function excerptOf(on: ReadTx, agentId: string, id: number): Promise<Excerpt | undefined> {
    const row = await store.excerpt(on, id);
    if (!row || !(await access.mayRead(on, agentId, row))) return undefined;
    const body = row.opaque ? "" : row.body.slice(0, EXCERPT_CHARACTERS).toWellFormed();
    const json = JSON.stringify({ id: row.id, from: row.fromId, body, createdAt: toTime(row.createdAt) });
    return { json, entry: { id: row.id, from: row.fromId, target: row.target } };
  }

  /** Entries with their readers, as JSON: as many as fit into a page. */
  async function threadItems(on: ReadTx, found: ListPage["items"]): Promise<string[]> {
    const readBy = createReadBy(on);
    const items: string[] = [];
    let named = 0;
    let bytes = 0;
    for (const { entry, work } of found) {
      const readers = await readBy(entry);
      const json = messageJson(entry, work, `,"readBy":${JSON.stringify(readers)}`);
      named += readers.length;
      bytes += jsonBytes(json);
      if (items.length > 0 && (named > MAX_NAMED || bytes > PAGE_BYTES)) break;
      items.push(json);
    }
    return items;
  }

  async function rootJson(on: ReadTx, reader: string | null, rootId: number): Promise<string> {
    const row = await store.byId(on, rootId);
    if (!row || (reader !== null && !(await access.mayRead(on, reader, row)))) return "null";
    return messageJson(toLogEntry(row), row.claimable ? await works.byId(on, row.id) : undefined);
  }
}

const wireAttempt = (row: AttemptRow) => ({
  agentId: row.agentId,
  attempt: row.attempt,
  claimedAt: toTime(row.claimedAt),
  renewedAt: toTimeOrNull(row.renewedAt),
  endedAt: toTimeOrNull(row.endedAt),
  outcome: row.outcome,
  error: row.error,
});
