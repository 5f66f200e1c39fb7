import type { AgentFacts, Membership } from "../../identity/agents/row.ts";
import { actingAs, type Caller, requireReader } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { fitting, jsonBytes } from "../../kernel/pages.ts";
import type { Span } from "../../protocol/ids.ts";
import type { Acked, Reset } from "../../protocol/inbox.ts";
import type { MessageKind } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import { type LogEntry, toLogEntry } from "../messages/entry.ts";
import { type Candidate, isForInbox } from "../messages/row.ts";
import type { Acked as AckedEvent } from "./acked.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Settled } from "./settled.ts";

/** One page of an inbox. Everything for the agent up to `upTo` is in `entries` or came before the place asked for. */
export interface InboxPage {
  entries: LogEntry[];
  upTo: number;
  more: boolean;
  head: number;
  targetsNow: string[];
  reset?: Reset | undefined;
}

/** Entries read beyond the limit, so that the agent's own group messages rarely make a page short. */
const SPARE = 32;
/** Ended memberships that are queried one by one. */
const MAX_ENDED = 16;
/** Limit of the count `skipped`. */
const MAX_COUNTED = 20_000;
/** Entries, or open work of one target, visited by one filtered read. */
const MAX_VISITED = 2000;

interface Look {
  kind?: MessageKind | undefined;
  topic?: string | undefined;
  claimable?: "open" | undefined;
  limit: number;
}

/** Ids that a filtered read found, and the place up to which it looked. */
interface Looked {
  items: number[];
  upTo: number;
  more: boolean;
}

/** Mail of several agents after a place. */
interface Union {
  /** Targets that any of them belongs, or belonged, to. */
  targets: readonly string[];
  agents: readonly { agentId: string; since: number }[];
  after: number;
  limit: number;
  wants(entry: Pick<LogEntry, "id" | "from" | "target">): boolean;
}

/** Loss of one agent to retention. */
export type AgentReset = Reset & { agentId: string };

export type Inbox = ReturnType<typeof createInbox>;

