import type { Areas } from "../../core/core.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { Report } from "../../core/work/holders.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { AnnouncementRoute } from "../../protocol/announcements.ts";
import type { Fact } from "../../protocol/explain.ts";
import type { AgentId, Span } from "../../protocol/ids.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Fail } from "../../protocol/work.ts";
import type { Channels } from "../channels/channels.ts";
import { mayBePost } from "../channels/outbound.ts";
import type { RunBook } from "./book.ts";
import { type Delivery, type Notice, RESUME } from "./delivery.ts";
import type { AnnouncementRow } from "./row.ts";
import type { AnnouncementStore } from "./store.ts";

/** Announcements that one write goes on with. */
const SLICE = 100;
/** The due row of announcements on their way to an agent that was deleted. */
const DROP = "announcement.drop";

/** Reactions to the ways of announcements: read, posted, withdrawn, or their receiver deleted. */
export function createFollow(
  { kernel, channels }: Areas & { channels: Channels },
  { store, delivery, book }: { store: AnnouncementStore; delivery: Delivery; book: RunBook },
) {
  const { clock, due, headOf } = kernel;
  const { places } = channels;
  /** Failures that adapters report in the write that ends the work. */
  const failures = new WeakMap<Tx, Map<number, Pick<Fail, "failure" | "code">>>();

  /** The cursor passed it, or `user` read it. A post is acknowledged by the chat alone. */
  function acknowledge(tx: Tx, agentId: AgentId, span: Span): Promise<void> | undefined {
    const sent = store.sentTo(tx, agentId, span, SLICE);
    return sent.length === 0 ? undefined : acknowledgeAll(tx, agentId, span, sent);
  }

  async function acknowledgeAll(tx: Tx, agentId: AgentId, span: Span, first: AnnouncementRow[]): Promise<void> {
    for (let sent = first; sent.length > 0; ) {
      for (const row of sent) if (!chatOf(row)) await delivery.end(tx, row, { state: "acknowledged" });
      const after = sent.at(-1)?.messageId ?? span.upTo;
      sent = sent.length < SLICE ? [] : store.sentTo(tx, agentId, { ...span, after }, SLICE);
    }
  }

  function noteFailure(tx: Tx, work: WorkRow, said: Report): undefined {
    if (!mayBePost(work.target) || !("failed" in said)) return;
    const known = failures.get(tx) ?? new Map();
    failures.set(tx, known.set(work.messageId, said.failed));
  }

  /** Gives the announcement the state of its post. */
  function followWork(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> | undefined {
    return mayBePost(work.target) && work.state !== before.state ? followPost(tx, work) : undefined;
  }

  async function followPost(tx: Tx, work: WorkRow): Promise<void> {
    const row = await store.byMessage(tx, work.messageId);
    if (!row) return;
    const isOpen = work.state === "open" || work.state === "delayed";
    // An operator requeued the dead letter.
    if (row.state === "blocked" && isOpen) return void (await delivery.reopen(tx, row));
    if (row.state !== "sent") return;
    if (work.state === "done")
      await delivery.end(tx, row, {
        state: "acknowledged",
        externalIds: JSON.stringify(await places.postedIds(tx, work)),
      });
    else if (work.state === "dead") await delivery.block(tx, row, reasonOf(failures.get(tx)?.get(work.messageId)));
    else if (work.state === "expired") await delivery.block(tx, row, "expired");
    else if (work.state === "cancelled") await cancelled(tx, row);
  }

  /** Its channel was deleted, or an operator cancelled the post. */
  async function cancelled(tx: Tx, row: AnnouncementRow): Promise<void> {
    const chat = chatOf(row);
    if (chat && !(await places.open(tx, chat))) await redirect(tx, row);
    else await delivery.end(tx, row, { state: "dismissed", reason: "cancelled" });
  }

  /** Sends it to where it goes now that its receiver is gone. */
  async function redirect(tx: Tx, row: AnnouncementRow, notice?: Notice): Promise<void> {
    const run = await book.byId(tx, row.runId);
    if (run) await delivery.send(tx, row, run, { notice });
    else await delivery.block(tx, row, "requester-gone", { notice });
  }

  async function drop(tx: Tx, agentId: AgentId, upTo: number): Promise<void> {
    const sent = store.sentTo(tx, agentId, { after: 0, upTo }, SLICE);
    const notice = sent.length > 1 || upTo < headOf(tx) ? noticeOfMany(agentId, upTo) : undefined;
    for (const row of sent) await redirect(tx, row, notice);
    if (sent.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now(), { upTo });
  }

  /** Tries again those that wait for a paused chain: another one may have been resumed, so some may be blocked again. */
  async function resume(tx: Tx, after: number): Promise<void> {
    const blocked = await store.inState(tx, "blocked", after, SLICE);
    for (const row of blocked) if (row.reason === "loop-paused") await redirect(tx, row);
    const last = blocked.at(-1);
    if (last && blocked.length === SLICE) await due.schedule(tx, RESUME, "all", clock.now(), { after: last.number });
  }

  return {
    acknowledge,
    noteFailure,
    followWork,

    /** The state of the announcement says what became of its post: its author has ended, and needs no notice. */
    isTold: (_: ReadTx, work: WorkRow): Promise<true> | undefined =>
      work.kind === "announcement" ? Promise.resolve(true as const) : undefined,

    /** Announcements on their way to a deleted agent go to the requester above it. */
    dropAgent: (tx: Tx, agentId: AgentId): Promise<void> => drop(tx, agentId, headOf(tx)),

    /** Announcements of a chain go on when it does, in a write of their own. */
    chainChanged: (tx: Tx, _: string, what: string): Promise<void> | undefined =>
      what === "resumed" ? due.schedule(tx, RESUME, "all", clock.now(), { after: 0 }) : undefined,

    /** Ids of announcements that were dismissed: no model is shown them. */
    settledAmong(on: ReadTx, entries: readonly LogEntry[]): Promise<number[]> | undefined {
      const ids = entries.filter(({ kind }) => kind === "announcement").map(({ id }) => id);
      return ids.length === 0 ? undefined : store.dismissedAmong(on, ids);
    },

    /** Messages that go by retention were not read in all that time. */
    async forget(tx: Tx, messageIds: readonly number[]): Promise<void> {
      for (const row of await store.sentAmong(tx, messageIds))
        await delivery.end(tx, row, { state: "dismissed", reason: "retention" });
    },

    facts: (on: ReadTx, message: MessageRow): Promise<Fact[]> | undefined =>
      message.kind === "announcement" ? factsOf(on, message) : undefined,

    dueHandlers: {
      [RESUME]: (tx: Tx, { data }: DueRow) => resume(tx, Number(data.after)),
      [DROP]: (tx: Tx, { key, data }: DueRow) => drop(tx, key, Number(data.upTo)),
    },
  };

  async function factsOf(on: ReadTx, message: MessageRow): Promise<Fact[]> {
    const row = await store.byMessage(on, message.id);
    if (!row) return [];
    const { id: announcementId, runId, turnId, state, reason, late } = row;
    const by = (JSON.parse(row.route ?? "{}") as Partial<AnnouncementRoute>).by;
    const facts: Fact[] = [
      { at: toTime(message.createdAt), step: "announced", announcementId, runId, turnId, by, late, state, reason },
    ];
    if (row.endedAt !== null && (state === "acknowledged" || state === "dismissed"))
      facts.push({ at: toTime(row.endedAt), step: state, announcementId, reason });
    return facts;
  }
}

const chatOf = ({ route }: AnnouncementRow): AnnouncementRoute["conversation"] =>
  route === null ? undefined : (JSON.parse(route) as AnnouncementRoute).conversation;

/** One notice for all results that a deleted agent had not read. */
const noticeOfMany = (agentId: AgentId, upTo: number): Notice => ({
  subject: "Results could not be delivered",
  body:
    `Results for ${agentId} are kept, because it was deleted and nobody above it takes them. ` +
    `List them (GET /v1/announcements?state=blocked), and retry or dismiss each.`,
  payload: { agentId, reason: "requester-gone" },
  idempotencyKey: `announcement.blocked:${agentId}:${upTo}`,
});

/** Reason of a dead post. Without a report its adapter fell silent in the middle: the chat may have it. */
function reasonOf(failed: Pick<Fail, "failure" | "code"> | undefined): string {
  if (!failed || failed.failure === "ambiguous") return "ambiguous";
  // Adapters choose the code; the notice to a person repeats it.
  return `permanent:${/^[\w.-]+$/.test(failed.code ?? "") ? failed.code : "failed"}`;
}
