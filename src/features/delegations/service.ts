import type { Areas } from "../../core/core.ts";
import { refuseReserved } from "../../core/messages/reserved.ts";
import type { AgentFacts } from "../../identity/agents/row.ts";
import { actingAs, actingFor, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES, type PageQuery } from "../../kernel/pages.ts";
import type {
  Delegation,
  DelegationCancel,
  DelegationProgress,
  DelegationResponse,
} from "../../protocol/delegations.ts";
import { Problem } from "../../protocol/problem.ts";
import type { List } from "../../protocol/wire.ts";
import type { Ask, Asked } from "./ask.ts";
import { readDelegation, toDelegation } from "./delegation.ts";
import { askedIn, type DelegationOutcomes, isHeld, isOpen, isOwed, workerOf } from "./outcomes.ts";
import type { DelegationRow } from "./row.ts";
import type { DelegationFilter, DelegationStore } from "./store.ts";

/** Delegations of one tree at most: its budget may have been larger when they were made. */
const MAX_TREE = 2000;

export type DelegationService = ReturnType<typeof createDelegationService>;

/** The verbs of delegations. */
export function createDelegationService(
  { kernel, identity, core }: Areas,
  store: DelegationStore,
  ask: Ask,
  outcomes: DelegationOutcomes,
) {
  const { idempotency } = kernel;
  const { activity, agents } = identity;
  const { messages } = core;
  const { deliveries } = core.inbox;

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<DelegationRow> {
    return (await store.byId(on, id)) ?? Problem.missing("delegation", id);
  }

  /** Whether the caller may read the request, and with it the delegation. @throws Problem 403 */
  const mayRead = (on: ReadTx, caller: Caller, row: DelegationRow): Promise<boolean> =>
    messages.access.readableBy(on, caller, {
      ...{ id: row.messageId, fromId: row.fromId },
      target: isHeld(row) ? row.fromId : row.target,
    });

  /** @throws Problem 403, 404, 409 */
  async function get(on: ReadTx, caller: Caller, id: string): Promise<Delegation> {
    await agents.requireReader(on, caller);
    const row = await require(on, id);
    await requireReader(on, caller, row);
    await deliveries.noteSeen(on, caller, [{ id: row.messageId, from: row.fromId, target: row.target }]);
    return readDelegation(on, messages.rows, row);
  }

  /** Refuses a reader before any other check, so that it learns nothing else. @throws Problem 403 */
  async function requireReader(on: ReadTx, caller: Caller, row: DelegationRow): Promise<void> {
    if (!(await mayRead(on, caller, row)))
      throw new Problem("forbidden", `Delegation ${row.id} is not for ${caller.agentId}.`);
  }

  /** Lists delegations that the caller may read, newest first. */
  async function list(
    on: ReadTx,
    caller: Caller,
    { limit, page, ...filter }: DelegationFilter & PageQuery<number>,
  ): Promise<List<Delegation>> {
    await agents.requireReader(on, caller);
    const { rows, reached } = await store.page(on, filter, page, limit);
    const items: Delegation[] = [];
    let size = 0;
    for (const row of rows) {
      if (!(await mayRead(on, caller, row))) continue;
      const shown = await readDelegation(on, messages.rows, row);
      size += jsonBytes(shown);
      if (size > PAGE_BYTES && items.length) return { items, nextPage: String(items.at(-1)?.messageId) };
      items.push(shown);
    }
    return { items, nextPage: reached === null ? null : String(reached) };
  }

  /** Makes a delegation once for each idempotency key. */
  async function once(tx: Tx, sender: string, key: string | undefined, operation: string, asked: unknown, make: Make) {
    return idempotency.once<Delegation>(tx, {
      ...{ sender, key, operation, asked },
      async make() {
        const made = await make();
        return { subject: made.id, made };
      },
      async again(subject) {
        const row = await store.byId(tx, subject);
        return row && readDelegation(tx, messages.rows, row);
      },
    });
  }

  /** Agent that a caller answers for: the worker, where it acts for that. @throws Problem 403 */
  const senderOf = (caller: Caller, row: DelegationRow, agentId: string | undefined): string =>
    agentId === undefined ? actingFor(caller, workerOf(row)) : actingAs(caller, agentId);

  /** Facts of the worker that the caller acts for. @throws Problem 403 for any other agent, 409 when its lease has ended */
  async function worker(tx: Tx, caller: Caller, row: DelegationRow, agentId: string | undefined): Promise<AgentFacts> {
    await requireReader(tx, caller, row);
    const mine = workerOf(row);
    const actor = senderOf(caller, row, agentId);
    const facts = await agents.requireActor(tx, caller, actor);
    if (isHeld(row))
      throw new Problem("not-open", `${row.id} was not sent to ${row.target}: it needs ${row.approvalId}.`);
    if (mine === null)
      throw new Problem("forbidden", `Nobody of ${row.target} has claimed message ${row.messageId} yet.`);
    if (actor !== mine) throw new Problem("forbidden", `${mine} works on ${row.id}, not ${actor}.`);
    if (!(await outcomes.holdsIt(tx, row)))
      throw new Problem("claim-lost", `The lease of message ${row.messageId} has ended.`);
    return facts;
  }

  async function answer(tx: Tx, caller: Caller, row: DelegationRow, body: DelegationResponse): Promise<Delegation> {
    const { id, kind } = await worker(tx, caller, row, body.agentId);
    if (!isOwed(row)) throw new Problem("not-open", `${row.id} was answered by ${row.answeredBy} already.`);
    refuseReserved(body);
    const sent = await messages.post(
      tx,
      { id, kind, ...signedBy(caller, id) },
      {
        to: row.fromId,
        kind: "response",
        replyTo: row.messageId,
        body: body.text ?? body.error ?? "",
        encoding: body.encoding ?? "plain",
        payload: body.error === undefined ? body.payload : { ...body.payload, delegation: { error: body.error } },
      },
    );
    if (!sent) throw new Problem("gone", `${row.fromId} was deleted: nobody waits for this answer.`);
    return readDelegation(tx, messages.rows, await require(tx, row.id));
  }

  async function report(tx: Tx, caller: Caller, row: DelegationRow, body: DelegationProgress): Promise<Delegation> {
    const { id, kind } = await worker(tx, caller, row, body.agentId);
    if (!isOpen(row)) throw new Problem("not-open", `${row.id} is ${row.status}.`);
    messages.quotas.take(tx, { id, kind }, "messages");
    await messages.post(
      tx,
      { id, kind, ...signedBy(caller, id) },
      {
        to: row.fromId,
        kind: body.question ? "request" : "control",
        subject: `${body.question ? "Question about" : "Progress of"} ${row.id}`,
        replyTo: row.messageId,
        body: body.text,
        encoding: body.encoding ?? "plain",
        payload: { delegationId: row.id, ...(body.question ? questionOf(row) : { progress: true }) },
      },
    );
    return readDelegation(tx, messages.rows, row);
  }

  /** Open delegations below another, at any depth. */
  async function openUnder(on: ReadTx, top: DelegationRow): Promise<DelegationRow[]> {
    const found: DelegationRow[] = [];
    for (const row of await store.openBelowRoot(on, top.rootId, MAX_TREE))
      for (let up: string | null | undefined = row.parentId; up; up = (await core.trees.node.first(on, up))?.parentId)
        if (up === top.id) found.push(row);
    return found;
  }

  return {
    get,
    list,

    /** Notes that a tool hands answers to the model whose run has asked: it needs no turn for them then. */
    async hand(tx: Tx, { agentId, sessionId = null }: Caller, answers: readonly Handed[]): Promise<void> {
      const at = { agentId: agentId ?? "", token: null, sessionId, delegationId: null };
      const run = await core.trees.running.first(tx, at);
      for (const { messageId, answerId } of answers) {
        const row = await store.byMessage(tx, messageId);
        // Another session of the agent is another model.
        if (row?.fromId !== agentId || (row.runId !== null && row.runId !== run?.id)) continue;
        if (row.answerId !== answerId || row.handedId === answerId) continue;
        await store.hand(tx, { ...row, handedId: answerId });
      }
    },

    /** `POST /v1/delegations` */
    async ask(tx: Tx, caller: Caller, body: Asked, key: string | undefined) {
      const { from, token: _, node: __, relayed: ___, ...asked } = body;
      return once(tx, actingAs(caller, from), key, "delegate", asked, async () =>
        toDelegation(await ask.ask(tx, caller, body), {
          text: body.text,
          encoding: body.encoding,
          context: body.context ?? null,
          payload: body.payload ?? null,
        }),
      );
    },

    /** `POST .../response`: late ones too, once. @throws Problem 403, 404, 409, 410 */
    async respond(tx: Tx, caller: Caller, id: string, body: DelegationResponse, key: string | undefined) {
      const { agentId: named, ...asked } = body;
      actingAs(caller, named);
      const row = await require(tx, id);
      const sender = senderOf(caller, row, named);
      return once(tx, sender, key, `delegation.response ${id}`, asked, () => answer(tx, caller, row, body));
    },

    /** `POST .../progress`. @throws Problem 403, 404, 409 */
    async progress(tx: Tx, caller: Caller, id: string, body: DelegationProgress, key: string | undefined) {
      const { agentId: named, ...asked } = body;
      actingAs(caller, named);
      const row = await require(tx, id);
      const sender = senderOf(caller, row, named);
      return once(tx, sender, key, `delegation.progress ${id}`, asked, () => report(tx, caller, row, body));
    },

    /** `POST .../cancel`, by the asker or an operator. Repeating it changes nothing. @throws Problem 403, 404, 409 */
    async cancel(tx: Tx, caller: Caller, id: string, body: { tree: boolean } & DelegationCancel) {
      actingAs(caller);
      const row = await require(tx, id);
      const actor = caller.role === "operator" ? actingAs(caller) : actingFor(caller, row.fromId);
      await agents.requireActor(tx, caller, actor);
      await requireReader(tx, caller, row);
      if (caller.role !== "operator" && actor !== row.fromId)
        throw new Problem("forbidden", `Only ${row.fromId} or an operator may cancel ${id}.`);
      if (!body.tree && !isOpen(row) && row.status !== "cancelled")
        throw new Problem("not-open", `${id} is ${row.status}.`);
      const why = `cancelled by ${actor}${body.reason ? `: ${body.reason}` : ""}`;
      const ending = [...(isOpen(row) ? [row] : []), ...(body.tree ? await openUnder(tx, row) : [])];
      for (const each of ending) {
        // Cancelling one may have ended another.
        const now = await store.byMessage(tx, each.messageId);
        if (now && isOpen(now)) await outcomes.cancel(tx, now, why, caller.personId);
      }
      const cancelled = ending.map((each) => each.id);
      if (caller.role === "operator" && cancelled.length)
        await activity.record(tx, caller, "delegation.cancelled", id, { cancelled, reason: body.reason ?? null });
      return { delegation: await readDelegation(tx, messages.rows, await require(tx, id)), cancelled };
    },
  };
}

/** A worker's question names the run of the asker, so that it finds the dialogue that asked. */
const questionOf = (row: DelegationRow) => ({
  question: true,
  ...(row.runId === null ? {} : { delegation: askedIn(row) }),
});

/** Answer to a request, by the ids of both messages. */
interface Handed {
  messageId: number;
  answerId: number;
}

type Make = () => Promise<Delegation>;
