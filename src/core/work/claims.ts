import type { AgentFacts } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, actingFor, type Caller, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES, readPage } from "../../kernel/pages.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { Holding } from "../holding/holding.ts";
import type { WorkItem, WorkItems } from "./items.ts";
import type { Leases } from "./leases.ts";
import type { OpenWork, WakeState } from "./parked.ts";
import type { WorkRow } from "./row.ts";
import type { Wanted } from "./store-open-work.ts";

const MAX_HELD = 500;
/** States of work that can be cancelled. A dead letter waits for its operator: cancelling is the other way to end it. */
const CANCELLABLE: ReadonlySet<WorkRow["state"]> = new Set(["open", "delayed", "claimed", "dead"]);
/** Time after which a post whose author is held is looked at again. */
const HELD_POST_MS = 30_000;

interface HeldPage {
  page?: number | undefined;
  limit: number;
}

export type Claims = ReturnType<typeof createClaims>;

/** Taking work, and the verbs that need no lease: cancel and requeue. The verbs of a holder are in holders.ts. */
export function createClaims(
  base: Base,
  { items, leases, holding }: { items: WorkItems; leases: Leases; holding: Holding },
) {
  const { clock } = base.kernel;
  const { agents, directory } = base.identity;
  const { work: works } = base.rows;

  /** `POST /v1/messages/{id}/claim`. @throws Problem 403, 404, 409, 422 */
  async function claim(tx: Tx, caller: Caller, id: number, agentId: string | undefined, leaseSeconds: number) {
    const actor = actingAs(caller, agentId);
    const facts = await agents.requireActor(tx, caller, actor);
    const work = await items.require(tx, caller, id);
    if (!directory.targetsNow(tx, actor).includes(work.target))
      return items.refuse(tx, caller, id, notATarget(work, actor));
    if (!facts.ready) return items.refuse(tx, caller, id, new Problem("conflict", `${actor} is not ready for work.`));
    await holding.require(tx, { agentId: actor });
    const open = await leases.overdue(tx, work);
    if (open.state === "claimed") return items.refuse(tx, caller, id, alreadyClaimed(open));
    if (open.state !== "open") return items.refuse(tx, caller, id, notOpen(open));
    return give(tx, open, actor, leaseSeconds);
  }

  /** The next open work for an agent: urgent first, then oldest. Empty when there is none, or the agent is not ready. */
  async function claimNext(
    tx: Tx,
    caller: Caller,
    agentId: string,
    want: Wanted & { max: number; leaseSeconds: number },
  ) {
    const actor = actingAs(caller, agentId);
    const facts = await agents.requireActor(tx, caller, actor, true);
    const given: WorkItem[] = [];
    const holds = holdOver(tx, facts);
    if (!facts.ready || (holds && (await holds))) return given;
    const targets = directory.targetsNow(tx, actor);
    for (let size = 0; given.length < want.max && size < PAGE_BYTES; ) {
      const found = await works.bestOpen(tx, targets, want);
      if (!found) break;
      const work = leases.isOverdue(found) ? await leases.overdue(tx, found) : found;
      if (work.state !== "open" || (facts.kind === "channel" && (await isHeldPost(tx, work)))) continue;
      const item = await give(tx, work, actor, want.leaseSeconds);
      given.push(item);
      size += jsonBytes(item.entry.json);
    }
    return given;
  }

  /** Hold over an agent's claims. Posts of a channel are held by their authors: the relay's own words go out. */
  const holdOver = (on: ReadTx, { id, kind }: AgentFacts) =>
    kind === "channel" ? undefined : holding.standing.first(on, { agentId: id });

  /** State of the work that woke a claimer of an agent, which did not get it. */
  async function wakeState(on: ReadTx, agentId: AgentId, { messageId, target }: OpenWork): Promise<WakeState> {
    const facts = directory.facts(on, agentId);
    const isMember = directory.targetsNow(on, agentId).includes(target);
    return {
      isOpen: (await works.byId(on, messageId))?.state === "open",
      mayClaim: facts?.ready === true && isMember && !(await holdOver(on, facts)),
    };
  }

  /** A post waits while a hold stands over its author, and is looked at again from time to time. */
  async function isHeldPost(tx: Tx, work: WorkRow): Promise<boolean> {
    const { from } = await items.entryOf(tx, work.messageId);
    if (from === "system" || !(await holding.standing.first(tx, { agentId: from }))) return false;
    await leases.reopen(tx, work, { delayMs: HELD_POST_MS });
    return true;
  }

  async function give(tx: Tx, work: WorkRow, actor: string, leaseSeconds: number): Promise<WorkItem> {
    const held = await works.claim(tx, work, actor, clock.now(), leaseSeconds);
    const reacting = leases.changed(tx, held, work);
    if (reacting) await reacting;
    return items.of(tx, held);
  }

  /** `POST /v1/messages/{id}/cancel`, by its sender or an operator; a dead letter, too. The holder is told. */
  async function cancel(tx: Tx, caller: Caller, id: number): Promise<WorkItem> {
    const work = await items.require(tx, caller, id);
    const { from } = await items.entryOf(tx, id);
    if (caller.role !== "operator") {
      const actor = actingFor(caller, from);
      await agents.requireActor(tx, caller, actor);
      const problem = new Problem("forbidden", `Only ${from} or an operator may cancel message ${id}.`);
      if (actor !== from) return items.refuse(tx, caller, id, problem);
    }
    if (work.state === "cancelled") return items.of(tx, work);
    if (!CANCELLABLE.has(work.state)) throw notOpen(work);
    const cancelled = await leases.end(tx, work, { as: "overtaken", state: "cancelled" });
    if (caller.personId !== null) await works.signedOff(tx, id, { cancelledPerson: caller.personId });
    return items.of(tx, cancelled);
  }

  /**
   * `POST /v1/messages/{id}/requeue`: a dead letter is open again, with fresh attempts; the fence goes on rising.
   * @throws Problem 403, 404, 409, 422 when its target was deleted
   */
  async function requeue(tx: Tx, caller: Caller, id: number): Promise<WorkItem> {
    requireOperator(caller);
    const work = await items.require(tx, caller, id);
    if (work.state !== "dead") throw new Problem("not-open", `Message ${id} is ${work.state}, not dead.`);
    if (work.expiresAt !== null && work.expiresAt <= clock.now())
      throw new Problem("not-open", `Message ${id} expired at ${toTime(work.expiresAt)}.`);
    // A group without members may get some. A deleted agent gets nothing, and the work would stay open for ever.
    if (!isGroup(work.target) && directory.facts(tx, work.target)?.deletedAt !== null) throw targetIsGone(work);
    const opened = await leases.reopen(tx, { ...work, attempts: 0 });
    await works.signedOff(tx, id, {
      requeuedAt: clock.now(),
      ...(caller.personId !== null && { requeuedPerson: caller.personId }),
    });
    return items.of(tx, opened);
  }

  /** Live leases of an agent with their tokens, for that agent alone. @throws Problem 403, 409 */
  async function heldPage<T>(
    on: ReadTx,
    caller: Caller,
    agentId: string,
    { page = 0, limit }: HeldPage,
    show: (item: WorkItem) => T | Promise<T>,
  ) {
    const actor = actingAs(caller, agentId);
    await agents.requireActor(on, caller, actor, true);
    return readPage(
      limit,
      (count, last: WorkRow | undefined) => works.liveLeases(on, actor, clock.now(), last?.messageId ?? page, count),
      async (row): Promise<T> => show(await items.of(on, row)),
    );
  }

  return {
    claim,
    claimNext,
    wakeState,
    cancel,
    requeue,
    heldPage,
    /** First page of an agent's live leases with their tokens, for that agent alone. @throws Problem 403, 409 */
    held: async (on: ReadTx, caller: Caller, agentId: string): Promise<WorkItem[]> =>
      (await heldPage(on, caller, agentId, { limit: MAX_HELD }, (one) => one)).items,
    /** Releases fresh claims of a client that has left. */
    async giveBack(tx: Tx, given: readonly WorkItem[]): Promise<void> {
      for (const { work } of given) {
        const now = await works.byId(tx, work.messageId);
        if (now?.state === "claimed" && now.fence === work.fence)
          await leases.end(tx, now, { as: "released", reason: "its claimer had left", delayMs: 0 });
      }
    },
  };
}

const notATarget = (work: WorkRow, actor: string): Problem =>
  new Problem("not-a-target", `Message ${work.messageId} is for ${work.target}, which ${actor} does not belong to.`);

const targetIsGone = ({ messageId, target }: WorkRow): Problem =>
  new Problem("unknown-target", `${target} was deleted. Restore it first, or cancel message ${messageId}.`, {
    errors: [{ pointer: "", message: `the message is for ${target}, which was deleted` }],
  });

function alreadyClaimed({ holder, dueAt }: WorkRow): Problem {
  const expiresAt = toTime(dueAt ?? 0);
  return new Problem("already-claimed", `${holder} holds it until ${expiresAt}.`, {
    claimedBy: holder ?? "",
    expiresAt,
  });
}

const notOpen = (work: WorkRow): Problem => new Problem("not-open", `Message ${work.messageId} is ${work.state}.`);
