import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { modeOf } from "../../identity/orchestrators/modes.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Approval } from "../../protocol/approvals.ts";
import { CommandResult } from "../../protocol/command-results.ts";
import type { Command } from "../../protocol/commands.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { ApprovalRow } from "../approvals/row.ts";
import type { Delegations } from "../delegations/delegations.ts";
import type { DelegationStep } from "../delegations/outcomes.ts";
import { isOpen } from "../delegations/outcomes.ts";
import type { DelegationRow } from "../delegations/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { isAllowed } from "./allowed.ts";
import type { Letters } from "./letters.ts";
import { requestOf } from "./order.ts";
import { type CommandRow, commandStore as store } from "./store.ts";

type Ground = Areas & {
  delegations: Delegations;
  approvals: Approvals;
  sessions: Sessions;
  letters(): Promise<Letters>;
};

/** Ends of approvals and of commands, each of which ends the other. */
export function createCommandOutcomes({ kernel, identity, core, delegations, approvals, sessions, letters }: Ground) {
  const { clock } = kernel;
  const { directory, orchestrators } = identity;
  const { orders } = delegations;

  /** A spawn was allowed, denied, or is wanted no more. */
  async function followApproval(tx: Tx, _: Approval, row: ApprovalRow, before: ApprovalRow | undefined): Promise<void> {
    if (row.kind !== "spawn" || before?.state !== "pending" || row.state === "pending") return;
    const command = await store.byApproval(tx, row.id);
    const asked = command?.delegationId ?? row.meta?.delegationId;
    if (typeof asked !== "string") return (await letters()).decided(tx, row, refusalOf(row));
    const delegation = await delegations.store.byId(tx, asked);
    if (!delegation || !isOpen(delegation)) return;
    if (row.state === "withdrawn") {
      await delegations.cancel(tx, delegation, row.reason ?? "its approval was withdrawn");
      return;
    }
    if (isAllowed(row)) await begin(tx, command, delegation, row);
    else await orders.fail(tx, delegation, "failed", refusalOf(row));
  }

  /** The daemon hears of the spawn now, exactly as it was allowed. */
  async function begin(
    tx: Tx,
    command: CommandRow | undefined,
    delegation: DelegationRow,
    row: ApprovalRow,
  ): Promise<void> {
    const released = () =>
      command ? send(tx, command, delegation, row) : orders.releaseHeld(tx, delegation).then(() => undefined);
    try {
      await tx.attempt(released);
      if (!command) await approvals.own.note(tx, row.id, null);
    } catch (error) {
      // An outage of the storage refuses the answer with it, which is then given again.
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      await orders.fail(tx, delegation, "failed", `it was allowed, and could not begin: ${error.message}`);
    }
  }

  async function send(tx: Tx, { agentId, runId, person }: CommandRow, delegation: DelegationRow, row: ApprovalRow) {
    if (row.subject.type !== "spawn") throw new Error(`${row.id} is about no spawn`);
    const { type: _, orchestratorId, ...spawn } = row.subject;
    const box = (await orchestrators.find(tx, orchestratorId)) ?? Problem.missing("orchestrator", orchestratorId);
    if (modeOf(box) === "closed" || box.draining)
      throw new Problem("forbidden", `${box.id} ${box.draining ? "is draining" : "is closed"}.`);
    await core.holding.require(tx, { orchestratorId, agentId: spawn.agentId });
    const asker = directory.facts(tx, agentId);
    if (!asker) throw new Problem("gone", `${agentId} is gone.`);
    const author: Author = { id: agentId, kind: asker.kind, via: null, person };
    const run = runId === null ? undefined : { id: runId };
    const command: Command = { do: "spawn", ...spawn };
    const { timeoutSeconds } = delegation;
    const request = requestOf({
      asker,
      box,
      command,
      timeoutSeconds,
      node: undefined,
      run,
      caller: { personId: person },
    });
    await orders.release(tx, delegation, author, request);
  }

  /** A command has ended: its approval goes with it, and the session that it began is known. */
  async function followDelegation(tx: Tx, change: DelegationChange, step: DelegationStep): Promise<void> {
    if (step.ended === undefined) return;
    const command = await store.byDelegation(tx, change.id);
    const delegation = await delegations.store.byId(tx, change.id);
    if (!command) return endWaiting(tx, delegation);
    const began =
      command.do === "spawn" && step.ended === "answered" ? await begunBy(tx, command, delegation) : undefined;
    await store.end(tx, {
      ...{ delegationId: change.id, endedAt: clock.now() },
      sessionId: began ?? command.sessionId,
    });
    if (command.approvalId === null) return;
    const why = delegation?.error ?? null;
    await approvals.own.note(tx, command.approvalId, step.ended === "answered" ? null : (why ?? step.ended));
    await approvals.own.withdraw(tx, command.approvalId, why ?? `the command is ${step.ended}`);
  }

  /** The approval of a delegation that has ended goes with it. */
  async function endWaiting(tx: Tx, delegation: DelegationRow | undefined): Promise<void> {
    if (!delegation || delegation.approvalId === null) return;
    const why = delegation.error ?? `the delegation is ${delegation.status}`;
    await approvals.own.note(tx, delegation.approvalId, why);
    await approvals.own.withdraw(tx, delegation.approvalId, why);
  }

  /** Session that a spawn began. One that was there before is nobody's to command by this spawn. */
  async function begunBy(
    tx: Tx,
    command: CommandRow,
    delegation: DelegationRow | undefined,
  ): Promise<string | undefined> {
    const id = (await resultOf(tx, delegation))?.sessionId;
    const session = id === undefined ? undefined : await sessions.find(tx, id);
    const isNew = session?.orchestratorId === command.orchestratorId && session.startedAt >= command.createdAt;
    return isNew ? session.id : undefined;
  }

  /** The daemon's answer; undefined when it says no result. */
  async function resultOf(tx: Tx, delegation: DelegationRow | undefined): Promise<CommandResult | undefined> {
    if (!delegation || delegation.answerId === null) return undefined;
    const payload = (await core.messages.rows.content(tx, delegation.answerId))?.payload;
    const said = payload ? JSON.parse(payload).commandResult : undefined;
    return said === undefined ? undefined : CommandResult.safeParse(said).data;
  }

  /** Result and error of a command that has ended. */
  async function outcomeOf(tx: Tx, delegationId: string) {
    const delegation = await delegations.store.byId(tx, delegationId);
    return { result: await resultOf(tx, delegation), error: delegation?.error ?? null };
  }

  /** A command of the relay itself, as holds and limits give them; undefined when there is no such orchestrator. */
  async function byRelay(
    tx: Tx,
    id: string,
    command: Command,
    timeoutSeconds: number,
  ): Promise<DelegationRow | undefined> {
    const box = await orchestrators.find(tx, id);
    if (!box) return undefined;
    const of = { asker: { id: "system" }, box, command, timeoutSeconds, node: undefined, run: undefined };
    const row = await orders.order(tx, requestOf({ ...of, caller: { personId: null } }));
    await store.add(tx, {
      ...{ delegationId: row.id, orchestratorId: id, do: command.do, agentId: "system", runId: null, person: null },
      ...{ approvalId: null, sessionId: null, createdAt: clock.now(), endedAt: null },
    });
    return row;
  }

  return { followApproval, followDelegation, outcomeOf, byRelay };
}

function refusalOf(row: ApprovalRow): string {
  if (row.state === "withdrawn") return row.reason ?? `its approval was withdrawn (${row.id})`;
  if (row.state === "expired") return `nobody allowed it in time: ${row.reason} (${row.id})`;
  return `${row.person ?? "a person"} denied it (${row.id})`;
}
