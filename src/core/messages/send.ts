import type { AgentFacts } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import { each } from "../each.ts";
import type { Deliveries } from "../inbox/deliveries.ts";
import type { Trees } from "../trees/trees.ts";
import type { ParkedClaimers } from "../work/parked.ts";
import type { Access } from "./access.ts";
import { createAddressing, unasked } from "./addressing.ts";
import { createAppend } from "./append.ts";
import type { Delayed } from "./delayed.ts";
import type { Author, Post, PostOptions, Sent } from "./draft.ts";
import type { Links } from "./links.ts";
import type { Quotas } from "./quotas.ts";
import { createReplays, fingerprint } from "./replays.ts";
import { requirePlain } from "./reserved.ts";
import { createWaiting } from "./waiting.ts";

export type Sender = ReturnType<typeof createSender>;

interface SendOptions {
  known?: Map<string, AgentFacts>;
  isVerb?: boolean;
  owner?: string | undefined;
}

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
    trees: Trees;
  },
) {
  const { clock, disk } = base.kernel;
  const { agents, directory, orchestrators } = base.identity;
  const { messages: store } = base.rows;
  const { access, delayed, parked, links, quotas, deliveries, trees } = parts;
  const addressing = createAddressing(base);
  const { address, toOne } = addressing;
  const log = createAppend(base, parked, links);
  const { append } = log;
  const replayed = createReplays(base);
  const waiting = createWaiting(base, delayed, { tell, causeOf: log.causeOf });
  const { planned } = waiting;
  /**
   * `POST /v1/messages`. `known`: senders that this write has asked about already. A verb that writes in the name of its
   * caller sets `isVerb`: it chooses kind and payload itself. `owner`: what the message belongs to, where it has to wait.
   * @throws Problem 403 (another's name), 409 (superseded), 422 (unknown-target, reserved-kind, idempotency-mismatch, ...)
   */
  async function send(
    tx: Tx,
    caller: Caller,
    draft: ParsedDraft,
    { known, isVerb = false, owner }: SendOptions = {},
  ): Promise<Sent> {
    const from = actingAs(caller, draft.from);
    const replay = replayed(tx, from, draft);
    if (replay) return replay;
    if (!isVerb) requirePlain(draft);
    const actor = known?.get(from) ?? agents.requireActor(tx, caller, from);
    const facts = actor instanceof Promise ? await actor : actor;
    known?.set(from, facts);
    const signature = signedBy(caller, from);
    const author = { id: from, kind: facts.kind, ...signature };
    const addressed = await address(tx, author, draft);
    if (draft.replyTo || draft.causedBy || draft.expiresAt) await checkReferences(tx, caller, from, draft);
    // Last of the checks, so that a message that is refused takes nothing.
    if (draft.replyTo == null || !(await isOwed(tx, draft.replyTo))) quotas.take(tx, facts, "messages");
    const { provider, asks } = addressed;
    if (provider && isLater(draft)) await orchestrators.providers.ensure(tx, provider);
    if (asks && !isLater(draft)) {
      const how = { owner, fingerprint: fingerprint(draft), causedBy: await workedOn(tx, caller, draft) };
      const held = await waiting.hold(tx, { ...addressed, draft, asks }, how);
      return { kind: "scheduled", ...held, replayed: false };
    }
    if (isLater(draft)) {
      await agents.requireToken(tx, caller);
      disk.checkRoom(draft.body.length, "messages");
      const signed = { ...signature, tokenId: caller.tokenId };
      const made = await delayed.add(tx, { ...draft, to: addressed.target }, from, signed, fingerprint(draft));
      await planned.raise(tx, addressed.draft.payload, made.deliverAt);
      return { kind: "scheduled", ...made, replayed: false };
    }
    const print = draft.idempotencyKey ? fingerprint(draft) : undefined;
    const { sessionId = null } = caller;
    const caused = sessionId === null ? addressed.draft : await underRun(tx, { from, sessionId }, addressed.draft);
    return append(tx, { ...addressed, draft: caused, fingerprint: print });
  }

  /** Work that a session gives on, caused by the message that its live run works on, unless its sender says otherwise. */
  async function underRun(on: ReadTx, { from, sessionId }: { from: string; sessionId: string }, draft: ParsedDraft) {
    if (!draft.claimable || draft.causedBy !== undefined || draft.replyTo) return draft;
    const causedBy = await workedOn(on, { agentId: from, sessionId }, draft);
    return causedBy === undefined ? draft : { ...draft, causedBy };
  }

  /** Message that the live run of a caller's session works on, for a draft that names no other. */
  async function workedOn(
    on: ReadTx,
    { agentId, sessionId = null }: Pick<Caller, "agentId" | "sessionId">,
    { causedBy, replyTo }: ParsedDraft,
  ): Promise<number | undefined> {
    if (agentId == null || sessionId === null || causedBy !== undefined || replyTo) return undefined;
    return (
      (await trees.running.first(on, { agentId, token: null, sessionId, delegationId: null }))?.messageId ?? undefined
    );
  }

  const isLater = ({ deliverAt }: ParsedDraft): boolean => deliverAt != null && fromTime(deliverAt) > clock.now();

  /** Answers to requests are accepted beyond the sender's daily quota. */
  async function isOwed(on: ReadTx, replyTo: number): Promise<boolean> {
    return (await store.lineage(on, replyTo))?.kind === "request";
  }

  async function checkReferences(on: ReadTx, caller: Caller, from: string, draft: ParsedDraft): Promise<void> {
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

  /**
   * Appends in an agent's name without checking a caller: for messages that a verb writes. `to` is an agent's id or
   * a group. Returns undefined when the target is gone.
   */
  async function post(tx: Tx, author: Author, said: Post, how: PostOptions = {}) {
    const draft: ParsedDraft = { claimable: false, urgent: false, maxAttempts: 5, encoding: "plain", ...said };
    if (isGroup(draft.to)) return append(tx, { ...(await address(tx, author, draft)), ...how });
    const facts = directory.facts(tx, draft.to);
    if (!facts || facts.deletedAt !== null) return undefined;
    return append(tx, { ...(await toOne(tx, author, draft, facts)), ...how });
  }

  /** Sends a notice of the relay itself; does nothing when the target is gone. */
  async function tell(tx: Tx, to: string, said: Partial<ParsedDraft> & { body: string }): Promise<void> {
    await post(tx, { id: "system", kind: "system", via: null }, { kind: "system", ...said, to });
  }

  /**
   * Refuses what starts an agent without being a message to it. `replyTo`: the message that it is about.
   * @throws Problem 403, 409
   */
  async function requireStart(on: ReadTx, author: Author, to: string, replyTo?: number): Promise<void> {
    const draft = {
      to,
      body: "",
      claimable: false,
      urgent: false,
      maxAttempts: 5,
      encoding: "plain" as const,
      replyTo,
    };
    const { asks, target } = await address(on, author, draft);
    if (asks) throw unasked(target);
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
        const paused = pause();
        if (paused) await paused;
      }
      return sent;
    },
    /**
     * `POST /v1/messages/batch?atomic=false`: one write in which each message is stored or refused by itself, in order.
     * @throws Problem 401, 409 (superseded): they refuse all
     */
    sendEach(tx: Tx, caller: Caller, drafts: readonly (ParsedDraft | Problem)[]): Promise<(Sent | Problem)[]> {
      const known = new Map<string, AgentFacts>();
      return each(tx, drafts, (draft) => send(tx, caller, draft, { known }));
    },
    append,
    address,
    appended: log.appended,
    waiting,
    spawning: addressing.spawning,
    withholding: addressing.withholding,
    requireStart,
    answering: log.answering,
    causeOf: log.causeOf,
    requireTurn: log.requireTurn,
    /** Held work is stored `delayed`, without a time: the area that holds it opens it. */
    held: log.held,
    shape: addressing.shape,
    check: addressing.check,

    post,
    tell,
  };
}
