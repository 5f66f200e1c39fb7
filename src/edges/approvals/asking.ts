import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import { optionOf } from "../../features/approvals/view.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { Push } from "../push/push.ts";
import type { Cards } from "./cards.ts";
import type { InChat, Ladder, Reachable } from "./ladder.ts";

const ASK = "approval.ask";
/** Time that one person has before the next is asked. */
const STEP_MS = 15 * 60_000;

/** The way of an approval to people: the chat the work came from, else one person after the other, then once an hour. */
export function createAsking(
  { kernel, approvals, push }: Areas & { approvals: Approvals; push: Push },
  { cards, ladder }: { cards: Cards; ladder: Ladder },
) {
  const { clock, due } = kernel;

  /** Follows each step of an approval. */
  async function follow(tx: Tx, _: Approval, row: ApprovalRow, before: ApprovalRow | undefined): Promise<void> {
    if (!before && row.state === "pending") return begin(tx, row);
    if (!before) return;
    if (before.state === "pending" && row.state !== "pending") await close(tx, row);
    if (before.appliedAt === null && row.appliedAt !== null) await cards.conclude(tx, row, appliedText(row));
  }

  async function begin(tx: Tx, row: ApprovalRow): Promise<void> {
    const origin = await ladder.origin(tx, row);
    const { chat, asker } = origin;
    const there = await ladder.inChat(tx, row, origin);
    if (there && (await put(tx, row, there))) return plan(tx, row, STEP_MS);
    const steps = await ladder.steps(tx, asker);
    const first = await askNext(tx, row, steps);
    const isAsked = (first === undefined || asker === null) && (await push.askDesk(tx, row));
    const isLost = steps.length === 0 && !isAsked && isRefused(row) && !(await ladder.isWatched(tx));
    // In a write of its own: those who follow the approval have stored theirs by then.
    if (isLost) await plan(tx, row, 0);
    if (!chat) return;
    const nobody = isLost ? "Nobody can be reached: it is refused" : "nobody can be asked in a chat now";
    const who = first ? `${first.person.name} is asked` : nobody;
    await cards.say(tx, chat, `${row.agentId} waits for an approval: ${row.title}. ${who}.`);
  }

  /** Posts it, and notes who was asked, where and when. */
  async function put(
    tx: Tx,
    row: ApprovalRow,
    { person, chat }: Pick<Reachable, "person" | "chat"> | InChat,
  ): Promise<ApprovalRow | undefined> {
    const personId = person?.id ?? null;
    const isAsked = chat === "push" ? personId !== null && push.ask(tx, row, personId) : cards.ask(tx, row, chat);
    if (!(await isAsked)) return undefined;
    const others = row.askedOf.filter((asked) => asked.personId !== personId);
    const askedOf = [...others, { personId, conversation: chat, at: clock.now() }];
    return approvals.noteAsked(tx, { ...row, askedOf });
  }

  /** Asks the next of the ladder, and once an hour again those who were asked. Those in their quiet hours wait. */
  async function askNext(tx: Tx, row: ApprovalRow, steps: readonly Reachable[]): Promise<Reachable | undefined> {
    const lastAsked = new Map(row.askedOf.map(({ personId, at }) => [personId, at]));
    const awake = steps.filter((step) => !step.isQuiet);
    const next = awake.find(({ person }) => !lastAsked.has(person.id));
    const again = awake.filter(({ person }) => (lastAsked.get(person.id) ?? clock.now()) <= clock.now() - HOUR_MS);
    let noted = row;
    for (const step of next ? [next, ...again] : again) noted = (await put(tx, noted, step)) ?? noted;
    const isMore = steps.some(({ person }) => person !== next?.person && !lastAsked.has(person.id));
    if (steps.length > 0) await plan(tx, row, isMore ? STEP_MS : HOUR_MS);
    return next;
  }

  const plan = (tx: Tx, row: ApprovalRow, delayMs: number): Promise<void> =>
    due.schedule(tx, ASK, row.id, clock.now() + delayMs);

  async function goOn(tx: Tx, { key }: DueRow): Promise<void> {
    const row = await approvals.find(tx, key);
    if (row?.state !== "pending") return;
    const { asker } = await ladder.origin(tx, row);
    const steps = await ladder.steps(tx, asker);
    const isLost = steps.length === 0 && row.askedOf.length === 0 && isRefused(row);
    if (isLost && !(await ladder.isWatched(tx)) && !(await push.reachesDesk(tx)))
      await approvals.own.refuse(tx, row, NOBODY);
    else await askNext(tx, row, steps);
  }

  /** Ends the asking. The people asked hear of an answer once the agent has taken it. */
  async function close(tx: Tx, row: ApprovalRow): Promise<void> {
    await due.cancel(tx, ASK, row.id);
    await cards.takeBack(tx, row);
    if (row.state !== "answered")
      await cards.conclude(tx, row, `${row.title}: ${row.state}${row.reason ? `, ${row.reason}` : ""}.`);
  }

  return { follow, dueHandlers: { [ASK]: goOn } };
}

const NOBODY =
  "nobody can be reached: no chat or device of a person who may decide, and no operator or member was here within a day";

/** Whether an agent is held up by it. A stranger waits at the door, and a cap is a pause that a person ends. */
const isRefused = ({ kind }: ApprovalRow): boolean => kind !== "access" && kind !== "cap";

function appliedText(row: ApprovalRow): string {
  const { title, person, appliedOk, appliedError } = row;
  const label = optionOf(row)?.label ?? row.option;
  const by = person === null ? "" : ` by ${person}`;
  return appliedOk
    ? `${title}: ${label}${by}. The agent took it.`
    : `${title}: ${label}${by}, but the agent did not take it${appliedError ? `: ${appliedError}` : "."}`;
}
