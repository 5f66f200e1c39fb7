import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { RunRow, TurnRow } from "../../features/runs/row.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Announcement, AnnouncementInstruction, AnnouncementRoute } from "../../protocol/announcements.ts";
import type { MessageId } from "../../protocol/ids.ts";
import { Conversation } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { RunBook } from "./book.ts";
import { bodyOf, chatTextOf, factsOf } from "./facts.ts";
import type { AnnouncementRouting, Destination } from "./routing.ts";
import type { AnnouncementRow } from "./row.ts";
import type { AnnouncementStore } from "./store.ts";
import { toAnnouncement } from "./view.ts";

/** The due row of announcements that wait for a paused chain or thread. */
export const RESUME = "announcement.resume";
const MINUTE_SECONDS = 60;
/** Topic of notices to `user`. */
const TOPIC = "announcements";
/** Files that one message carries. */
const MAX_FILES = 32;

export type Delivery = ReturnType<typeof createDelivery>;

/** The steps of announcements: each stores its row and tells of it in the same write. */
export function createDelivery(
  { kernel, identity, core }: Areas,
  { store, routing, book }: { store: AnnouncementStore; routing: AnnouncementRouting; book: RunBook },
) {
  const { clock, due, hooks } = kernel;
  const { directory } = identity;
  const { messages } = core;
  const { leases, rows: works } = core.work;
  /** An announcement was made, or its state changed. `about`: its message, else the one that its run works on. */
  const changed = hooks.event<[announcement: Announcement, about: MessageId | null]>("announcements.changed");
  /** Number of blocked announcements: counted once, then kept. */
  let blocked = 0;

  /** Rows that were stored by the write that goes on with them: nobody was told of them yet. */
  const untold = new WeakSet<AnnouncementRow>();

  /** Stores a row. The next step of the same write tells of it. */
  async function add(tx: Tx, row: Omit<AnnouncementRow, "number">): Promise<AnnouncementRow> {
    const added = await store.add(tx, row);
    untold.add(added);
    return added;
  }

  async function save(tx: Tx, row: AnnouncementRow, to: Partial<AnnouncementRow>, run?: RunRow) {
    const now = { ...row, ...to };
    await store.save(tx, now);
    const before = untold.has(row) ? undefined : row;
    if (now.state !== before?.state || now.messageId !== before.messageId) await tell(tx, now, before, run);
    return now;
  }

  async function tell(tx: Tx, row: AnnouncementRow, before: AnnouncementRow | undefined, run: RunRow | undefined) {
    const more = Number(row.state === "blocked") - Number(before?.state === "blocked");
    if (more !== 0)
      tx.afterCommit(() => {
        blocked += more;
      });
    const about = row.messageId ?? (run ?? (await book.byId(tx, row.runId)))?.messageId ?? null;
    await changed.raise(tx, toAnnouncement(row), about);
  }

  /** Ends it: it goes by age from now on. */
  const end = (tx: Tx, row: AnnouncementRow, to: Ended): Promise<AnnouncementRow> =>
    save(tx, row, { reason: null, ...to, endedAt: clock.now() });

  /** Keeps it until it is retried or dismissed. `user` is told once of each. */
  async function block(
    tx: Tx,
    row: AnnouncementRow,
    reason: string,
    { to = {}, notice = noticeOf(row, reason) }: { to?: Partial<AnnouncementRow>; notice?: Notice | undefined } = {},
  ) {
    const now = await save(tx, row, { ...to, state: "blocked", reason, endedAt: null });
    // Of a paused chain `user` was told when it was paused.
    if (reason === "loop-paused" || (await messages.rows.byKey(tx, "system", notice.idempotencyKey))) return now;
    await messages.tell(tx, "user", { topic: TOPIC, ...notice });
    return now;
  }

  /**
   * Sends it on the way that is open now, or blocks it. It never throws for a refusal. `replyId`: message of the run's agent
   * with the same text, which is enough if it went there. `notice`: tells `user` of many results at once.
   */
  async function send(tx: Tx, row: AnnouncementRow, run: RunRow, { replyId, notice }: Sending = {}) {
    const destination = await routing.decide(tx, run);
    if (!destination) return block(tx, row, "requester-gone", { to: { target: null, route: null }, notice });
    const { route } = destination;
    const routed = { target: route.to, route: JSON.stringify(route) };
    if (replyId !== undefined && (await wentTo(tx, replyId, route)))
      return save(tx, row, { ...routed, state: "sent", reason: null, messageId: replyId, endedAt: null }, run);
    const known = await placeOf(tx, row, route);
    if (known === "unread") return save(tx, row, { ...routed, state: "sent", reason: null, endedAt: null }, run);
    if (known === "read") return end(tx, row, { ...routed, state: "acknowledged" });
    const files = filesOf(run);
    const attempt = (carried: typeof files) => tx.attempt(() => post(tx, row, run, { ...destination, files: carried }));
    let sent = await attempt(files).catch(refusalOf);
    // A file may have gone since the run ended: the result goes without.
    if (sent instanceof Problem && sent.code === "invalid" && files.length > 0)
      sent = await attempt([]).catch(refusalOf);
    if (sent === undefined) return block(tx, row, "requester-gone", { to: routed, notice });
    if (sent instanceof Problem) return refused(tx, row, sent, routed);
    const message = { messageId: sent, externalIds: "[]" };
    return save(tx, row, { ...routed, ...message, state: "sent", reason: null, endedAt: null }, run);
  }

  /** A thread that is too lively opens by itself within a minute; a chain has to be resumed. */
  async function refused(tx: Tx, row: AnnouncementRow, problem: Problem, to: Partial<AnnouncementRow>) {
    const isPaused = problem.code === "loop-paused";
    const { retryAfterSeconds: wait } = problem.extras;
    if (isPaused && wait !== undefined && wait <= MINUTE_SECONDS)
      await due.schedule(tx, RESUME, row.id, clock.now() + wait * 1000, { after: row.number - 1 });
    return block(tx, row, isPaused ? "loop-paused" : `permanent:${problem.code}`, { to });
  }

  /** Whether a message went to a place. */
  async function wentTo(on: ReadTx, id: MessageId, { to, conversation }: AnnouncementRoute): Promise<boolean> {
    const row = await messages.rows.byId(on, id);
    if (row?.target !== to || !conversation) return row?.target === to;
    const chat = Conversation.safeParse(JSON.parse(row.payload ?? "{}").conversation).data;
    return chat?.conversationId === conversation.conversationId && chat.threadId === conversation.threadId;
  }

  /** Whether the inbox that gets it has the message already: a requester that was deleted and restored keeps its mail. */
  async function placeOf(on: ReadTx, { messageId }: AnnouncementRow, { to, conversation }: AnnouncementRoute) {
    const message = messageId === null || conversation ? undefined : await messages.rows.lineage(on, messageId);
    if (message?.target !== to) return undefined;
    const { cursor = 0 } = directory.facts(on, to) ?? {};
    return cursor < message.id ? "unread" : "read";
  }

  /** One message in the name of the run's agent: the loop rule counts it, and its reader trusts it as a peer's. */
  async function post(tx: Tx, row: AnnouncementRow, run: RunRow, destination: Destination & { files: object[] }) {
    const { route, replyTo, urgent, files } = destination;
    const turns = await book.turnsOf(tx, run.id, MAX_TURNS);
    const first = turns.find(({ startedAt }) => startedAt !== null);
    const announcement = factsOf({
      ...{ row, run, startedAt: first?.startedAt ?? null },
      findings: await findingsFor(tx, run, turns),
      instruction: instructionFor(run, destination),
      asker: destination.asker,
    });
    const chat = route.conversation;
    const sent = await messages.post(tx, await authorOf(tx, run), {
      ...{ to: route.to, kind: "announcement", urgent, replyTo, body: bodyOf(run) },
      subject: run.label,
      encoding: run.opaque ? "opaque" : "plain",
      payload: {
        announcement,
        ...(files.length > 0 && { files }),
        ...(chat && { conversation: chat, text: chatTextOf(run) }),
      },
    });
    return sent?.entry.id;
  }

  async function authorOf(on: ReadTx, { agentId }: RunRow): Promise<Author> {
    const facts = directory.facts(on, agentId);
    return { id: agentId, kind: facts?.kind ?? "provider", via: null };
  }

  /** Results of the runs that it asked for and that no turn of it was told of. It is woken once. */
  async function findingsFor(on: ReadTx, run: RunRow, turns: readonly TurnRow[]): Promise<readonly RunRow[]> {
    if (run.wokenAt === null) return [];
    const findings = await book.findings(on, run.id);
    const wake = turns.findLast(({ cause }) => cause === "wake");
    if (wake?.startedAt === null) return findings;
    const told = turns.findLast(({ startedAt }) => startedAt !== null)?.endedAt ?? Number.POSITIVE_INFINITY;
    return findings.filter(({ endedAt }) => endedAt !== null && endedAt > told);
  }

  /** Whether its reader has it: a model was handed the message, or an adapter took the post. */
  async function isHandedOver(on: ReadTx, { target, messageId }: AnnouncementRow): Promise<boolean> {
    if (messageId === null || target === null) return false;
    const work = await works.byId(on, messageId);
    if (work) return work.state === "claimed" || work.attempts > 0;
    return core.inbox.deliveries.reader(on, target).has(messageId);
  }

  /** Ends the post of a message that is not wanted any more. */
  async function withdraw(tx: Tx, messageId: MessageId | null, why: string): Promise<void> {
    const work = messageId === null ? undefined : await works.byId(tx, messageId);
    if (work && ["open", "delayed", "claimed", "dead"].includes(work.state))
      await leases.end(tx, work, { as: "overtaken", state: "cancelled", why });
  }

  return {
    changed,
    add,
    tell,
    end,
    block,
    send,
    isHandedOver,
    withdraw,

    /** Its message is on its way again. */
    reopen: (tx: Tx, row: AnnouncementRow) => save(tx, row, { state: "sent", reason: null, endedAt: null }),

    /** Dismisses an announcement: its result is delivered to no one. */
    async dismiss(tx: Tx, row: AnnouncementRow, reason: string, person: string | null = null) {
      const dismissed = await end(tx, row, { state: "dismissed", reason, person });
      await withdraw(tx, row.messageId, `the announcement was dismissed: ${reason}`);
      return dismissed;
    },

    blocked: () => blocked,
    async countBlocked(on: ReadTx): Promise<void> {
      blocked = await store.countBlocked(on);
    },
  };
}

