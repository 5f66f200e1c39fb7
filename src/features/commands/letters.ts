import type { Areas } from "../../core/core.ts";
import type { Asks, Author, Waiting } from "../../core/messages/draft.ts";
import type { ScheduledRow } from "../../core/messages/row.ts";
import type { ManagedAgent } from "../../identity/orchestrators/provider-agents.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { ApprovalOption } from "../../protocol/approvals.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { PROMPT_BYTES } from "../../protocol/spawns.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { ApprovalRow } from "../approvals/row.ts";
import type { Runs } from "../runs/runs.ts";
import { isAllowed } from "./allowed.ts";

/** Time in which a person allows a spawn. */
export const APPROVAL_SECONDS = 86_400;
/** Approvals that one agent may wait for. */
const MAX_WAITING = 100;
/** Files of a message that its approval shows. */
const MAX_FILES = 32;
/** Answers of a person to a spawn. */
export const SPAWN_OPTIONS: ApprovalOption[] = [
  { id: "allow", label: "Allow", decision: "allow", scope: "once" },
  { id: "deny", label: "Deny", decision: "deny" },
];

export type Letters = ReturnType<typeof createLetters>;

/** Messages and delegations that a person has to allow, because they start an agent. */
export function createLetters({ core, approvals, runs }: Areas & { approvals: Approvals; runs: Runs }) {
  const { messages } = core;

  /** @throws Problem 409 budget-exceeded */
  async function checkWaiting(on: ReadTx, agentId: string): Promise<void> {
    if ((await approvals.own.waitingOf(on, agentId, MAX_WAITING)) >= MAX_WAITING)
      throw new Problem("budget-exceeded", `${agentId} waits for ${MAX_WAITING} approvals, the most it may.`);
  }

  /** The approval that a message has to wait for. @throws Problem 422 */
  function asksFor(author: Author, draft: ParsedDraft, to: ManagedAgent): Asks {
    if (Buffer.byteLength(draft.body) > PROMPT_BYTES)
      throw Problem.invalid("/body", `has at most ${PROMPT_BYTES} bytes where a person allows it first`);
    return { seconds: APPROVAL_SECONDS, ask: (tx, waiting) => ask(tx, author, draft, { ...to, waiting }) };
  }

  /**
   * Asks a person, in the chat that `meta.causedBy` comes from. The message waits under `meta.scheduleId`, the delegation under
   * `meta.delegationId`.
   */
  async function ask(
    tx: Tx,
    { id: agentId }: Author,
    draft: ParsedDraft,
    { box, provider, agentId: to, waiting }: ManagedAgent & { waiting: Parameters<Asks["ask"]>[1] },
  ): Promise<Waiting> {
    await checkWaiting(tx, agentId);
    const { approvalId: id, ...under } = { approvalId: undefined, ...waiting };
    const causedBy = waiting.causedBy ?? (await runs.book.workingFor(tx, agentId, null))?.messageId ?? undefined;
    const prompt = draft.encoding === "opaque" ? "(encrypted)" : draft.body;
    const files = filesOf(draft.payload);
    const { id: approvalId, expiresAt } = await approvals.own.raise(tx, {
      id,
      ...{ kind: "spawn", agentId, orchestratorId: box.id, expiresInSeconds: APPROVAL_SECONDS },
      ...{ options: SPAWN_OPTIONS, default: "deny", oneTap: true, meta: { ...under, causedBy } },
      subject: {
        ...{ type: "spawn", orchestratorId: box.id, provider, agentId: to, prompt, background: false },
        ...(files.length > 0 && { files }),
      },
      title: `Spawn ${to} on ${box.id} for a ${nounOf(draft, "owner" in waiting ? waiting.owner : undefined)}`,
    });
    return { approvalId, expiresAt };
  }

  /** The spawn of a message was decided: it goes out, or its sender is told why not. */
  async function decided(tx: Tx, row: ApprovalRow, refusal: string): Promise<void> {
    const scheduleId = row.meta?.scheduleId;
    const waiting = typeof scheduleId === "string" ? await messages.delayed.rows.byId(tx, scheduleId) : undefined;
    if (waiting?.fromId !== row.agentId || waiting.messageId !== null || waiting.error !== null) return;
    if (isAllowed(row)) return messages.delayed.release(tx, waiting.id);
    await messages.waiting.refused(tx, waiting, refusal, {
      subject: `Your message to ${waiting.draft.to} was not sent`,
      body: `It makes a spawn, and ${refusal}.`,
    });
  }

  /** Ends the approval of a message that was sent, or will not be. */
  async function followWaited(tx: Tx, { waits, error }: ScheduledRow): Promise<void> {
    if (!waits) return;
    await approvals.own.note(tx, waits.approvalId, error);
    if (error !== null) await approvals.own.withdraw(tx, waits.approvalId, error);
  }

  return { asksFor, decided, followWaited, checkWaiting };
}

/** Kinds of what a message belongs to, by the beginning of its id. */
const OWNERS: Record<string, string> = { tsk: "task", run: "run", sch: "schedule" };

const nounOf = ({ kind }: ParsedDraft, owner: string | undefined): string =>
  OWNERS[owner?.slice(0, 3) ?? ""] ?? (kind === "request" ? "delegation" : "message");

const filesOf = (payload: ParsedDraft["payload"]): string[] =>
  Array.isArray(payload?.files)
    ? payload.files.flatMap(({ fileId }) => (typeof fileId === "string" ? [fileId] : [])).slice(0, MAX_FILES)
    : [];
