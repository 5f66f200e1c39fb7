import { untilAnswered } from "../../client/until-answered.ts";
import type { SessionEvent } from "../../harness/providers/provider.ts";
import type { ApprovalControl } from "../../protocol/approvals.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { goOn } from "../recovery.ts";
import type { Services } from "../services.ts";
import { conversationOf } from "../sessions/places.ts";
import type { Turns } from "../turns/turns.ts";
import { type Spending, spendingOf, storeSpending } from "./spending.ts";

const DAY_MS = 86_400_000;
/** Time in which a person answers, at most to the end of the day. */
const EXPIRES_SECONDS = 21_600;
/** Hours with spending that say which sum is usual. */
const USUAL_HOURS = 3;

interface Parts {
  turns: Turns;
  offer(turn: TurnRow): void;
  isWaiting(turnId: string): boolean;
}

/** Holds the money of a day: warns at 80 %, and at the cap pauses everything and asks. It kills nothing. */
export function createCaps(services: Services, { turns, offer, isWaiting }: Parts) {
  const { journal, config, link, time, life, log } = services;
  const cap = config.costUsdPerDay;
  let waiting: (() => void)[] = [];
  const today = (): Spending => spendingOf(journal, time.wall());
  const change = (changes: Partial<Spending>): void => storeSpending(journal, { ...today(), ...changes });
  const isOver = ({ costUsd, extraUsd }: Spending): boolean => cap !== undefined && costUsd >= cap + extraUsd;

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  /** Names run, agent and the person or agent that asked. */
  function nameOf(session: SessionRow): string {
    const running = turns.in(session.id);
    const { messageId = null, runId = null } = running?.turn ?? {};
    const from = messageId === null ? undefined : journal.letters.get(messageId, session.agentId)?.entry.from;
    const run = running?.handle?.id ?? runId;
    return [`session ${session.id} of ${session.agentId}`, run && `run ${run}`, from && `asked for by ${from}`]
      .filter(Boolean)
      .join(", ");
  }

  function warn(kind: Spending["warned"][number], body: string): void {
    change({ warned: [...today().warned, kind] });
    const key = `spending:${config.id}:${today().day}:${kind}`;
    const draft = { to: "user", subject: `Spending of ${config.id}`, body, idempotencyKey: key };
    void untilAnswered(time, () => link.box.messages.send(draft), life).catch(noted);
  }

  function noted(error: unknown): void {
    if (!life.aborted) log(`A word about spending was refused: ${error instanceof Error ? error.message : error}`);
  }

  function count(session: SessionRow, costUsd: number): void {
    const before = today();
    change({ costUsd: before.costUsd + costUsd, hourUsd: before.hourUsd + costUsd });
    const now = today();
    const usual = now.hours.reduce((sum, usd) => sum + usd, 0) / Math.max(1, now.hours.length);
    if (now.hours.length >= USUAL_HOURS && now.hourUsd >= 3 * usual && !now.warned.includes("hour"))
      warn(
        "hour",
        `This hour cost ${usd(now.hourUsd)}, three times the usual ${usd(usual)}. Newest: ${nameOf(session)}.`,
      );
    if (cap === undefined) return;
    if (now.costUsd >= 0.8 * (cap + now.extraUsd) && !now.warned.includes("cap"))
      warn("cap", `${usd(now.costUsd)} of ${usd(cap + now.extraUsd)} for today are spent. Newest: ${nameOf(session)}.`);
    if (isOver(now) && now.asked === null && !now.isStopped) void ask(session).catch(noted);
  }

  /** Pauses all turns, and asks whether to go on. */
  async function ask(session: SessionRow): Promise<void> {
    change({ asked: "coming" });
    const { day, costUsd } = today();
    const answerTo = turns.in(session.id)?.turn.plan.answerTo;
    const letter = answerTo === undefined ? undefined : journal.letters.get(answerTo, session.agentId);
    const conversation = letter && conversationOf(letter.entry);
    const named = nameOf(session);
    void pauseAll();
    const text = `${usd(costUsd)} are spent today, the cap is ${usd(cap ?? 0)}. All turns are paused. The last one to spend: ${named}.`;
    const draft = {
      ...{ agentId: session.agentId, sessionId: session.id, kind: "cap" as const },
      subject: { type: "question" as const, text },
      title: `Spending of ${config.id} reached its cap`,
      options: [
        { id: "more", label: "Once more the same amount", decision: "allow" as const, scope: "once" as const },
        { id: "stop", label: "Stop", decision: "deny" as const },
      ],
      ...{ default: "stop", expiresInSeconds: EXPIRES_SECONDS, ...(conversation && { conversation }) },
    };
    const idempotencyKey = `cap:${config.id}:${day}:${today().extraUsd}`;
    const made = await untilAnswered(time, () => link.box.approvals.create(draft, { idempotencyKey }), life);
    change({ asked: made.id });
  }

  const pauseAll = async (): Promise<void> =>
    void (await Promise.all(turns.all().map((one) => (one.isEnded ? one.done : one.pause()))));

  /** Turns that are neither running nor in a lane. */
  const paused = (): TurnRow[] =>
    journal.turns.open().filter((turn) => turn.end === null && !turns.get(turn.id) && !isWaiting(turn.id));

  async function heard({ id, state, decision }: ApprovalControl): Promise<void> {
    const now = today();
    if (now.asked !== id || state === "pending") return;
    const isMore = decision === "allow";
    change({ asked: null, isStopped: !isMore, ...(isMore && { extraUsd: now.extraUsd + (cap ?? 0) }) });
    for (const { done } of turns.all().filter(({ isEnded }) => isEnded)) await done;
    if (isMore) for (const turn of paused()) goOn(services, turns, turn, offer);
    else {
      const error = "The money of this day is spent, and nobody allowed more.";
      for (const turn of paused())
        turns.giveUp(turn, { outcome: "error", errorCode: "refused", error, text: "" }).catch(noted);
    }
    wake();
    await untilAnswered(time, () => link.box.approvals.applied(id, { ok: true }), life);
  }

  /** A new day frees what waits. */
  async function untilTomorrow(signal: AbortSignal): Promise<void> {
    await time.sleep(DAY_MS - (time.wall() % DAY_MS), signal).catch(() => undefined);
    wake();
  }

  return {
    /** Observer of all sessions. */
    observe(session: SessionRow, event: SessionEvent): void {
      if (event.type === "usage" && event.usage.costUsd) count(session, event.usage.costUsd);
    },
    /** Gate for turns. */
    async gate(_: TurnRow, signal: AbortSignal): Promise<void> {
      while (isOver(today())) {
        signal.throwIfAborted();
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
        void untilTomorrow(signal);
        await promise;
      }
      signal.throwIfAborted();
    },
    /** News of an approval. */
    heard: (control: ApprovalControl): void => void heard(control).catch(noted),
    /** Asks again what a daemon that ended meanwhile could not ask. */
    load(): void {
      const [session] = journal.sessions.live().toReversed();
      if (today().asked === "coming" && session) void ask(session).catch(noted);
    },
  };
}

const usd = (amount: number): string => `${amount.toFixed(2)} $`;
