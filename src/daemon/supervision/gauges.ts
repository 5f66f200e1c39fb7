import type { Caps } from "../../protocol/caps.ts";
import type { Gauge } from "../journal/gauges.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import { profileOf } from "../profiles.ts";
import type { Services } from "../services.ts";

/** Use that a cap limits. Each is counted by itself. */
export type Measure = "costUsd" | "costUsdPerDay" | "outputTokens" | "runtimeSeconds";

/** A cap that holds for a turn. */
export interface Held {
  gaugeId: string;
  measure: Measure;
  cap: number;
  /** Scope in words. */
  of: string;
  /** A stop is for what waits now: later work in the same scope asks again. */
  isOwn: boolean;
}

type Under = Pick<Services, "journal" | "config" | "time">;

const CAPS_FACT = "caps";

/** Caps that the relay has for the whole orchestrator. */
export const boxCaps = ({ journal }: Pick<Services, "journal">): Caps => JSON.parse(journal.fact(CAPS_FACT) ?? "{}");

/** Stores the caps of the orchestrator. @returns whether they differ from those of before */
export function keepBoxCaps({ journal }: Pick<Services, "journal">, caps: Caps | null): boolean {
  const text = JSON.stringify(caps ?? {});
  if ((journal.fact(CAPS_FACT) ?? "{}") === text) return false;
  journal.write(() => journal.setFact(CAPS_FACT, text));
  return true;
}

/** Of each cap the lowest. */
export function strictest(...all: (Caps | null | undefined)[]): Caps {
  const lowest: Caps = {};
  for (const caps of all)
    for (const [name, value] of Object.entries(caps ?? {}) as [keyof Caps, number | undefined][])
      if (value !== undefined) lowest[name] = Math.min(lowest[name] ?? value, value);
  return lowest;
}

/** Caps of a session: those of its spawn, of its agent's profile, of the configuration and of the relay. */
export function capsOf(services: Under, session: Pick<SessionRow, "agentId" | "caps">): Caps {
  const { costUsd, outputTokens, runtimeSeconds, depth } = services.config;
  return strictest(
    { ...(costUsd && { costUsd }), ...(outputTokens && { outputTokens }), ...(depth !== undefined && { depth }) },
    { runtimeSeconds },
    boxCaps(services),
    profileOf(services, session.agentId)?.caps,
    ownCaps(session),
  );
}

/** Processes at a time: of the daemon, and of the agent of a session. */
export function roomsFor(services: Under, session: SessionRow): { all: number; agent: number } {
  const { sessions: all = 1 } = strictest({ sessions: services.config.sessions }, boxCaps(services));
  const { sessions: agent = all } = strictest(profileOf(services, session.agentId)?.caps, ownCaps(session));
  return { all, agent };
}

export const ownCaps = ({ caps }: Pick<SessionRow, "caps">): Caps => JSON.parse(caps ?? "{}");

/** Caps that hold for a turn. `session`: undefined where it has none yet. */
export function heldFor(services: Under, turn: Pick<TurnRow, "id" | "agentId">, session?: SessionRow): Held[] {
  const { agentId } = turn;
  const held: Held[] = [];
  const hold = (gaugeId: string, measure: Measure, cap: number | undefined, of: string, isOwn: boolean) =>
    cap !== undefined && held.push({ gaugeId: `${measure}:${gaugeId}`, measure, cap, of, isOwn });
  const { costUsdPerDay } = strictest({ costUsdPerDay: services.config.costUsdPerDay }, boxCaps(services));
  hold("all", "costUsdPerDay", costUsdPerDay, `all sessions of ${services.config.id}`, false);
  hold(agentId, "costUsdPerDay", profileOf(services, agentId)?.caps?.costUsdPerDay, agentId, false);
  if (!session) return held;
  const caps = capsOf(services, session);
  const meter = session.meter ?? session.id;
  const of = `session ${session.name}`;
  hold(meter, "costUsdPerDay", ownCaps(session).costUsdPerDay, of, true);
  hold(meter, "costUsd", caps.costUsd, of, true);
  hold(meter, "outputTokens", caps.outputTokens, of, true);
  hold(turn.id, "runtimeSeconds", caps.runtimeSeconds, `one turn of session ${session.name}`, true);
  return held;
}

export const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10);

/** The gauge of a cap as it is now. Days begin at 00:00 UTC. */
export function gaugeOf({ journal, time }: Under, { gaugeId, measure, isOwn }: Held): Gauge {
  const day = measure === "costUsdPerDay" ? dayOf(time.wall()) : null;
  const stored = journal.gauges.get(gaugeId);
  if (stored?.day === day) return stored;
  const { times = 0 } = stored ?? {};
  const blank = { id: gaugeId, used: 0, extra: 0, isWarned: false, asked: null, draft: null, isStopped: false, isOwn };
  return { ...blank, times, day };
}

export const isOver = ({ used, extra }: Gauge, { cap }: Held): boolean => used >= cap + extra;

/** An amount in words. */
export function amountOf(measure: Measure, amount: number): string {
  if (measure === "outputTokens") return `${Math.round(amount)} output tokens`;
  if (measure === "runtimeSeconds") return `${Math.round(amount)} s`;
  return `${amount.toFixed(2)} $`;
}
