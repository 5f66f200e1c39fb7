import type { Areas } from "../../core/core.ts";
import { actingAs, type Caller, isPerson, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type {
  Approval,
  ApprovalApplied,
  ApprovalBulk,
  ApprovalBulkResult,
  ApprovalOption,
  ApprovalReply,
  ParsedApproval,
} from "../../protocol/approvals.ts";
import { canonical } from "../../protocol/canonical.ts";
import { Problem } from "../../protocol/problem.ts";
import type { List } from "../../protocol/wire.ts";
import type { RunRow } from "../runs/row.ts";
import type { Runs } from "../runs/runs.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { rowOf } from "./draft.ts";
import { decidingRule } from "./judge.ts";
import type { ApprovalLifecycle, Decision } from "./lifecycle.ts";
import type { ApprovalRow } from "./row.ts";
import type { ApprovalFilter, ApprovalStore } from "./store.ts";
import { hashOf, tapOf } from "./subject.ts";
import { toApproval } from "./view.ts";

/** Pending approvals of one agent. */
const MAX_PENDING = 100;

export type ApprovalService = ReturnType<typeof createApprovalService>;

interface Parts {
  store: ApprovalStore;
  lifecycle: ApprovalLifecycle;
}

/** The verbs of approvals: asking, answering, applying, withdrawing, reading. */
export function createApprovalService(
  { kernel, identity, runs, sessions }: Areas & { runs: Runs; sessions: Sessions },
  { store, lifecycle }: Parts,
) {
  const { clock, disk, due, idempotency } = kernel;
  const { activity, agents, auth } = identity;

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<ApprovalRow> {
    return (await store.byId(on, id)) ?? Problem.missing("approval", id);
  }

  /** Agent that a caller asks for: its own, one that it enrolled, or any for an operator. @throws Problem 403, 409, 422 */
  async function askerOf(tx: Tx, caller: Caller, agentId: string | undefined): Promise<string> {
    const id = agentId ?? actingAs(caller);
    if (!(await auth.speaksFor(tx, caller, id))) actingAs(caller, id);
    const facts = await agents.requireActor(
      tx,
      caller,
      caller.agentId !== id && !isPerson(caller) ? (caller.agentId ?? id) : id,
    );
    if (facts.kind === "user" || facts.kind === "system")
      throw Problem.invalid("/agentId", `${id} is of kind ${facts.kind}, which waits for no approval`);
    await agents.requireRow(tx, id);
    return id;
  }

  /** @throws Problem 409, 422 */
  async function runOf(on: ReadTx, agentId: string, runId: string | undefined): Promise<RunRow | undefined> {
    if (runId === undefined) return undefined;
    const run = await runs.book.byId(on, runId);
    if (run?.agentId !== agentId) throw Problem.invalid("/runId", `${agentId} has no run ${runId}`);
    if (run.status === "ended") throw new Problem("not-open", `${runId} has ended: nothing waits for an approval.`);
    return run;
  }

  /** Project of a run, else that of a session of the same agent. */
  async function projectOf(on: ReadTx, agentId: string, run: RunRow | undefined, sessionId: string | undefined) {
    const id = sessionId ?? run?.sessionId;
    if (run?.project != null || id == null) return run?.project ?? null;
    const session = await sessions.find(on, id);
    return session?.agentId === agentId ? session.project : null;
  }

  async function make(tx: Tx, caller: Caller, body: ParsedApproval): Promise<{ row: ApprovalRow; isNew: boolean }> {
    const agentId = await askerOf(tx, caller, body.agentId);
    const run = await runOf(tx, agentId, body.runId);
    const hash = hashOf(body.kind, body.subject);
    const asker = { agentId, runId: run?.id ?? "", sessionId: body.sessionId ?? null };
    const other = run && (await store.inTree(tx, run.rootRunId, hash));
    const same = other && isSame(other, body) ? other : undefined;
    if (same) {
      await store.addAsker(tx, { approvalId: same.id, ...asker });
      return { row: await lifecycle.save(tx, { ...same, count: same.count + 1 }, same), isNew: false };
    }
    if ((await store.pendingOf(tx, agentId, MAX_PENDING)).length >= MAX_PENDING)
      throw new Problem("budget-exceeded", `${agentId} waits for ${MAX_PENDING} approvals, the most it may.`);
    disk.checkRoom(JSON.stringify(body.subject).length, "approvals");
    const made = rowOf(body, {
      ...{ agentId, run, hash, orchestratorId: orchestratorOf(caller), now: clock.now() },
      project: await projectOf(tx, agentId, run, body.sessionId),
    });
    // One that differs from what waits already is by itself: nobody's answer to the other is meant for it.
    const row = other ? { ...made, rootRunId: null } : made;
    await store.add(tx, row);
    await store.addAsker(tx, { approvalId: row.id, ...asker });
    tx.afterCommit(() => due.notice(row.expiresAt));
    const ruled = ruling(row, decidingRule(await store.rules(tx), row));
    // Its answer goes back with this call.
    const decided = ruled ? await decideNow(tx, row, ruled) : row;
    await lifecycle.report(tx, decided);
    return { row: decided, isNew: true };
  }

  async function decideNow(tx: Tx, row: ApprovalRow, { option, ruleId = null }: Decision): Promise<ApprovalRow> {
    const now = clock.now();
    const decided = { ...row, state: "answered" as const, option, ruleId, via: "rule" as const };
    const ended = { ...decided, answeredAt: now, endedAt: now };
    await store.save(tx, ended);
    return ended;
  }

  /** Whether a caller asked for it, by itself or as the orchestrator of who did. */
  async function isMaker(on: ReadTx, caller: Caller, row: ApprovalRow): Promise<boolean> {
    for (const { agentId } of await store.askersOf(on, row.id))
      if (await auth.speaksFor(on, caller, agentId)) return true;
    return auth.speaksFor(on, caller, row.agentId);
  }

  /** @throws Problem 403, 404, 409 */
  async function requireMaker(tx: Tx, caller: Caller, id: string): Promise<ApprovalRow> {
    const actor = actingAs(caller);
    await agents.requireActor(tx, caller, actor);
    const row = await require(tx, id);
    if (caller.sessionId != null && row.orchestratorId !== null)
      throw new Problem(
        "forbidden",
        `The orchestrator of ${actor} hands over answers and takes back ${id}, no session.`,
      );
    if (await isMaker(tx, caller, row)) return row;
    throw new Problem("forbidden", `${row.agentId} or its orchestrator asked for ${id}, not ${actor}.`);
  }

  /** Takes the caller out of those who wait. Answers whether others do: it stays open for them. */
  async function othersWait(tx: Tx, caller: Caller, row: ApprovalRow): Promise<boolean> {
    const [own, others]: [Set<string>, Set<string>] = [new Set(), new Set()];
    for (const { agentId } of await store.askersOf(tx, row.id))
      ((await auth.speaksFor(tx, caller, agentId)) ? own : others).add(agentId);
    if (others.size > 0) for (const agentId of own) await store.removeAskers(tx, row.id, { agentId });
    return others.size > 0;
  }

  /** @throws Problem 403 */
  function requirePerson(caller: Caller): void {
    if (!isPerson(caller)) throw new Problem("forbidden", "People answer approvals: operators and members.");
  }

  /** Decides it, unless it has ended: the same decision again is no change. @throws Problem 409 not-open, 422 */
  async function decide(tx: Tx, row: ApprovalRow, decision: Decision): Promise<ApprovalRow> {
    const { option, text = null } = decision;
    const chosen = row.options.find(({ id }) => id === option);
    if (!chosen) throw Problem.invalid("/option", `has to be one of ${row.options.map(({ id }) => id).join(", ")}`);
    if (text !== null && chosen.decision !== "answer")
      throw Problem.invalid("/text", `goes with an option that answers; ${option} does ${chosen.decision}`);
    if (row.state === "answered" && row.option === option && row.text === text) return row;
    if (row.state !== "pending" || row.expiresAt <= clock.now()) throw notOpen(row);
    return lifecycle.answer(tx, row, decision);
  }

  async function answerOne(tx: Tx, caller: Caller, id: string, to: ApprovalBulk["decision"]): Promise<void> {
    const row = await require(tx, id);
    const chosen = usualOption(row, to);
    if (!chosen) throw new Problem("conflict", `${id} has no option that does ${to}.`);
    if (to === "allow" && (!mayTap(row) || row.kind === "access"))
      throw new Problem("conflict", `${id} has to be read and allowed by itself: signalbox approvals answer ${id}`);
    await decide(tx, row, { option: chosen.id, person: caller.personId, via: "bulk" });
  }

  return {
    /** `POST /v1/approvals`. @throws Problem 403, 409, 422 */
    async ask(tx: Tx, caller: Caller, body: ParsedApproval, key: string | undefined) {
      let isNew = false;
      const { agentId: named, ...asked } = body;
      const once = await idempotency.once<Approval>(tx, {
        ...{ sender: await askerOf(tx, caller, named), key, operation: "approval", asked },
        async make() {
          const one = await make(tx, caller, body);
          isNew = one.isNew;
          return { subject: one.row.id, made: toApproval(await require(tx, one.row.id)) };
        },
        async again(subject) {
          const row = await store.byId(tx, subject);
          return row && toApproval(row);
        },
      });
      return { ...once, isNew };
    },

    /** `POST .../answer`. @throws Problem 403, 404, 409, 422 */
    async answer(tx: Tx, caller: Caller, id: string, { option, text, hash }: ApprovalReply): Promise<Approval> {
      requirePerson(caller);
      await auth.requireLive(tx, caller);
      const row = await require(tx, id);
      if (hash !== row.hash)
        throw Problem.invalid("/hash", `is not the hash of ${id}: read it again (GET /v1/approvals/${id})`);
      const done = await decide(tx, row, { option, text: text ?? null, person: caller.personId, via: "api" });
      if (row.state === "pending") await activity.record(tx, caller, "approval.answered", id, { option });
      // One that the relay itself asked for is applied by now.
      return toApproval((await store.byId(tx, id)) ?? done);
    },

    /** `POST /v1/approvals/answer`: each by itself. @throws Problem 403 */
    async answerAll(tx: Tx, caller: Caller, { ids, decision }: ApprovalBulk): Promise<ApprovalBulkResult> {
      requirePerson(caller);
      await auth.requireLive(tx, caller);
      const result: ApprovalBulkResult = { answered: [], refused: [] };
      for (const id of new Set(ids)) {
        try {
          await tx.attempt(() => answerOne(tx, caller, id, decision));
          result.answered.push(id);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          result.refused.push({ id, code: error.code, detail: error.message });
        }
      }
      await activity.record(tx, caller, "approvals.answered", "approvals", { decision, answered: result.answered });
      return result;
    },

    /** One of many that a bulk action answers, under the limits of `answerAll`. @throws Problem 401, 403, 404, 409 */
    async answerAsOne(tx: Tx, caller: Caller, id: string, decision: ApprovalBulk["decision"]): Promise<void> {
      requirePerson(caller);
      await auth.requireLive(tx, caller);
      await answerOne(tx, caller, id, decision);
      await activity.record(tx, caller, "approval.answered", id, { decision });
    },

    /** `POST .../applied`. @throws Problem 403, 404, 409 */
    async applied(tx: Tx, caller: Caller, id: string, { ok, error }: ApprovalApplied): Promise<Approval> {
      const row = await requireMaker(tx, caller, id);
      if (row.state !== "answered" && row.state !== "expired")
        throw new Problem("not-open", `${id} is ${row.state}: there is no answer to apply.`);
      if (row.appliedAt !== null) return toApproval(row);
      const noted = { ...row, appliedOk: ok, appliedError: error ?? null, appliedAt: clock.now() };
      return toApproval(await lifecycle.save(tx, noted, row));
    },

    /** `POST .../withdraw`. @throws Problem 403, 404, 409 */
    async withdraw(tx: Tx, caller: Caller, id: string, reason: string | undefined): Promise<Approval> {
      const row = await requireMaker(tx, caller, id);
      if (row.state === "withdrawn") return toApproval(row);
      if (row.state !== "pending") throw notOpen(row);
      if (await othersWait(tx, caller, row)) return toApproval(row);
      return toApproval(await lifecycle.withdraw(tx, row, reason ?? `${actingAs(caller)} needs it no more`, false));
    },

    /** `GET /v1/approvals/{id}`. @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<Approval> {
      await agents.requireReader(on, caller);
      const row = await require(on, id);
      if (readsAll(caller) || (await isMaker(on, caller, row))) return toApproval(row);
      throw new Problem("forbidden", `Approval ${id} is not for ${caller.agentId}.`);
    },

    /** `GET /v1/approvals`: all for people; an agent's own for the agent and its orchestrator. @throws Problem 403, 409 */
    async list(on: ReadTx, caller: Caller, query: ApprovalFilter & PageQuery<string>): Promise<List<Approval>> {
      const reader = await agents.requireReader(on, caller);
      const agent = query.agent ?? reader ?? undefined;
      if (reader !== null && agent !== undefined && !(await auth.speaksFor(on, caller, agent))) actingAs(caller, agent);
      return readList(
        query,
        (count, before) => store.page(on, { ...query, agent }, before, count),
        toApproval,
        ({ id }) => id,
      );
    },

    /** A person pressed a button. An approval that has ended stays as it is. */
    async press(tx: Tx, id: string, { option, person }: Pick<Decision, "option" | "person">): Promise<void> {
      const row = await store.byId(tx, id);
      const chosen = row?.options.find((one) => one.id === option);
      if (row?.state !== "pending" || row.expiresAt <= clock.now() || !chosen) return;
      if (chosen.decision !== "allow" || mayTap(row)) await decide(tx, row, { option, person, via: "button" });
    },
  };
}

const orchestratorOf = ({ role, agentId }: Caller): string | null =>
  role === "orchestrator" ? (agentId?.slice("orchestrator-".length) ?? null) : null;

/**
 * Whether a question may share the answer to another one: only where people see and choose the same. Whoever asks first would else say
 * what the buttons of the others mean, and whether a tap is enough.
 */
const isSame = (row: ApprovalRow, draft: ParsedApproval): boolean =>
  row.default === draft.default && row.oneTap === tapOf(draft) && canonical(row.options) === canonical(draft.options);

/** Option that a plain allow or deny means: for once if there is one. */
export function usualOption(row: ApprovalRow, decision: "allow" | "deny"): ApprovalOption | undefined {
  const fitting = row.options.filter((option) => option.decision === decision);
  return fitting.find(({ scope }) => scope === undefined || scope === "once") ?? fitting[0];
}

/** Whether one tap may allow it. */
export const mayTap = (row: ApprovalRow): boolean => row.oneTap && !row.cut;

/** Decision of a rule on a permission. None when a person has to look, or there is no such option. */
export function ruling(
  row: ApprovalRow,
  rule: { id: string; decision: "allow" | "deny" | "ask" } | undefined,
): Decision | undefined {
  if (row.kind !== "permission" || !rule || rule.decision === "ask") return undefined;
  if (rule.decision === "allow" && !row.oneTap) return undefined;
  const chosen = usualOption(row, rule.decision);
  return chosen && { option: chosen.id, person: null, via: "rule", ruleId: rule.id };
}

function notOpen({ id, state }: ApprovalRow): Problem {
  return new Problem("not-open", state === "pending" ? `${id} has expired.` : `${id} is ${state}.`);
}
