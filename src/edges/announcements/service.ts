import type { z } from "zod";
import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { actingAs, type Caller, isPerson } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Announcement, AnnouncementQuery } from "../../protocol/announcements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { RunRequester } from "../../protocol/runs.ts";
import type { List } from "../../protocol/wire.ts";
import type { RunBook } from "./book.ts";
import type { Delivery } from "./delivery.ts";
import type { AnnouncementRow } from "./row.ts";
import type { AnnouncementStore } from "./store.ts";
import { toAnnouncement } from "./view.ts";

/** Announcements that one slice of retention ends or deletes. */
const SLICE = 200;
/** Actor of what the relay does by itself. */
const RELAY = { tokenId: "system" };

export type AnnouncementService = ReturnType<typeof createAnnouncementService>;

/** Verbs of announcements. */
export function createAnnouncementService(
  { identity }: Areas,
  { store, delivery, book }: { store: AnnouncementStore; delivery: Delivery; book: RunBook },
) {
  const { agents, activity } = identity;

  /** Agent that the result is for; undefined for a chat. */
  async function requesterOf(on: ReadTx, row: AnnouncementRow): Promise<AgentId | undefined> {
    const requester: RunRequester = JSON.parse(row.requesterJson);
    if ("agentId" in requester) return requester.agentId;
    return "runId" in requester ? (await book.byId(on, requester.runId))?.agentId : undefined;
  }

  async function isFor(on: ReadTx, agentId: AgentId, row: AnnouncementRow): Promise<boolean> {
    return row.target === agentId || (await requesterOf(on, row)) === agentId;
  }

  /** Whether the caller follows the run, as its runner's orchestrator does. */
  async function followsRun(on: ReadTx, caller: Caller, runId: string): Promise<boolean> {
    const run = await book.byId(on, runId);
    return run !== undefined && book.follows(on, caller, run);
  }

  const require = async (on: ReadTx, id: string): Promise<AnnouncementRow> =>
    (await store.byId(on, id)) ?? Problem.missing("announcement", id);

  /** @throws Problem 403, 404, 409 */
  async function requireDirected(tx: Tx, caller: Caller, id: string): Promise<AnnouncementRow> {
    const actor = actingAs(caller);
    await agents.requireActor(tx, caller, actor);
    const row = await require(tx, id);
    if (caller.role === "operator" || (await isFor(tx, actor, row))) return row;
    if (row.agentId !== actor) throw notFor(id, actor);
    throw new Problem("forbidden", `${actor} made it: only its requester or an operator handles announcement ${id}.`);
  }

  const stale: Sweep = {
    name: "announcements.blocked",
    limit: SLICE,
    /** Gives up those that nobody has retried or dismissed in all the time that rows are kept. */
    async sweep(tx, { before, limit }) {
      const blocked = await store.inState(tx, "blocked", 0, limit);
      const old = blocked.filter(({ createdAt }) => createdAt < before);
      for (const row of old) {
        await delivery.dismiss(tx, row, "retention");
        await activity.record(tx, RELAY, "announcement.dismissed", row.id, { runId: row.runId, reason: row.reason });
      }
      return old.length;
    },
  };

  const ended: Sweep = {
    name: "announcements.ended",
    limit: SLICE,
    sweep: (tx, { before, limit }) => store.thin(tx, before, limit),
  };

  return {
    sweeps: [stale, ended],

    /** Newest first: those that the caller made, gets, or follows by their run; all for operators and viewers. @throws Problem 403, 409 */
    async list(on: ReadTx, caller: Caller, query: z.output<typeof AnnouncementQuery>): Promise<List<Announcement>> {
      const { limit, page, ...filter } = query;
      const reader = await agents.requireReader(on, caller);
      const seesAll = reader === null || (query.run !== undefined && (await followsRun(on, caller, query.run)));
      const seenBy = seesAll ? null : reader;
      const { rows, reached } = await store.page(on, { ...filter, seenBy }, page, limit + 1);
      const shown = rows.slice(0, limit);
      const next = rows.length > limit ? (shown.at(-1)?.number ?? null) : reached;
      return { items: shown.map(toAnnouncement), nextPage: next === null ? null : String(next) };
    },

    /** @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Announcement> {
      const reader = await agents.requireReader(on, caller);
      const row = await require(on, id);
      if (reader === null || row.agentId === reader || (await isFor(on, reader, row))) return toAnnouncement(row);
      if (!(await followsRun(on, caller, row.runId))) throw notFor(id, reader);
      return toAnnouncement(row);
    },

    /** Looks up the way of a blocked one anew, and sends it. @throws Problem 403, 404, 409 not-open */
    async retry(tx: Tx, caller: Caller, id: string): Promise<Announcement> {
      const row = await requireDirected(tx, caller, id);
      if (row.state !== "blocked")
        throw new Problem("not-open", `${id} is ${row.state}: only what is blocked can be retried.`);
      const run = await book.byId(tx, row.runId);
      if (!run) throw new Problem("not-open", `${row.runId} is gone, and its result with it. Dismiss ${id}.`);
      await delivery.withdraw(tx, row.messageId, `its announcement ${id} is sent again`);
      const sent = await delivery.send(tx, row, run);
      await activity.record(tx, caller, "announcement.retried", id, { runId: row.runId, reason: row.reason });
      return toAnnouncement(sent);
    },

    /** Again is no change. @throws Problem 403, 404, 409 not-open */
    async dismiss(tx: Tx, caller: Caller, id: string): Promise<Announcement> {
      const row = await requireDirected(tx, caller, id);
      if (row.state === "dismissed") return toAnnouncement(row);
      if (row.state === "acknowledged" || row.state === "silent")
        throw new Problem("not-open", `${id} is ${row.state}: there is nothing to dismiss.`);
      const reason = `by ${isPerson(caller) ? "user" : actingAs(caller)}`;
      const dismissed = await delivery.dismiss(tx, row, reason, caller.personId);
      await activity.record(tx, caller, "announcement.dismissed", id, { runId: row.runId, state: row.state });
      return toAnnouncement(dismissed);
    },
  };
}

const notFor = (id: string, agentId: AgentId): Problem =>
  new Problem("forbidden", `Announcement ${id} is not for ${agentId}.`);
