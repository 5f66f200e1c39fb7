import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import { deadlines } from "../../kernel/due/source.ts";
import type { Approval, ApprovalAnswer, ApprovalControl } from "../../protocol/approvals.ts";
import type { RunRow } from "../runs/row.ts";
import type { Runs } from "../runs/runs.ts";
import { isRunning } from "../runs/view.ts";
import { partOf } from "./part.ts";
import type { ApprovalRow, AskerRow } from "./row.ts";
import type { ApprovalStore } from "./store.ts";
import { optionOf, toApproval } from "./view.ts";

/** After an absence of the relay, no approval expires sooner than this: people have time to come back. */
export const GRACE_MS = 60_000;
const DROP = "approval.drop";
/** Approvals withdrawn in one write when their agent is deleted. */
const SLICE = 200;
const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type ApprovalLifecycle = ReturnType<typeof createApprovalLifecycle>;

/** A decision, by whom and how. */
export interface Decision {
  option: string;
  text?: string | null;
  person: string | null;
  via: ApprovalAnswer["via"];
  ruleId?: string | null;
}

/** The end of approvals: an answer, a withdrawal or the time. Everyone who waits hears of it in the same write. */
export function createApprovalLifecycle({ kernel, core, runs }: Areas & { runs: Runs }, store: ApprovalStore) {
  const { clock, due, headOf, hooks } = kernel;
  const { messages } = core;
  const changed =
    hooks.event<[approval: Approval, row: ApprovalRow, before: ApprovalRow | undefined]>("approvals.changed");

  async function save(tx: Tx, row: ApprovalRow, before: ApprovalRow): Promise<ApprovalRow> {
    await store.save(tx, row);
    await report(tx, row, before);
    return row;
  }

  /** Tells watchers of the runs that wait, and everything that reacts. `before` is undefined for a new one. */
  async function report(tx: Tx, row: ApprovalRow, before?: ApprovalRow): Promise<void> {
    for (const { runId } of await store.askersOf(tx, row.id)) {
      const run = runId === "" ? undefined : await runs.book.byId(tx, runId);
      if (run && isRunning(run)) await runs.note(tx, run, partOf(row));
    }
    await changed.raise(tx, toApproval(row), row, before);
  }

  /** Tells one that waits, by an urgent message for programs. */
  async function tell(tx: Tx, row: ApprovalRow, asker: AskerRow): Promise<void> {
    const chosen = optionOf(row);
    const control: ApprovalControl = {
      ...{ id: row.id, runId: asker.runId || null, sessionId: asker.sessionId, state: row.state, hash: row.hash },
      ...{ option: chosen?.id ?? null, decision: decisionOf(row), scope: chosen?.scope ?? null },
      ...{ text: row.text, reason: row.reason },
    };
    const run = asker.runId === "" ? undefined : await runs.book.byId(tx, asker.runId);
    const isThere = run?.messageId != null && (await messages.rows.lineage(tx, run.messageId)) !== undefined;
    await messages.post(tx, SYSTEM, {
      ...{ to: asker.agentId, kind: "control", urgent: true },
      subject: `Approval ${row.id} is ${row.state}`,
      body: sentenceOf(row),
      replyTo: isThere ? run.messageId : null,
      payload: { approval: control },
    });
  }

  /** Tells all who asked. The relay itself hears of its own approvals by the reactions to `changed`. */
  async function tellAll(tx: Tx, row: ApprovalRow): Promise<void> {
    if (row.kind === "spawn" || row.kind === "access") return;
    for (const asker of await store.askersOf(tx, row.id)) await tell(tx, row, asker);
  }

  async function answer(tx: Tx, before: ApprovalRow, decision: Decision): Promise<ApprovalRow> {
    const { option, text = null, person, via, ruleId = null } = decision;
    const now = clock.now();
    const ended = { state: "answered" as const, endedAt: now, answeredAt: now };
    const row = await save(tx, { ...before, ...ended, option, text, person, via, ruleId }, before);
    await tellAll(tx, row);
    return row;
  }

  /** Withdraws for all who asked, and tells those that `isTold`. */
  async function withdraw(tx: Tx, before: ApprovalRow, reason: string, isTold = true): Promise<ApprovalRow> {
    const row = await save(tx, { ...before, state: "withdrawn", reason, endedAt: clock.now() }, before);
    if (isTold) await tellAll(tx, row);
    return row;
  }

  /** One of those who asked waits no more. The approval goes with the last. */
  async function leave(
    tx: Tx,
    row: ApprovalRow,
    by: Partial<Pick<AskerRow, "agentId" | "runId">>,
    reason: string,
  ): Promise<ApprovalRow> {
    await store.removeAskers(tx, row.id, by);
    const left = await store.askersOf(tx, row.id);
    return left.length === 0 ? withdraw(tx, row, reason) : row;
  }

  /** The end of a run withdraws its approvals. */
  async function followRun(tx: Tx, run: RunRow): Promise<void> {
    for (const row of await store.pendingOfRun(tx, run.id))
      await leave(tx, row, { runId: run.id }, `${run.id} has ended`);
  }

  async function drop(tx: Tx, agentId: string): Promise<void> {
    const pending = await store.pendingOf(tx, agentId, SLICE);
    const pause = createPauses();
    for (const row of pending) {
      await pause();
      await leave(tx, row, { agentId }, `${agentId} was deleted`);
    }
    if (pending.length === SLICE) await due.schedule(tx, DROP, agentId, clock.now(), { upTo: headOf(tx) });
  }

  /** Nobody answered: that denies, and a question gets its default. */
  async function expire(tx: Tx, before: ApprovalRow): Promise<void> {
    await refuse(
      tx,
      before,
      before.askedOf.length > 0 ? "nobody answered in time" : "nobody answered in time, and no chat was asked",
    );
  }

  /** Ends it without an answer, with its default. */
  async function refuse(tx: Tx, before: ApprovalRow, reason: string): Promise<void> {
    const row = await save(
      tx,
      { ...before, state: "expired", option: before.default, reason, endedAt: clock.now() },
      before,
    );
    await tellAll(tx, row);
  }

  const source = deadlines("approvals", store, expire);

  return {
    changed,
    report,
    save,
    answer,
    withdraw,
    refuse,
    leave,
    followRun,
    dropAgent: drop,
    giveGrace: (tx: Tx, now: number): Promise<void> => store.postpone(tx, now + GRACE_MS),
    sources: [source],
    dueHandlers: { [DROP]: (tx: Tx, { key }: DueRow) => drop(tx, key) },
  };
}

const decisionOf = (row: ApprovalRow): ApprovalControl["decision"] =>
  row.state === "withdrawn" ? null : (optionOf(row)?.decision ?? null);

function sentenceOf(row: ApprovalRow): string {
  const { state, title, reason, text } = row;
  if (state !== "answered") return `"${title}" is ${state}${reason ? `: ${reason}` : "."}`;
  const said = text === null ? "" : `: ${text}`;
  return `"${title}" is answered with "${optionOf(row)?.label ?? row.option}"${said}`;
}