/** Reading and acknowledging an agent's mail. */
export function createInbox(base: Base, parts: { settled: Settled; deliveries: Deliveries; acked: AckedEvent }) {
  const { settled, deliveries, acked } = parts;
  const { clock, headOf } = base.kernel;
  const { log, byTarget } = base;
  const { agents, directory } = base.identity;
  const { messages: store, work: works, inbox: inboxStore } = base.rows;

  /** Stored entries for an agent after an id. The floor is checked in the same read transaction, so no hole is silent. */
  async function page(on: ReadTx, agentId: string, after: number, limit: number): Promise<InboxPage> {
    const head = headOf(on);
    const { found, upTo, open } = await candidates(on, agentId, after, limit + SPARE, head);
    const wanted = found.filter((candidate) => isForInbox(agentId, candidate)).slice(0, limit);
    const entries = await entriesOf(on, wanted);
    const all = found.length === 0 || entries.length === wanted.length;
    const cut = !all || wanted.length === limit;
    const last = entries.at(-1)?.id ?? after;
    const reached = cut ? last : upTo;
    return {
      entries: entries.filter((entry) => entry.expiresAt === null || entry.expiresAt > clock.now()),
      upTo: reached,
      more: reached < head && (cut || upTo < head),
      head,
      targetsNow: open.map((member) => member.target),
      reset: await resetAt(on, agentId, after),
    };
  }

  /** Entries for an agent after a place, by its memberships, each with its bounds. */
  async function candidates(on: ReadTx, agentId: string, after: number, limit: number, head: number) {
    const open = await directory.openMemberships(on, agentId);
    const ended = await directory.endedBeyond(on, agentId, after, MAX_ENDED + 1);
    const areMany = ended.length > MAX_ENDED;
    const found = areMany
      ? await byTarget.ofMember(on, agentId, { after, upTo: head }, limit, "oldest")
      : byTarget.inRanges(on, [...open, ...ended].map(rangeFrom(after, head)), limit, "oldest");
    // A full list tells nothing about entries after its last.
    return { found, upTo: found.length === limit ? (found.at(-1)?.id ?? head) : head, open };
  }

  async function entriesOf(on: ReadTx, wanted: Candidate[]): Promise<LogEntry[]> {
    const recent = wanted.map((candidate) => log.entry(candidate.id));
    if (recent.every((entry) => entry !== undefined)) return fitting(recent, (entry) => jsonBytes(entry.json));
    const rows = await store.rows(
      on,
      wanted.map((candidate) => candidate.id),
    );
    return fitting(rows.map(toLogEntry), (entry) => jsonBytes(entry.json));
  }

  async function resetAt(on: ReadTx, agentId: string, after: number): Promise<Reset | undefined> {
    const floor = await store.floor(on);
    if (after >= floor) return undefined;
    const loss = await inboxStore.loss(on, agentId);
    return loss && loss.lastId > after ? { firstId: floor + 1, lost: loss.lost } : undefined;
  }

  /** The inbox's agent, when the caller may read it from there on. @throws Problem 403, 404, 409, 410, 422 */
  async function requireInbox(on: ReadTx, caller: Caller, agentId: string, after = 0): Promise<AgentFacts> {
    requireReader(caller, agentId);
    if (after > 0) checkPlace(after, headOf(on), "after");
    const facts = directory.facts(on, agentId);
    if (!facts)
      throw new Problem("not-found", `There is no agent ${agentId}.`, { suggestions: agents.suggest(agentId) });
    if (facts.deletedAt !== null)
      throw new Problem("gone", `${agentId} was deleted: there is nothing to read unless an operator restores it.`);
    if (caller.instanceId !== null) await agents.fence(on, caller, facts);
    return facts;
  }

  /** Refuses an id that the log has not reached: the caller would wait in silence. @throws Problem 422 ahead-of-log */
  function checkPlace(place: number, head: number, pointer: string): void {
    if (place <= head) return;
    throw new Problem("ahead-of-log", `The newest place in the log is ${head}.`, {
      errors: [{ pointer, message: `is above ${head}` }],
    });
  }

  /** `POST /v1/agents/{id}/inbox/ack`: the cursor only moves forward. @throws Problem 422 ahead-of-log */
  async function ack(tx: Tx, caller: Caller, agentId: string, upTo: number): Promise<Acked> {
    const actor = actingAs(caller, agentId);
    if (caller.sessionId != null)
      throw new Problem(
        "forbidden",
        `${actor}'s orchestrator acknowledges for it: a token of one session reads alone.`,
      );
    const facts = await agents.requireActor(tx, caller, actor, true);
    const head = headOf(tx);
    checkPlace(upTo, head, "/upTo");
    if (upTo <= facts.cursor) return { cursor: facts.cursor, skipped: 0 };
    const skipped = await neverDelivered(tx, agentId, { after: facts.cursor, upTo });
    await directory.ack(tx, agentId, upTo, clock.now());
    const loss = await inboxStore.loss(tx, agentId);
    if (loss && loss.lastId <= upTo) await inboxStore.clearLoss(tx, agentId);
    await acked.raise(tx, agentId, { after: facts.cursor, upTo });
    return { cursor: upTo, skipped };
  }

  /** Counts entries for the agent in (after, upTo] that no delivered range covers. */
  async function neverDelivered(tx: Tx, agentId: string, { after, upTo }: Span): Promise<number> {
    if (deliveries.surelyCovered(agentId, { after, upTo })) return 0;
    const { found } = await candidates(tx, agentId, after, MAX_COUNTED, headOf(tx));
    const own = found.filter((candidate) => candidate.id <= upTo && isForInbox(agentId, candidate));
    if (own.length === 0) return 0;
    const ranges = await deliveries.beyond(tx, agentId, after);
    const missed = outside(own, ranges);
    if (missed.length === 0) return 0;
    const entries = (
      await store.rows(
        tx,
        missed.map(({ id }) => id),
      )
    ).map(toLogEntry);
    const states = await works.byIds(
      tx,
      entries.filter(({ claimable }) => claimable).map(({ id }) => id),
    );
    // Settled entries are omitted on purpose.
    const left = await settled.among(tx, agentId, entries, states);
    return missed.filter(({ id }) => !left.has(id)).length;
  }

  /** Ids that pass a filter: of open work, or among the next entries after a place. */
  async function look(on: ReadTx, agentId: string, filter: Look, after: number): Promise<Looked> {
    const head = headOf(on);
    const { ids, upTo } = filter.claimable
      ? await openWork(on, agentId, after, head)
      : await visited(on, agentId, after, head);
    const kept = await store.matching(on, ids, filter, { oldestFirst: true }, filter.limit + 1);
    const isFull = kept.length > filter.limit;
    const items = kept.slice(0, filter.limit);
    const reached = (isFull ? items.at(-1) : undefined) ?? upTo;
    return { items, upTo: Math.max(after, reached), more: isFull || upTo < head };
  }

  async function visited(on: ReadTx, agentId: string, after: number, head: number) {
    const { found, upTo } = await candidates(on, agentId, after, MAX_VISITED, head);
    return { ids: found.filter((one) => isForInbox(agentId, one)).map(({ id }) => id), upTo };
  }

  async function openWork(on: ReadTx, agentId: string, after: number, head: number) {
    const lists: number[][] = [];
    for (const { target } of await directory.openMemberships(on, agentId))
      lists.push(await works.openAfter(on, target, after, MAX_VISITED));
    // A full list tells nothing about work after its last.
    const upTo = Math.min(head, ...lists.flatMap((ids) => (ids.length === MAX_VISITED ? (ids.at(-1) ?? head) : head)));
    return { ids: lists.flat().filter((id) => id <= upTo), upTo };
  }

  /** Stored entries after a place for any of several agents, each once. */
  async function union(on: ReadTx, { targets, agents, after, limit, wants }: Union) {
    const head = headOf(on);
    const ranges = targets.map((target) => ({ target, after, upTo: head }));
    const found = byTarget.inRanges(on, ranges, limit, "oldest");
    const wanted = found.filter(({ id, fromId, target }) => wants({ id, from: fromId, target }));
    const entries = await entriesOf(on, wanted);
    const isCut = entries.length < wanted.length;
    const end = found.length === limit ? (found.at(-1)?.id ?? head) : head;
    const lost: AgentReset[] = [];
    for (const { agentId, since } of agents) {
      const reset = await resetAt(on, agentId, Math.max(after, since));
      if (reset) lost.push({ agentId, ...reset });
    }
    const isLive = ({ expiresAt }: LogEntry) => expiresAt === null || expiresAt > clock.now();
    return { entries: entries.filter(isLive), upTo: isCut ? (entries.at(-1)?.id ?? after) : end, lost };
  }

  return {
    page,
    union,
    look,
    ack,
    requireInbox,
    /** Ends of the log, and whether there is work that the agent may claim. */
    async glance(on: ReadTx, agentId: string) {
      const belongs = await directory.openMemberships(on, agentId);
      const targets = belongs.map((member) => member.target);
      const isOpen = (await works.bestOpen(on, targets)) !== undefined;
      return { head: headOf(on), floor: await store.floor(on), isOpen };
    },
    /** Whether there is work that the agent may claim. */
    hasOpen: async (on: ReadTx, targets: readonly string[]): Promise<boolean> =>
      (await works.bestOpen(on, targets)) !== undefined,
  };
}

/** Part of a membership that lies in (after, upTo]. */
const rangeFrom =
  (after: number, upTo: number) =>
  ({ target, sinceId, untilId }: Membership) => ({
    ...{ target, after: Math.max(after, sinceId), upTo: Math.min(untilId ?? upTo, upTo) },
  });

/** Sorted ids outside of all ranges: one walk along both. */
function outside(found: readonly Candidate[], ranges: readonly { afterId: number; upToId: number }[]): Candidate[] {
  const sorted = ranges.toSorted((a, b) => a.afterId - b.afterId);
  let next = 0;
  let reach = 0;
  return found.filter(({ id }) => {
    for (let range = sorted[next]; range && range.afterId < id; range = sorted[++next])
      reach = Math.max(reach, range.upToId);
    return reach < id;
  });
}
