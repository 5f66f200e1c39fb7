import type { Areas } from "../../core/core.ts";
import type { Addressed, Asks, Author, Waiting } from "../../core/messages/draft.ts";
import { refuseReserved } from "../../core/messages/reserved.ts";
import { depthUnder, type PlacedNode } from "../../core/trees/trees.ts";
import type { AgentFacts } from "../../identity/agents/row.ts";
import { isGroup, parseTarget } from "../../identity/agents/target.ts";
import { actingAs, type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { ParsedDelegation } from "../../protocol/delegations.ts";
import type { AgentId, Target } from "../../protocol/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { OF_REQUEST } from "./delegation.ts";
import { type DelegationOutcomes, isOpen, workerOf } from "./outcomes.ts";
import type { DelegationRow } from "./row.ts";
import type { DelegationStore } from "./store.ts";

/**
 * A request. `causedBy: null`: none of its asker's mail or work caused it. `token`: the header Signalbox-Run. `sessionId`:
 * session whose token asks. `node`: its place in the tree, where a verb has looked that up. `relayed`: members of its payload
 * that a verb writes.
 */
export type Asked = ParsedDelegation & {
  causedBy?: null | undefined;
  token?: string | null | undefined;
  sessionId?: string | null | undefined;
  node?: PlacedNode | undefined;
  relayed?: Record<string, unknown> | undefined;
};

const SYSTEM: Author = { id: "system", kind: "system", via: null };

/** Makes delegations: checks target, parent and limits, and sends the request. */
export function createAsk({ kernel, identity, core }: Areas, store: DelegationStore, outcomes: DelegationOutcomes) {
  const { clock, due, headOf } = kernel;
  const { agents, directory, orchestrators } = identity;
  const { messages, trees } = core;
  const { rows: works } = core.work;

  /** `POST /v1/delegations`. @throws Problem 403, 409, 422 */
  async function ask(tx: Tx, caller: Caller, body: Asked): Promise<DelegationRow> {
    const from = actingAs(caller, body.from);
    const facts = await agents.requireActor(tx, caller, from);
    refuseReserved(body, "", OF_REQUEST);
    messages.quotas.take(tx, facts, "messages");
    if (body.threadId) await messages.access.requireReference(tx, from, body.threadId, "/threadId");
    const asked = { ...body, sessionId: caller.sessionId };
    const by = body.node ?? (await runOf(tx, facts, asked));
    const parent = body.node ?? (await nodeOf(tx, facts, asked, by));
    const author = { id: from, kind: facts.kind, ...signedBy(caller, from) };
    const addressed = await addressOf(tx, author, body, parent);
    await check(tx, from, addressed.target, parent);
    return addressed.asks
      ? waitForPerson(tx, body, { ...addressed, asks: addressed.asks }, { parent, by })
      : send(tx, addressed, body, { parent, by });
  }

  /** A request of the relay itself: it has no parent, and counts against no budget. */
  async function order(tx: Tx, body: Asked): Promise<DelegationRow> {
    return send(tx, await addressOf(tx, SYSTEM, body, undefined), body, { parent: undefined, by: undefined });
  }

  /** The request as the next message of the log, with its target looked up. */
  const addressOf = (on: ReadTx, author: Author, body: Asked, parent: PlacedNode | undefined): Promise<Addressed> =>
    messages.address(on, author, toDraft(store.idOf(headOf(on) + 1), body, parent, clock.now()));

  async function send(tx: Tx, addressed: Addressed, body: Asked, { parent, by }: Above): Promise<DelegationRow> {
    const from = addressed.author.id;
    const id = store.idOf(headOf(tx) + 1);
    const { entry } = await messages.append(tx, { ...addressed, owed: true });
    if (store.idOf(entry.id) !== id) throw new Error(`the request of ${id} became message ${entry.id}`);
    const queued = !(await directory.anyHere(tx, addressed.target, from));
    const { target } = addressed;
    const row = newRow(body, { ...entry, id: entry.id, from, target, parent, by, queued, now: clock.now() }, store);
    await store.add(tx, row);
    if (row.queued) await tellQueued(tx, row);
    await outcomes.tell(tx, row);
    tx.afterCommit(() => due.notice(row.deadlineAt));
    return row;
  }

  /**
   * Makes a delegation that waits for an approval: its target hears nothing of it. The asker is told; that notice is the
   * delegation's message until it is released. `expiresAt`: end of the approval. @throws Problem 403, 409, 422
   */
  async function hold(tx: Tx, caller: Caller, body: Asked, { approvalId, expiresAt }: Waiting): Promise<DelegationRow> {
    const from = actingAs(caller, body.from);
    await check(tx, from, body.to, body.node);
    const { to: target, node } = body;
    return keep(tx, body, { approvalId, expiresAt, from, target, parent: node, by: node, held: null });
  }

  /** Makes a delegation that starts its agent, once a person allows it. @throws Problem 409, 422 */
  async function waitForPerson(
    tx: Tx,
    body: Asked,
    addressed: Addressed & { asks: Asks },
    above: Above,
  ): Promise<DelegationRow> {
    const { author, target, asks, provider } = addressed;
    if (provider) await orchestrators.providers.ensure(tx, provider);
    const { text, encoding, context, payload, threadId, relayed } = body;
    const causedBy = above.by?.messageId ?? above.parent?.messageId ?? (await messages.causeOf(tx, addressed));
    const approvalId = newId("apr", clock.now());
    const expiresAt = clock.now() + asks.seconds * 1000;
    const { via, person = null } = author;
    const held = { text, encoding, context, payload, threadId, causedBy: body.causedBy, relayed, via, person };
    const row = await keep(tx, body, { approvalId, expiresAt, ...above, from: author.id, target, held });
    // Last: its card in a chat is a message, and the delegation's id comes of the place of its notice.
    await asks.ask(tx, { delegationId: row.id, approvalId, causedBy });
    return row;
  }

  /** Stores a delegation that waits. The notice to its asker is its message until then. */
  async function keep(tx: Tx, body: Asked, { approvalId, expiresAt, held, ...at }: Kept): Promise<DelegationRow> {
    const id = headOf(tx) + 1;
    await messages.tell(tx, at.from, {
      subject: `${store.idOf(id)} waits for an approval`,
      body: `${body.text}\n\nA person has to allow it: ${approvalId}.`,
      payload: { delegationId: store.idOf(id), approvalId, ...noticeOf(runIdOf(at)) },
    });
    const place = { ...at, id, threadId: id, queued: true, now: clock.now() };
    const row = { ...newRow(body, place, store), approvalId, held, deadlineAt: expiresAt };
    await store.add(tx, row);
    await outcomes.tell(tx, row);
    tx.afterCommit(() => due.notice(row.deadlineAt));
    return row;
  }

  /** Sends the request of a delegation that has waited. Its deadline begins. @throws Problem 422 when its target is gone */
  async function release(tx: Tx, row: DelegationRow, author: Author, body: Asked): Promise<DelegationRow> {
    const now = clock.now();
    const parent = row.parentId === null ? undefined : await trees.node.first(tx, row.parentId);
    const draft = toDraft(row.id, body, parent, now);
    const addressed = await messages.address(tx, author, draft, { isAllowed: true });
    const { entry } = await messages.append(tx, { ...addressed, owed: true });
    const sent: DelegationRow = {
      ...{ ...row, held: null, messageId: entry.id, firstId: row.messageId, threadId: entry.threadId },
      queued: !(await directory.anyHere(tx, row.target, row.fromId)),
      deadlineAt: now + row.timeoutSeconds * 1000,
    };
    await store.moveTo(tx, row.messageId, sent);
    if (sent.queued) await tellQueued(tx, sent);
    tx.afterCommit(() => due.notice(sent.deadlineAt));
    return sent;
  }

  /** The asker's run that its token names, else the live one of its session. @throws Problem 403, 409 for a token of no such run */
  async function runOf(on: ReadTx, { id }: AgentFacts, { token = null, sessionId = null }: Asked) {
    if (token === null && sessionId === null) return undefined;
    return trees.running.first(on, { agentId: id, token, sessionId, delegationId: null });
  }

  /** Node that a new delegation hangs on: its asker's run, else the delegation that its asker works on. */
  async function nodeOf(
    on: ReadTx,
    asker: AgentFacts,
    body: Asked,
    by: PlacedNode | undefined,
  ): Promise<PlacedNode | undefined> {
    const isApart = body.causedBy === null && body.token == null;
    if (by && !body.parentId && !isApart) return by;
    const parent = await parentOf(on, asker, body);
    const serving = parent && { agentId: asker.id, token: null, sessionId: null, delegationId: parent.id };
    const run = serving && (await trees.running.first(on, serving));
    return run ?? (parent && { ...parent, messageId: isOpen(parent) ? parent.messageId : null });
  }

  /**
   * Parent of a new delegation: the one named, else the one that is clearly meant. An open request alone is no sign that
   * the asker works on it: among peers who ask each other all the time, chains would be seen where there are none.
   */
  async function parentOf(on: ReadTx, asker: AgentFacts, body: Asked): Promise<DelegationRow | undefined> {
    if (body.parentId) return named(on, asker.id, body.parentId);
    // A person starts a new tree, and so does a request without a cause.
    if (asker.kind === "user" || body.causedBy === null) return undefined;
    const inThread = body.threadId
      ? await store.onlyOpenTo(on, asker.id, Number.MAX_SAFE_INTEGER, body.threadId)
      : undefined;
    if (inThread) return inThread;
    const held = await works.newestHeld(on, asker.id);
    const taken = held === undefined ? undefined : await store.byMessage(on, held);
    return taken ?? store.onlyOpenTo(on, asker.id, asker.cursor);
  }

  /** @throws Problem 403, 409, 422 unless the asker works, or worked, on it. */
  async function named(on: ReadTx, from: AgentId, id: string): Promise<DelegationRow> {
    const row = await store.byId(on, id);
    if (!row) throw Problem.invalid("/parentId", `there is no delegation ${id}`);
    if (workerOf(row) !== from) throw new Problem("forbidden", `parentId: ${from} does not work on ${id}.`);
    if (row.status === "cancelled") throw new Problem("not-open", `${id} was cancelled.`);
    return row;
  }

  /** @throws Problem 409, 422 */
  async function check(on: ReadTx, from: AgentId, target: Target, parent: PlacedNode | undefined): Promise<void> {
    if (target === "system") throw Problem.invalid("/to", "system answers nothing");
    if (target === from) throw new Problem("cycle", `${from} cannot ask itself.`);
    trees.checkDepth(parent);
    for (let up = parent; up; up = up.parentId === null ? undefined : await trees.node.first(on, up.parentId))
      if (up.fromId === target) throw new Problem("cycle", `${target} waits for this already.`);
    await trees.checkBudgets(on, from, parent);
  }

  async function tellQueued(tx: Tx, row: DelegationRow): Promise<void> {
    if (row.fromId === SYSTEM.id) return;
    const whom = isGroup(row.target) ? `Nobody of ${row.target}` : row.target;
    await messages.tell(tx, row.fromId, {
      subject: `Delegation ${row.id} waits`,
      body: `${whom} is ${isGroup(row.target) ? "here" : "offline"}: the request waits until ${toTime(row.deadlineAt)}.`,
      replyTo: row.messageId,
      payload: { delegationId: row.id, status: "pending", queued: true, ...noticeOf(row.runId) },
    });
  }

  /** Sends the request of a delegation that a person has allowed, as it was asked. @throws Problem 403, 409, 422 */
  async function releaseHeld(tx: Tx, row: DelegationRow): Promise<DelegationRow> {
    const { held, fromId, target, timeoutSeconds } = row;
    const facts = held && directory.facts(tx, fromId);
    if (!held || !facts) throw new Problem("gone", `${fromId} is gone.`);
    const { via, person, ...asked } = held;
    return release(tx, row, { id: fromId, kind: facts.kind, via, person }, { ...asked, to: target, timeoutSeconds });
  }

  return {
    ...{ ask, order, hold, release, releaseHeld },
    nodeOf: async (on: ReadTx, asker: AgentFacts, body: Asked): Promise<PlacedNode | undefined> =>
      nodeOf(on, asker, body, await runOf(on, asker, body)),
  };
}

/** Places of a new delegation: the node that it hangs on, and the run of its asker, where that is known. */
interface Above {
  parent: PlacedNode | undefined;
  by: PlacedNode | undefined;
}

const runIdOf = ({ by, parent }: Above): string | null =>
  [by, parent].find((node) => node?.id.startsWith("run_"))?.id ?? null;

/** Run of the asker, in a notice that says no more than its tool has said. */
const noticeOf = (runId: string | null) => (runId === null ? {} : { delegation: { runId } });

/** Delegation that waits, and its place in the tree. */
interface Kept extends Waiting, Above {
  from: AgentId;
  target: Target;
  held: DelegationRow["held"];
}

interface NewPlace extends Above {
  id: number;
  from: AgentId;
  target: Target;
  threadId: number;
  queued: boolean;
  now: number;
}

function newRow(
  { timeoutSeconds }: Pick<Asked, "timeoutSeconds">,
  { id: messageId, from, target, threadId, parent, by, queued, now }: NewPlace,
  { idOf }: Pick<DelegationStore, "idOf">,
): DelegationRow {
  const id = idOf(messageId);
  return {
    ...{
      id,
      messageId,
      firstId: null,
      approvalId: null,
      held: null,
      fromId: from,
      target,
      holder: null,
      threadId,
      queued,
    },
    runId: runIdOf({ by, parent }),
    ...{ parentId: parent?.id ?? null, rootId: parent?.rootId ?? id, depth: depthUnder(parent), status: "pending" },
    ...{ timeoutSeconds, deadlineAt: now + timeoutSeconds * 1000, createdAt: now, endedAt: null, endedUpTo: null },
    ...{
      cancelledPerson: null,
      answerId: null,
      answeredBy: null,
      answeredAt: null,
      error: null,
      late: false,
      handedId: null,
    },
  };
}

/** The request, as it is sent: talk for one agent, work for a group. */
function toDraft(id: string, body: Asked, parent: PlacedNode | undefined, now: number): ParsedDraft {
  return {
    to: body.to,
    kind: "request",
    body: body.text,
    replyTo: body.threadId ?? null,
    causedBy: parent?.messageId ?? body.causedBy,
    claimable: parseTarget(body.to)?.kind === "group",
    urgent: false,
    maxAttempts: 5,
    expiresAt: toTime(now + body.timeoutSeconds * 1000),
    encoding: body.encoding,
    payload: {
      ...{ ...body.payload, ...body.relayed },
      ...{ delegationId: id, depth: depthUnder(parent), context: body.context ?? null },
    },
  };
}

export type Ask = ReturnType<typeof createAsk>;
