import type { Areas } from "../../core/core.ts";
import { toLogEntry, toMessage } from "../../core/messages/entry.ts";
import { refuseReserved } from "../../core/messages/reserved.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/messages.ts";
import type { Pair, PairStep, ParsedPair, ParsedPairMessage } from "../../protocol/pairs.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { EXPIRES, type PairLifecycle } from "./lifecycle.ts";
import { coupleOf, type PairFilter, type PairRow, type PairStore } from "./store.ts";

export type PairService = ReturnType<typeof createPairService>;

/** The verbs of pairs: asking, agreeing, talking, ending. */
export function createPairService({ kernel, identity, core }: Areas, store: PairStore, lifecycle: PairLifecycle) {
  const { clock, due, idempotency } = kernel;
  const { activity, agents, directory } = identity;
  const { messages } = core;

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<PairRow> {
    return (await store.byId(on, id)) ?? Problem.missing("pair", id);
  }

  /**
   * `POST /v1/pairs`. The relay asks in its own name, and the request counts as a message of the requester.
   * @throws Problem 403, 409, 422, 429
   */
  async function ask(tx: Tx, caller: Caller, body: ParsedPair): Promise<PairRow> {
    const requester = actingAs(caller, body.requester);
    const facts = await agents.requireActor(tx, caller, requester);
    const { target } = body;
    await checkTarget(tx, requester, target);
    const author = { id: requester, kind: facts.kind, ...signedBy(caller, requester) };
    await messages.requireStart(tx, author, target);
    const live = await store.live(tx, coupleOf(requester, target));
    if (live) throw new Problem("conflict", `${live.id} of ${requester} and ${target} is ${live.status} already.`);
    await messages.requireTurn(tx, author, target);
    messages.quotas.take(tx, facts, "messages");
    const now = clock.now();
    const row: PairRow = {
      ...{ id: newId("pair", now), requester, target, couple: coupleOf(requester, target) },
      ...{ objective: body.objective ?? null, status: "pending", threadId: 0, reason: null, endedBy: null },
      ...{ createdAt: now, expiresAt: now + body.timeoutSeconds * 1000, acceptedAt: null, endedAt: null },
      ...{ acceptedPerson: null, endedPerson: null },
    };
    const threadId = await lifecycle.tell(tx, row, "requested");
    const made = { ...row, threadId };
    await store.add(tx, made);
    await due.schedule(tx, EXPIRES, row.id, row.expiresAt);
    await lifecycle.changed.raise(tx, made);
    return made;
  }

  async function checkTarget(on: ReadTx, requester: AgentId, target: Target): Promise<void> {
    if (target === requester) throw Problem.invalid("/target", "is the requester itself");
    const facts = directory.facts(on, target);
    if (!facts || facts.deletedAt !== null)
      throw new Problem("unknown-target", `Nobody is called ${target}.`, {
        errors: [{ pointer: "/target", message: "is not a registered agent" }],
        suggestions: agents.suggest(target),
      });
    if (facts.kind === "system" || facts.kind === "channel")
      throw Problem.invalid("/target", `is of kind ${facts.kind}, which agrees to nothing`);
  }

  const isMember = ({ requester, target }: PairRow, agentId: string): boolean =>
    agentId === requester || agentId === target;

  /** Member that the caller acts for. An operator that names none acts for `usual`, or for `user` if that is a member. */
  async function member(on: ReadTx, caller: Caller, row: PairRow, agentId: string | undefined, usual: string) {
    const isOperator = caller.role === "operator" && agentId === undefined;
    const mine = [row.requester, row.target].includes("user") ? "user" : usual;
    const actor = actingAs(caller, isOperator ? mine : agentId);
    const facts = await agents.requireActor(on, caller, actor);
    if (!isMember(row, actor)) throw new Problem("forbidden", `${actor} is not a member of ${row.id}.`);
    return facts;
  }

  /** Records an act in the name of another. */
  async function note(tx: Tx, caller: Caller, verb: string, row: PairRow, actor: string): Promise<void> {
    if (caller.agentId !== actor) await activity.record(tx, caller, `pair.${verb}`, row.id, { agentId: actor });
  }

  const notLive = (row: PairRow) => new Problem("conflict", `${row.id} is ${row.status}.`);

  /** Accepts or rejects, by the target. Repeating it changes nothing. @throws Problem 403, 404, 409 */
  async function decide(tx: Tx, caller: Caller, id: string, to: "active" | "rejected", body: PairStep): Promise<Pair> {
    actingAs(caller, body.agentId);
    const row = await require(tx, id);
    const { id: actor } = await member(tx, caller, row, body.agentId, row.target);
    if (actor !== row.target) throw new Problem("forbidden", `${row.target} was asked, not ${actor}.`);
    if (row.status === to) return toPair(row);
    if (row.status !== "pending") throw notLive(row);
    await note(tx, caller, to === "active" ? "accepted" : "rejected", row, actor);
    return toPair(
      to === "active"
        ? await lifecycle.accept(tx, row, caller.personId)
        : await lifecycle.end(tx, row, "rejected", actor, body.reason ?? null, caller.personId),
    );
  }

  return {
    /** @throws Problem 403, 409, 422, 429 */
    async ask(tx: Tx, caller: Caller, body: ParsedPair, key: string | undefined) {
      const { requester, ...asked } = body;
      return idempotency.once<Pair>(tx, {
        ...{ sender: actingAs(caller, requester), key, operation: "pair", asked },
        async make() {
          const row = await ask(tx, caller, body);
          return { subject: row.id, made: toPair(row) };
        },
        async again(subject) {
          const row = await store.byId(tx, subject);
          return row && toPair(row);
        },
      });
    },

    accept: (tx: Tx, caller: Caller, id: string, body: PairStep) => decide(tx, caller, id, "active", body),
    reject: (tx: Tx, caller: Caller, id: string, body: PairStep) => decide(tx, caller, id, "rejected", body),

    /** Ends a pair, by either member. Repeating it changes nothing. @throws Problem 403, 404, 409 */
    async end(tx: Tx, caller: Caller, id: string, body: PairStep): Promise<Pair> {
      actingAs(caller, body.agentId);
      const row = await require(tx, id);
      const { id: actor } = await member(tx, caller, row, body.agentId, row.requester);
      if (row.status === "ended") return toPair(row);
      if (row.status !== "pending" && row.status !== "active") throw notLive(row);
      await note(tx, caller, "ended", row, actor);
      return toPair(await lifecycle.end(tx, row, "ended", actor, body.reason ?? null, caller.personId));
    },

    /** Sends a message to the other member, in the pair's thread. @throws Problem 403, 404, 409, 422, 429 */
    async say(tx: Tx, caller: Caller, id: string, body: ParsedPairMessage, key: string | undefined) {
      const { from: named, ...asked } = body;
      actingAs(caller, named);
      const row = await require(tx, id);
      const { id: from, kind } = await member(tx, caller, row, named, row.requester);
      return idempotency.once<Message>(tx, {
        ...{ sender: from, key, operation: `pair.message ${id}`, asked },
        async make() {
          if (row.status !== "active") throw notLive(row);
          messages.quotas.take(tx, { id: from, kind }, "messages");
          refuseReserved(body);
          if (body.replyTo) await checkReply(tx, from, row, body.replyTo);
          const entry = await lifecycle.pass(tx, row, { id: from, kind, ...signedBy(caller, from) }, body);
          return { subject: String(entry.id), made: toMessage(entry, undefined) };
        },
        async again(subject) {
          const message = await messages.rows.byId(tx, Number(subject));
          return message && toMessage(toLogEntry(message), undefined);
        },
      });
    },

    /** @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Pair> {
      const reader = await agents.requireReader(on, caller);
      const row = await require(on, id);
      if (reader !== null && !isMember(row, reader))
        throw new Problem("forbidden", `${reader} is not a member of ${id}.`);
      return toPair(row);
    },

    /** Lists an agent's pairs, or all, newest first. */
    async list(on: ReadTx, caller: Caller, query: ListQuery): Promise<List<Pair>> {
      const reader = await agents.requireReader(on, caller);
      const both = [reader, query.agent].filter((id): id is string => typeof id === "string");
      const filter: PairFilter = { members: both, status: query.status };
      return readList(
        query,
        (count, before) => store.page(on, filter, before, count),
        toPair,
        ({ id }) => id,
      );
    },
  };

  /** Checks that a reply is to a message of the pair's thread. @throws Problem 403, 422 */
  async function checkReply(on: ReadTx, from: string, row: PairRow, replyTo: number): Promise<void> {
    await messages.access.requireReference(on, from, replyTo, "/replyTo");
    const replied = await messages.rows.lineage(on, replyTo);
    if ((replied?.threadId ?? replied?.id) !== row.threadId)
      throw Problem.invalid("/replyTo", `is not of the thread of ${row.id}`);
  }
}

interface ListQuery extends PageQuery<string> {
  agent?: string | undefined;
  status?: Pair["status"] | undefined;
}

const toPair = ({ couple: _, ...row }: PairRow): Pair => ({
  ...row,
  createdAt: toTime(row.createdAt),
  expiresAt: toTime(row.expiresAt),
  acceptedAt: toTimeOrNull(row.acceptedAt),
  endedAt: toTimeOrNull(row.endedAt),
});