interface Sending {
  replyId?: MessageId | undefined;
  notice?: Notice | undefined;
}

/** Message to `user` about results that are kept; its key makes it one. */
export interface Notice {
  subject: string;
  body: string;
  payload: Record<string, unknown>;
  idempotencyKey: string;
}

const noticeOf = ({ id, runId, agentId }: AnnouncementRow, reason: string): Notice => ({
  subject: "A result could not be delivered",
  body:
    `The result of ${runId} by ${agentId} is kept, because it could not be delivered: ${reason}. ` +
    `Retry it (POST /v1/announcements/${id}/retry), or dismiss it.`,
  payload: { announcementId: id, runId, agentId, reason },
  idempotencyKey: `announcement.blocked:${id}`,
});

/** Turns that are searched for the first that began, and for the last wake. */
const MAX_TURNS = 100;

/** A refusal as a value; anything else is thrown on. */
function refusalOf(error: unknown): Problem {
  if (error instanceof Problem && error.status < 500) return error;
  throw error;
}

type Ended = Pick<AnnouncementRow, "state"> & Partial<AnnouncementRow>;

/** An orchestrating requester gets an update; a person who waits for a result gets it; anybody else may be spared. */
function instructionFor(run: RunRow, { asker, route }: Destination): AnnouncementInstruction {
  const isInternal = asker !== undefined && (asker.requester !== null || asker.depth > 0 || asker.cause === "schedule");
  if (isInternal) return "update";
  return run.expectsResult || route.conversation !== undefined ? "deliver" : "quiet";
}

/** Files that come with the result, and the file that holds the whole of a long one. */
function filesOf({ resultFileId, resultFiles, missingFiles }: RunRow): { fileId: string }[] {
  const missing = new Set<string>(missingFiles === null ? [] : JSON.parse(missingFiles));
  const named: string[] = resultFiles === null ? [] : JSON.parse(resultFiles);
  const ids = new Set([...(resultFileId === null ? [] : [resultFileId]), ...named]);
  return [...ids]
    .filter((id) => !missing.has(id))
    .slice(0, MAX_FILES)
    .map((fileId) => ({ fileId }));
}
