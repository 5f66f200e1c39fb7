import { untilAnswered } from "../../client/until-answered.ts";
import type { SessionEvent } from "../../harness/providers/provider.ts";
import type { ApprovalControl } from "../../protocol/approvals.ts";
import type { Caps as CapValues } from "../../protocol/caps.ts";
import type { Gauge } from "../journal/gauges.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { Ending } from "../turns/end.ts";
import type { RunningTurn } from "../turns/running.ts";
import { createCapQuestions } from "./cap-questions.ts";
import { amountOf, gaugeOf, type Held, heldFor, isOver, keepBoxCaps, type Measure } from "./gauges.ts";
import { countHour } from "./hours.ts";

const DAY_MS = 86_400_000;
/** The time of a turn is written down this often. */
const TICK_MS = 60_000;
const NEARLY = 0.8;

export type Caps = ReturnType<typeof createCaps>;

/** Holds caps by what CLIs tell of their use: warns once at 80 %, and at a cap keeps what it covers and asks. It kills nothing. */
export function createCaps(services: Services, running: () => RunningTurn[], wakeRooms: () => void) {
  const { journal, config, link, time, life, log } = services;
  let waiting: (() => void)[] = [];
  /** Turns that wait at each gauge. */
  const waiters = new Map<string, number>();
  const questions = createCapQuestions(services, { nameOf, refuse, wake });

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  function changed(): void {
    wake();
    wakeRooms();
  }

  const runningOf = (id: string): RunningTurn | undefined => running().find(({ turn }) => turn.id === id);
  const isInHand = ({ id, sentAt }: TurnRow): boolean => sentAt !== null || runningOf(id) !== undefined;

  /** Session of a turn, also before it has begun. */
  function sessionOf({ id, agentId, sessionKey, sessionId, plan }: TurnRow): SessionRow | undefined {
    const named = runningOf(id)?.sessionId ?? plan.sessionId ?? sessionId;
    if (named != null) return journal.sessions.get(named);
    return plan.lane === "main" ? journal.sessions.main(agentId, sessionKey) : undefined;
  }

  function nameOf(turn: TurnRow, session: SessionRow | undefined): string {
    const run = runningOf(turn.id)?.handle?.run;
    const letter = turn.messageId === null ? undefined : journal.letters.get(turn.messageId, turn.agentId);
    const person = run?.person ?? letter?.entry.from ?? turn.plan.tellTo;
    const runId = run?.id ?? turn.runId;
    return [
      session ? `session ${session.id} of ${turn.agentId}` : turn.agentId,
      runId && `run ${runId}${run ? ` of the tree ${run.rootRunId}` : ""}`,
      person && `asked for by ${person}`,
    ]
      .filter(Boolean)
      .join(", ");
  }

  function tell(subject: string, body: string, idempotencyKey: string): void {
    const send = () => link.box.messages.send({ to: "user", subject, body, idempotencyKey });
    untilAnswered(time, send, life).catch(
      (error) =>
        life.aborted || log(`A word about a cap was refused: ${error instanceof Error ? error.message : error}`),
    );
  }

  function warn({ measure, cap, of }: Held, gauge: Gauge, named: string): void {
    const [used, all] = [amountOf(measure, gauge.used), amountOf(measure, cap + gauge.extra)];
    const today = gauge.day === null ? "" : " today";
    const key = `cap:${config.id}:${gauge.id}:${gauge.day ?? ""}:warned`;
    tell(`Spending of ${config.id}`, `${used} of ${all}${today} are used by ${of}. Newest: ${named}.`, key);
  }

  /** Adds use to every gauge of a turn, in one write; warns, and keeps what is over its cap. */
  function count(session: SessionRow, turn: TurnRow | undefined, added: Partial<Record<Measure, number>>): void {
    const about = turn ?? { id: "", agentId: session.agentId };
    const changed = journal.write(() =>
      heldFor(services, about, session).flatMap((held) => {
        const amount = added[held.measure];
        if (!amount) return [];
        const before = gaugeOf(services, held);
        const used = before.used + amount;
        const isNear = used >= NEARLY * (held.cap + before.extra) && !before.isWarned;
        const gauge = { ...before, used, isWarned: before.isWarned || isNear };
        journal.gauges.put(gauge, time.wall());
        return [{ held, gauge, isNear }];
      }),
    );
    for (const { held, gauge, isNear } of changed) {
      const isReached = isOver(gauge, held);
      if (isNear && !isReached) warn(held, gauge, turn ? nameOf(turn, session) : `session ${session.id}`);
      if (isReached) keepAll(held);
    }
  }

  function keepAll({ gaugeId }: Held): void {
    for (const one of running())
      if (heldFor(services, one.turn, journal.sessions.get(one.sessionId)).some((held) => held.gaugeId === gaugeId))
        one.keep();
  }

  function countUsage(session: SessionRow, { costUsd = 0, outputTokens = 0 }: UsageOf): void {
    const turn = running().find(({ sessionId }) => sessionId === session.id)?.turn;
    count(session, turn, { costUsd, costUsdPerDay: costUsd, outputTokens });
    const hour = costUsd > 0 ? countHour(journal, time.wall(), costUsd) : undefined;
    if (!hour) return;
    const [now, usual] = [amountOf("costUsd", hour.hourUsd), amountOf("costUsd", hour.usual)];
    const named = turn ? nameOf(turn, session) : `session ${session.id}`;
    const key = `cap:${config.id}:hour:${new Date(time.wall()).toISOString().slice(0, 10)}`;
    tell(
      `Spending of ${config.id}`,
      `This hour cost ${now}, three times the usual ${usual} or more. Newest: ${named}.`,
      key,
    );
  }

  const blockedBy = (turn: TurnRow, session: SessionRow | undefined): Held | undefined =>
    heldFor(services, turn, session).find((held) => isOver(gaugeOf(services, held), held));

  /** Refuses what waits at a gauge: the turns in hand, and at the gauge of one session also those behind them. In the open write. */
  function refuse({ id }: Gauge): void {
    for (const turn of journal.turns.open()) {
      const held = heldFor(services, turn, sessionOf(turn)).find(({ gaugeId }) => gaugeId === id);
      if (!held || turn.end !== null || !(held.isOwn || isInHand(turn))) continue;
      const error = `${amountOf(held.measure, held.cap)}, the cap of ${held.of}, are used, and nobody allowed more.`;
      const refused = { error, isTime: held.measure === "runtimeSeconds" };
      journal.turns.change(turn.id, { plan: { ...turn.plan, refused } });
    }
  }

  /** Resolves when a gauge may have changed. The last one that is stopped meanwhile withdraws its question. */
  async function change(held: Held, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const own = new AbortController();
    waiting.push(resolve);
    waiters.set(held.gaugeId, (waiters.get(held.gaugeId) ?? 0) + 1);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    if (held.measure === "costUsdPerDay")
      time.sleep(DAY_MS - (time.wall() % DAY_MS), own.signal).then(resolve, () => undefined);
    await promise;
    own.abort();
    const left = (waiters.get(held.gaugeId) ?? 1) - 1;
    waiters.set(held.gaugeId, left);
    if (signal.aborted && left === 0 && !life.aborted) questions.withdraw(held);
    signal.throwIfAborted();
  }

  return {
    /** Observer of all sessions. */
    observe(session: SessionRow, event: SessionEvent): void {
      if (event.type === "usage") countUsage(session, event.usage);
    },
    /** Counts the time of a turn until the returned function is called. Waiting for people and limits is none. */
    clock(turn: TurnRow, sessionId: string): () => void {
      const own = new AbortController();
      let last = time.now();
      const tick = (): void => {
        const session = journal.isOpen ? journal.sessions.get(sessionId) : undefined;
        const seconds = (time.now() - last) / 1000;
        last = time.now();
        if (session && session.state !== "asking" && session.state !== "limited")
          count(session, turn, { runtimeSeconds: seconds });
      };
      const ticks = async (): Promise<void> => {
        for (;;) {
          await time.sleep(waitMs(turn, sessionId), own.signal);
          tick();
        }
      };
      ticks().catch(() => undefined);
      return () => {
        own.abort();
        tick();
      };
    },
    /** Gate for turns that have not begun. Those in hand wait with their runs. */
    async gate({ id }: TurnRow, signal: AbortSignal): Promise<void> {
      for (;;) {
        const turn = journal.turns.get(id);
        if (!turn || turn.end || turn.plan.refused || isInHand(turn)) return;
        const session = sessionOf(turn);
        const held = blockedBy(turn, session);
        if (!held) return;
        if (!gaugeOf(services, held).isStopped) questions.ask(held, turn, session);
        await change(held, signal);
      }
    },
    /**
     * Resolves when a turn in hand may go on, or with its end where a person has stopped it. `waits`: called before each wait.
     * @throws the reason of the signal
     */
    async until(
      id: string,
      session: SessionRow,
      { signal, waits }: { signal: AbortSignal; waits(of: string): void },
    ): Promise<Ending | undefined> {
      for (;;) {
        const turn = journal.turns.get(id);
        if (turn?.plan.refused) return refusalOf(turn.plan.refused);
        const held = turn && blockedBy(turn, session);
        if (!held) return undefined;
        if (gaugeOf(services, held).isStopped)
          return refusalOf({ error: `${held.of} were stopped for today at the cap.`, isTime: false });
        waits(held.of);
        questions.ask(held, turn, session);
        await change(held, signal);
      }
    },
    /** News of an approval. */
    heard: (control: ApprovalControl): void => questions.heard(control),
    /** Caps of the orchestrator, as the relay says them now. */
    allow(caps: CapValues | null): void {
      if (keepBoxCaps(services, caps)) changed();
    },
    /** Looks again at what waits: caps may have changed. */
    changed,
    load: questions.load,
  };

  /** Until the next tick: sooner where a cap comes first. */
  function waitMs(turn: TurnRow, sessionId: string): number {
    const session = journal.sessions.get(sessionId);
    const held = heldFor(services, turn, session).find(({ measure }) => measure === "runtimeSeconds");
    if (!held) return TICK_MS;
    const { used, extra, isWarned } = gaugeOf(services, held);
    const leftMs = ((held.cap + extra) * (isWarned ? 1 : NEARLY) - used) * 1000;
    return leftMs > 0 ? Math.min(TICK_MS, Math.ceil(leftMs)) : TICK_MS;
  }
}

type UsageOf = { costUsd?: number | undefined; outputTokens?: number | undefined };

function refusalOf({ error, isTime }: { error: string; isTime: boolean }): Ending {
  return isTime
    ? { outcome: "timeout", errorCode: "timeout", error, text: "" }
    : { outcome: "error", errorCode: "refused", error, text: "" };
}
