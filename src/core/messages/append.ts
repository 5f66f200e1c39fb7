import { isGroup } from "../../identity/agents/target.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { MessageSource, ParsedDraft } from "../../protocol/messages.ts";
import { fromTime, toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { ParkedClaimers } from "../work/parked.ts";
import type { WorkRow } from "../work/row.ts";
import { unasked } from "./addressing.ts";
import { createCauses, ROOT } from "./causes.ts";
import type { Addressed, Author, Sent } from "./draft.ts";
import { toLogEntry } from "./entry.ts";
import { isAgentMade, type Judged, type Pause, type Verdict } from "./judge.ts";
import type { Links } from "./links.ts";
import { fingerprint } from "./replays.ts";
import type { Lineage, MessageRow } from "./row.ts";
import { isHushed } from "./silence.ts";

/** The due row of a direct message that expires: see `expiry.ts`. */
export const EXPIRES = "message.expires";

/** Appending a checked message: its causes, its row, and the work it opens. */
export function createAppend(base: Base, parked: ParkedClaimers, links: Links) {
  const { clock, disk, due, headOf, hooks } = base.kernel;
  const { log } = base;
  const { messages: store, work: works } = base.rows;
  const { judge } = base.options;
  const causes = createCauses(base, links);
  /** A message and its work are stored. `pause`: the loop rule withholds further messages. */
  const appended =
    hooks.event<[row: MessageRow, work: WorkRow | undefined, pause: Pause | undefined]>("messages.appended");
  /** The draft as an answer to something owed; no answer when it is none. */
  const answering = hooks.question<[author: Author, draft: ParsedDraft, target: string], ParsedDraft>(
    "messages.answering",
  );
  /** True when work waits for other work before any agent may claim it. */
  const held = hooks.question<[row: MessageRow], true>("messages.held");

  /** Appends a checked message, and wakes its followers once it is on disk. */
  async function append(tx: Tx, asked: Addressed): Promise<Extract<Sent, { kind: "sent" }>> {
    if (asked.asks) throw unasked(asked.target);
    if (asked.provider) await base.identity.orchestrators.providers.ensure(tx, asked.provider);
    // Only what is there to be waited for is awaited: each turn of the microtask queue is a hundredth of a send.
    const answered = answering.first(tx, asked.author, asked.draft, asked.target);
    const answer = answered && (await answered);
    const parent = asked.draft.replyTo ? await store.lineage(tx, asked.draft.replyTo) : undefined;
    const addressed = answer ? { ...asked, draft: answer, settles: true } : unlessHushed(asked, parent);
    const { row, pause } = await toRow(tx, addressed, parent);
    disk.checkRoom(sizeOf(row), "messages");
    store.append(tx, row);
    const work = row.claimable ? await openWork(tx, row, addressed.draft.maxAttempts) : undefined;
    if (!work && row.expiresAt !== null && !isGroup(row.target) && !addressed.owed)
      await due.schedule(tx, EXPIRES, String(row.id), row.expiresAt, { messageId: row.id });
    const entry = toLogEntry(row);
    tx.afterCommit(() => {
      log.publish([entry]);
      base.merges.notice();
      if (work?.state === "open") parked.opened(work);
    });
    const reacting = appended.raise(tx, row, work, pause);
    if (reacting) await reacting;
    return { kind: "sent", entry, work, matched: row.matched, suggestions: asked.suggestions, replayed: false };
  }

  /** Silence ends a conversation: it is over as soon as it is stored, so no reader gets it and no adapter posts it. */
  function unlessHushed(asked: Addressed, parent: Lineage | undefined): Addressed {
    if (!isHushed(asked.draft, parent)) return asked;
    const draft = { ...asked.draft, claimable: false, urgent: false, expiresAt: toTime(clock.now()) };
    return { ...asked, draft, settles: true, owed: true };
  }

  async function toRow(
    tx: Tx,
    addressed: Addressed,
    parent: Lineage | undefined,
  ): Promise<Verdict & { row: MessageRow }> {
    const { draft, author, target } = addressed;
    const settles = addressed.settles ?? false;
    const behind = addressed.isRoot ? ROOT : await causes.behind(tx, author, target, draft, parent);
    // A post to a channel (whose id alone has a colon) is work for its adapter: for the others it is talk.
    const isPost = target.includes(":") && !isGroup(target);
    const isWork = draft.kind === "request" || (draft.claimable && !isPost);
    const judged: Judged = { ...behind, author, parent, settles, isWork };
    const judging = judge(tx, judged);
    const { streak, pause } = judging instanceof Promise ? await judging : judging;
    return { row: rowOf(addressed, judged, { id: headOf(tx) + 1, streak, createdAt: clock.now() }), streak, pause };
  }

  /**
   * Refuses what the relay writes for an agent where a message of the agent itself would be refused.
   * @throws Problem 429 loop-paused
   */
  async function requireTurn(tx: Tx, author: Author, target: string): Promise<void> {
    if (!isAgentMade(author)) return;
    const behind = await causes.behind(tx, author, target, {}, undefined);
    await judge(tx, { ...behind, author, parent: undefined, settles: false, isWork: false });
  }

  /** The message that would cause this one, were it sent now. */
  async function causeOf(on: ReadTx, { author, target, draft }: Addressed): Promise<number | undefined> {
    const parent = draft.replyTo ? await store.lineage(on, draft.replyTo) : undefined;
    return (await causes.behind(on, author, target, draft, parent)).cause?.id;
  }

  async function openWork(tx: Tx, row: MessageRow, maxAttempts: number): Promise<WorkRow> {
    const { id: messageId, target, kind, urgent, expiresAt } = row;
    const work: WorkRow = {
      messageId,
      target,
      kind,
      topic: row.topic ?? "",
      urgent,
      state: (await held.first(tx, row)) ? "delayed" : "open",
      dueAt: expiresAt,
      expiresAt,
      maxAttempts,
      attempts: 0,
      fence: 0,
      holder: null,
      claimedAt: null,
      leaseSeconds: null,
      error: null,
      ...{ completedBy: null, resultId: null },
      ...{ cancelledPerson: null, requeuedPerson: null, requeuedAt: null, endedAt: null, endedUpTo: null },
    };
    await works.add(tx, work);
    if (expiresAt !== null) tx.afterCommit(() => due.notice(expiresAt));
    return work;
  }

  return { append, appended, answering, held, causeOf, requireTurn };
}

function rowOf(
  addressed: Addressed,
  { cause, parent, workId, isWork }: Judged,
  { id, streak, createdAt }: Pick<MessageRow, "id" | "streak" | "createdAt">,
): MessageRow {
  const { draft, author, target, matched, route, withheld } = addressed;
  return {
    id,
    fromId: author.id,
    target,
    kind: draft.kind ?? (draft.claimable ? "task" : "chat"),
    source: author.source ?? sourceOf(author),
    integration: author.integration ?? null,
    topic: draft.topic ?? null,
    subject: draft.subject ?? null,
    body: draft.body,
    opaque: draft.encoding === "opaque",
    threadId: parent ? (parent.threadId ?? parent.id) : null,
    replyTo: draft.replyTo ?? null,
    causedBy: cause?.id ?? null,
    rootId: cause ? (cause.rootId ?? cause.id) : null,
    hops: cause ? cause.hops + 1 : 0,
    streak,
    workId: isWork ? id : workId,
    claimable: draft.claimable,
    urgent: draft.urgent,
    route: route ? JSON.stringify(route) : null,
    payload: draft.payload ? JSON.stringify(draft.payload) : null,
    meta: draft.meta ? JSON.stringify(draft.meta) : null,
    idempotencyKey: draft.idempotencyKey ?? null,
    fingerprint: addressed.fingerprint ?? (draft.idempotencyKey ? fingerprint(draft) : null),
    ...{ via: author.via, person: author.person ?? null },
    expiresAt: draft.expiresAt ? fromTime(draft.expiresAt) : null,
    createdAt,
    matched,
    withheld: withheld?.length ? JSON.stringify(withheld) : null,
  };
}

const sizeOf = ({ body, payload, meta }: MessageRow): number =>
  body.length + (payload?.length ?? 0) + (meta?.length ?? 0);

/** An operator's token that writes as `system` is a person: only the relay itself is the relay. */
function sourceOf({ kind, via }: Author): MessageSource {
  if (kind === "user") return "person";
  if (kind === "system") return via === null ? "relay" : "person";
  return kind === "channel" ? "channel" : "agent";
}
