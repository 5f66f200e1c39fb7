import type { Areas } from "../../core/core.ts";
import type { Asks, Author } from "../../core/messages/draft.ts";
import { modeOf } from "../../identity/orchestrators/modes.ts";
import type { ProviderAgent } from "../../identity/orchestrators/provider-agents.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { ApprovalOption } from "../../protocol/approvals.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { PROMPT_BYTES } from "../../protocol/spawns.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { ApprovalRow } from "../approvals/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { isAllowed } from "./allowed.ts";
import { isSpawner } from "./may.ts";

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

type Ground = Areas & { approvals: Approvals; sessions: Sessions };

/** Messages to `orchestrator:<id>/<provider>`: each makes a spawn where no session of that agent lives. */
export function createLetters({ core, identity, approvals, sessions }: Ground) {
  const { messages } = core;

  /** @throws Problem 409 budget-exceeded */
  async function checkWaiting(on: ReadTx, agentId: string): Promise<void> {
    if ((await approvals.own.waitingOf(on, agentId, MAX_WAITING)) >= MAX_WAITING)
      throw new Problem("budget-exceeded", `${agentId} waits for ${MAX_WAITING} approvals, the most it may.`);
  }

  /** Rules for a message that makes a spawn: those of the command. @throws Problem 403, 409, 422 */
  async function spawning(
    on: ReadTx,
    author: Author,
    draft: ParsedDraft,
    { box, agentId }: ProviderAgent,
  ): Promise<Asks | undefined> {
    if (await sessions.hasLive(on, agentId)) return undefined;
    if (modeOf(box) === "closed")
      throw new Problem(
        "forbidden",
        `${box.id} is closed, and no session of ${agentId} lives: nothing is spawned there.`,
      );
    if (box.draining) throw new Problem("conflict", `${box.id} is draining: it starts nothing new.`);
    const isGuest = author.kind === "channel" && author.bot === undefined;
    if (author.kind === "user" || author.kind === "system" || isGuest) return undefined;
    if (!isSpawner(box, { id: author.id, kind: author.kind }))
      throw new Problem(
        "forbidden",
        `No session of ${agentId} lives, and ${author.id} may not spawn on ${box.id}: an operator names it in the spawners of that orchestrator.`,
      );
    if (modeOf(box) !== "ask") return undefined;
    if (Buffer.byteLength(draft.body) > PROMPT_BYTES)
      throw Problem.invalid("/body", `has at most ${PROMPT_BYTES} bytes where a person allows it first`);
    return { seconds: APPROVAL_SECONDS };
  }

  /** Asks a person; the message waits under `meta.scheduleId`. */
  async function ask(
    tx: Tx,
    { id: agentId }: Author,
    draft: ParsedDraft,
    { box, provider, agentId: to }: ProviderAgent,
    scheduleId: string,
  ): Promise<void> {
    await checkWaiting(tx, agentId);
    const prompt = draft.encoding === "opaque" ? "(encrypted)" : draft.body;
    const files = filesOf(draft.payload);
    const approval = await approvals.own.raise(tx, {
      ...{ kind: "spawn", agentId, orchestratorId: box.id, expiresInSeconds: APPROVAL_SECONDS },
      ...{ options: SPAWN_OPTIONS, default: "deny", oneTap: true, meta: { scheduleId } },
      subject: {
        ...{ type: "spawn", orchestratorId: box.id, provider, agentId: to, prompt, background: false },
        ...(files.length > 0 && { files }),
      },
      title: `Spawn ${to} on ${box.id} for a message`,
    });
    await messages.tell(tx, agentId, {
      subject: `Your message to ${to} waits for an approval`,
      body: `No session of ${to} lives. A person has to allow its spawn: ${approval.id}. Your message goes there then.`,
      payload: { scheduleId, approvalId: approval.id },
    });
  }

  /** The spawn of a message was decided: it goes out, or its sender is told why not. */
  async function decided(tx: Tx, row: ApprovalRow, refusal: string): Promise<void> {
    const scheduleId = row.meta?.scheduleId;
    const waiting = typeof scheduleId === "string" ? await messages.delayed.rows.byId(tx, scheduleId) : undefined;
    if (waiting?.fromId !== row.agentId || waiting.messageId !== null || waiting.error !== null) return;
    const why = isAllowed(row) ? await closed(tx, row) : refusal;
    if (why === undefined) return messages.delayed.release(tx, waiting.id);
    await messages.delayed.rows.ended(tx, waiting.id, { error: why });
    await messages.tell(tx, waiting.fromId, {
      subject: `Your message to ${waiting.draft.to} was not sent`,
      body: `It makes a spawn, and ${why}.`,
      payload: { scheduleId: waiting.id, approvalId: row.id },
    });
  }

  /** Reason why a spawn that was allowed begins no more. */
  async function closed(on: ReadTx, { orchestratorId }: ApprovalRow): Promise<string | undefined> {
    const box = orchestratorId === null ? undefined : await identity.orchestrators.find(on, orchestratorId);
    if (!box) return `${orchestratorId} is gone`;
    if (modeOf(box) === "closed") return `${box.id} is closed`;
    return box.draining ? `${box.id} is draining` : undefined;
  }

  return { spawning, ask, decided, checkWaiting };
}

const filesOf = (payload: ParsedDraft["payload"]): string[] =>
  Array.isArray(payload?.files)
    ? payload.files.flatMap(({ fileId }) => (typeof fileId === "string" ? [fileId] : [])).slice(0, MAX_FILES)
    : [];
