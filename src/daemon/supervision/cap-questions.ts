import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Approval, ApprovalControl, ApprovalDraft } from "../../protocol/approvals.ts";
import type { Gauge } from "../journal/gauges.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { conversationOf } from "../sessions/places.ts";
import { amountOf, dayOf, gaugeOf, type Held } from "./gauges.ts";

/** Time in which a person answers, at most to the end of the day for the money of a day. */
const EXPIRES_SECONDS = 21_600;
const DAY_SECONDS = 86_400;

interface Parts {
  /** Names session, run, tree and person. */
  nameOf(turn: TurnRow, session: SessionRow | undefined): string;
  /** Refuses what waits at a gauge, in the open write. */
  refuse(gauge: Gauge): void;
  wake(): void;
}

/** Answer of a person, as far as it counts here. */
type Answer = Pick<ApprovalControl, "id" | "state" | "decision">;

/** Questions at caps: each is in the journal before it is asked, so that a restart neither loses nor repeats one. */
export function createCapQuestions(services: Services, { nameOf, refuse, wake }: Parts) {
  const { journal, config, link, time, life, log } = services;
  const put = (gauge: Gauge): void => journal.gauges.put(gauge, time.wall());
  const closed = { asked: null, draft: null };

  function draftOf(held: Held, gauge: Gauge, turn: TurnRow, session: SessionRow | undefined): ApprovalDraft {
    const { measure, cap, of } = held;
    const { answerTo } = turn.plan;
    const letter = answerTo === undefined ? undefined : journal.letters.get(answerTo, turn.agentId);
    const conversation = letter && conversationOf(letter.entry);
    const leftSeconds = DAY_SECONDS - (Math.floor(time.wall() / 1000) % DAY_SECONDS);
    const today = gauge.day === null ? "" : " today";
    const text = `${amountOf(measure, gauge.used)} are used${today} by ${of}, the cap is ${amountOf(measure, cap)}. What it covers waits. Next: ${nameOf(turn, session)}.`;
    return {
      ...{ agentId: turn.agentId, kind: "cap", subject: { type: "question", text } },
      ...(session && { sessionId: session.id }),
      title: `Cap of ${of}: ${amountOf(measure, cap)}${today}`.slice(0, 256),
      options: [
        { id: "more", label: `Go on with ${amountOf(measure, cap)} more`, decision: "allow", scope: "once" },
        { id: "stop", label: "Stop", decision: "deny" },
      ],
      default: "stop",
      expiresInSeconds: gauge.day === null ? EXPIRES_SECONDS : Math.min(EXPIRES_SECONDS, leftSeconds),
      ...(conversation && { conversation }),
    };
  }

  /** Asks what the journal has. A repeat finds the approval of the first time. */
  async function send({ id, draft, times, day }: Gauge): Promise<void> {
    if (!draft) return;
    const idempotencyKey = `cap:${config.id}:${id}:${day ?? ""}:${times}`;
    try {
      const made = await untilAnswered(time, () => link.box.approvals.create(draft, { idempotencyKey }), life);
      const now = journal.gauges.get(id);
      if (now?.asked === "coming") journal.write(() => put({ ...now, asked: made.id }));
      if (made.state !== "pending") await heard(answerOf(made));
      // Its day has ended, or its work was stopped, while it was asked.
      else if (now?.asked !== "coming") await withdrawn(made.id);
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      log(`A cap could not be asked about, which stops what waits for it: ${error.message}`);
      const gauge = journal.gauges.get(id);
      if (gauge) close(gauge, false);
    }
  }

  async function withdrawn(id: string): Promise<void> {
    await untilAnswered(time, () => link.box.approvals.withdraw(id, "Nothing waits for it any more."), life).catch(
      noted,
    );
  }

  function close(gauge: Gauge, isMore: boolean): void {
    const isToday = gauge.day === null || gauge.day === dayOf(time.wall());
    journal.write(() => {
      if (isMore) put({ ...gauge, ...closed, extra: gauge.used });
      else put({ ...gauge, ...closed, isStopped: !gauge.isOwn });
      if (!isMore && isToday) refuse(gauge);
    });
    wake();
  }

  async function heard({ id, state, decision }: Answer): Promise<void> {
    const gauge = journal.gauges.asked().find(({ asked }) => asked === id);
    if (!gauge || state === "pending") return;
    if (state === "withdrawn") {
      journal.write(() => put({ ...gauge, ...closed }));
      return wake();
    }
    close(gauge, decision === "allow");
    await untilAnswered(time, () => link.box.approvals.applied(id, { ok: true }), life);
  }

  function noted(error: unknown): void {
    if (!life.aborted) log(`A question about a cap failed: ${error instanceof Error ? error.message : error}`);
  }

  return {
    /** Asks whether to go on beyond a cap, unless that is asked already. */
    ask(held: Held, turn: TurnRow, session: SessionRow | undefined): void {
      const gauge = gaugeOf(services, held);
      if (gauge.asked !== null) return;
      const draft = draftOf(held, gauge, turn, session);
      const asked = { ...gauge, asked: "coming", draft, times: gauge.times + 1 };
      journal.write(() => put(asked));
      void send(asked).catch(noted);
    },
    /** Withdraws the question of a cap that nothing waits for any more. */
    withdraw(held: Held): void {
      const { asked } = gaugeOf(services, held);
      if (asked === null) return;
      journal.write(() => put({ ...gaugeOf(services, held), ...closed }));
      if (asked !== "coming") void withdrawn(asked);
    },
    heard: (answer: Answer): void => void heard(answer).catch(noted),
    /** Takes up what an earlier process asked, also what was answered meanwhile. */
    load(): void {
      for (const gauge of journal.gauges.asked()) {
        const { asked } = gauge;
        if (asked === "coming") void send(gauge).catch(noted);
        else if (asked !== null)
          void untilAnswered(time, () => link.box.approvals.get(asked), life)
            .then((approval) => heard(answerOf(approval)))
            .catch(noted);
      }
    },
  };
}

const answerOf = ({ id, state, answer }: Approval): Answer => ({
  ...{ id, state, decision: answer?.decision ?? null },
});
