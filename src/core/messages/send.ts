import type { AgentFacts } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, type Caller, viaOf } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import type { MessageSource, ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { ParkedClaimers } from "../work/parked.ts";
import type { WorkRow } from "../work/row.ts";
import type { Access } from "./access.ts";
import { createAddressing } from "./addressing.ts";
import { createCauses, ROOT } from "./causes.ts";
import type { Delayed } from "./delayed.ts";
import type { Addressed, Author, Post, Posting, Sent } from "./draft.ts";
import { toLogEntry } from "./entry.ts";
import type { Pause, Verdict } from "./judge.ts";
import type { Links } from "./links.ts";
import type { Quotas } from "./quotas.ts";
import { createReplays, fingerprint } from "./replays.ts";
import { requirePlain } from "./reserved.ts";
import type { MessageRow } from "./row.ts";

/** The due row of a direct message that expires: see `expiry.ts`. */
export const EXPIRES = "message.expires";

export type Sender = ReturnType<typeof createSender>;

/** Sending messages: checks, causes, the entry in the log and its work. */
export function createSender(
  base: Base,
  parts: {
    access: Access;
    delayed: Delayed;
    parked: ParkedClaimers;
    links: Links;
    quotas: Quotas;
    deliveries: Deliveries;
  },
) {
  const { clock, disk, due, headOf, hooks } = base.kernel;
  const { log } = base;
  const { agents, directory } = base.identity;
  const { messages: store, work: works } = base.rows;
  const { judge } = base.options;
  const { access, delayed, parked, links, quotas, deliveries } = parts;
  const causes = createCauses(base, links);
  const addressing = createAddressing(base);
  const { address, toOne } = addressing;
  const replayed = createReplays(base, delayed);
  /** A message and its work are stored. `pause`: the loop rule withholds further messages. */
  const appended =
    hooks.event<[row: MessageRow, work: WorkRow | undefined, pause: Pause | undefined]>("messages.appended");
  /** A message is planned for a later time. */
  const planned = hooks.event<[payload: ParsedDraft["payload"], at: number]>("messages.planned");
  /** The draft as an answer to something owed; no answer when it is none. */
  const answering = hooks.question<[author: Author, draft: ParsedDraft, target: string], ParsedDraft>(
    "messages.answering",
  );
  /** True when work waits for other work before anybody may claim it. */
  const held = hooks.question<[row: MessageRow], true>("messages.held");

  /**
   * `POST /v1/messages`. `known`: senders that this write has asked about already. A verb that writes in the name of its
   * caller sets `isVerb`: it chooses kind and payload itself.
   * @throws Problem 403 (another's name), 409 (superseded), 422 (unknown-target, reserved-kind, idempotency-mismatch, ...)
   */
  async function send(
    tx: Tx,
    caller: Caller,
    draft: ParsedDraft,
    { known = new Map<string, AgentFacts>(), isVerb = false } = {},
  ): Promise<Sent> {
    const from = actingAs(caller, draft.from);
    const replay = draft.idempotencyKey ? await replayed(tx, from, draft) : undefined;
    if (replay) return replay;
    if (!isVerb) requirePlain(draft);
    const facts = known.get(from) ?? (await agents.requireActor(tx, caller, from));
    known.set(from, facts);
    if (!(await isOwed(tx, draft))) quotas.take(tx, facts, "messages");
    const via = viaOf(caller, from);
    const addressed = await address(tx, { id: from, kind: facts.kind, via }, draft);
    if (draft.replyTo || draft.causedBy || draft.expiresAt) await checkReferences(tx, caller, from, draft);
    if (draft.deliverAt && fromTime(draft.deliverAt) > clock.now()) {
      disk.checkRoom(draft.body.length, "messages");
      const made = await delayed.add(tx, { ...draft, to: addressed.target }, from, via, fingerprint(draft));
      await planned.raise(tx, addressed.draft.payload, made.deliverAt);
      return { kind: "scheduled", ...made, replayed: false };
    }
    return append(tx, { ...addressed, fingerprint: draft.idempotencyKey ? fingerprint(draft) : undefined });
  }

  /** Answers to requests are accepted beyond the sender's daily quota. */
  async function isOwed(on: Reading, { replyTo }: ParsedDraft): Promise<boolean> {
    return replyTo != null && (await store.lineage(on, replyTo))?.kind === "request";
  }

  async function checkReferences(on: Reading, caller: Caller, from: string, draft: ParsedDraft): Promise<void> {
    if (draft.replyTo) await access.requireReference(on, from, draft.replyTo, "/replyTo");
    if (draft.causedBy && draft.causedBy !== draft.replyTo) {
      const { id, fromId, target } = await access.requireReference(on, from, draft.causedBy, "/causedBy");
      if (caller.agentId === from) await deliveries.noteNamed(on, caller, { id, from: fromId, target });
    }
    if (draft.expiresAt && fromTime(draft.expiresAt) <= clock.now())
      throw Problem.invalid("/expiresAt", "is already past");
    if (draft.expiresAt && draft.deliverAt && fromTime(draft.expiresAt) <= fromTime(draft.deliverAt))
      throw Problem.invalid("/expiresAt", "is not after deliverAt");
  }

  /** Appends a checked message, and wakes its followers once it is on disk. */
  async function append(tx: Tx, asked: Addressed): Promise<Extract<Sent, { kind: "sent" }>> {
    const answer = await answering.first(tx, asked.author, asked.draft, asked.target);
    const addressed = answer ? { ...asked, draft: answer, settles: true } : asked;
    const { row, pause } = await toRow(tx, addressed);
    disk.checkRoom(sizeOf(row), "messages");
    await store.append(tx, row);
    const work = row.claimable ? await openWork(tx, row, addressed.draft.maxAttempts) : undefined;
    if (!work && row.expiresAt !== null && !isGroup(row.target) && !addressed.owed)
      await due.schedule(tx, EXPIRES, String(row.id), row.expiresAt, { messageId: row.id });
    const entry = toLogEntry(row);
    tx.afterCommit(() => {
      log.publish([entry]);
      if (work?.state === "open") parked.opened(work);
    });
    await appended.raise(tx, row, work, pause);
    return { kind: "sent", entry, work, matched: row.matched, suggestions: asked.suggestions, replayed: false };
  }

  async function toRow(tx: Tx, addressed: Addressed): Promise<Verdict & { row: MessageRow }> {
    const { draft, author, target, matched, route } = addressed;
    const parent = draft.replyTo ? await store.lineage(tx, draft.replyTo) : undefined;
    const settles = addressed.settles ?? false;
    const behind = addressed.isRoot ? ROOT : await causes.behind(tx, author, target, draft, parent);
    const { cause } = behind;
    // A post to a channel (whose id alone has a colon) is work for its adapter: for the others it is talk.
    const isPost = target.includes(":") && !isGroup(target);
    const isWork = draft.kind === "request" || (draft.claimable && !isPost);
    const judged = { ...behind, author, parent, settles, isWork };
    const { streak, pause } = await judge(tx, judged);
    const id = headOf(tx) + 1;
    const row: MessageRow = {
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
      workId: isWork ? id : behind.workId,
      claimable: draft.claimable,
      urgent: draft.urgent,
      route: route ? JSON.stringify(route) : null,
      payload: draft.payload ? JSON.stringify(draft.payload) : null,
      meta: draft.meta ? JSON.stringify(draft.meta) : null,
      idempotencyKey: draft.idempotencyKey ?? null,
      fingerprint: addressed.fingerprint ?? (draft.idempotencyKey ? fingerprint(draft) : null),
      ...{ via: author.via, person: null },
      expiresAt: draft.expiresAt ? fromTime(draft.expiresAt) : null,
      createdAt: clock.now(),
      matched,
    };
    return { row, streak, pause };
  }

  async function openWork(tx: Tx, row: MessageRow, maxAttempts: number): Promise<WorkRow> {
    const work: WorkRow = {
      messageId: row.id,
      target: row.target,
      kind: row.kind,
      topic: row.topic ?? "",
      urgent: row.urgent,
      state: (await held.first(tx, row)) ? "delayed" : "open",
      dueAt: row.expiresAt,
      expiresAt: row.expiresAt,
      maxAttempts,
      attempts: 0,
      fence: 0,
      holder: null,
      claimedAt: null,
      leaseSeconds: null,
      error: null,
      ...{ cancelledPerson: null, requeuedPerson: null, endedAt: null, endedUpTo: null },
    };
    await works.add(tx, work);
    const expiresAt = row.expiresAt;
    if (expiresAt !== null) tx.afterCommit(() => due.notice(expiresAt));
    return work;
  }

  /**
   * Appends in an agent's name without checking a caller: for messages that a verb writes. `to` is an agent's id or
   * a group. Returns undefined when the target is gone.
   */
  async function post(tx: Tx, author: Author, said: Post, how: Posting = {}) {
    const draft: ParsedDraft = { claimable: false, urgent: false, maxAttempts: 5, encoding: "plain", ...said };
    if (isGroup(draft.to)) return append(tx, { ...(await address(tx, author, draft)), ...how });
    const facts = await directory.facts(tx, draft.to);
    if (!facts || facts.deletedAt !== null) return undefined;
    return append(tx, { ...(await toOne(tx, author, draft, facts)), ...how });
  }

  return {
    send,
    /**
     * `POST /v1/messages/batch`: one write, so all or nothing. The pointer of a refusal says which one it was. Between
     * its messages the event loop goes on while the transaction stays open: reads see none of it, other writes wait.
     */
    async sendAll(tx: Tx, caller: Caller, drafts: readonly ParsedDraft[]): Promise<Sent[]> {
      const sent: Sent[] = [];
      disk.checkRoom(
        drafts.reduce((sum, { body }) => sum + body.length, 0),
        "batches",
      );
      // A send changes no agent, so each sender is checked once.
      const known = new Map<string, AgentFacts>();
      const pause = createPauses();
      for (const [index, draft] of drafts.entries()) {
        try {
          sent.push(await send(tx, caller, draft, { known }));
        } catch (error) {
          throw error instanceof Problem ? error.under(`/messages/${index}`) : error;
        }
        await pause();
      }
      return sent;
    },
    append,
    address,
    appended,
    planned,
    answering,
    /** Held work is stored `delayed`, without a time: the area that holds it opens it. */
    held,
    shape: addressing.shape,
    check: addressing.check,

    post,
    /** Sends a notice of the relay itself; does nothing when the target is gone. */
    async tell(tx: Tx, to: string, said: Partial<ParsedDraft> & { body: string }): Promise<void> {
      await post(tx, { id: "system", kind: "system", via: null }, { kind: "system", ...said, to });
    },
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
