import type { Journal } from "../journal/journal.ts";

/** Money of one UTC day, over all sessions of the daemon. */
export interface Spending {
  /** yyyy-mm-dd */
  day: string;
  costUsd: number;
  /** Money of the hours before this one that had any, the newest last. */
  hours: number[];
  /** Start of the hour that is counted, in milliseconds since 1970. */
  hour: number;
  hourUsd: number;
  /** Money that a person has allowed beyond the cap. */
  extraUsd: number;
  warned: ("cap" | "hour")[];
  /** Approval that asks whether to go on. */
  asked: string | null;
  /** A person has said to stop. */
  isStopped: boolean;
}

const FACT = "spending";
const HOUR_MS = 3_600_000;
const MAX_HOURS = 168;

/** The sum of today as the journal has it. Days begin at 00:00 UTC. */
export function spendingOf(journal: Journal, now: number): Spending {
  const day = new Date(now).toISOString().slice(0, 10);
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const blank = {
    day,
    costUsd: 0,
    hours: [],
    hour,
    hourUsd: 0,
    extraUsd: 0,
    warned: [],
    asked: null,
    isStopped: false,
  };
  const stored: Spending = JSON.parse(journal.fact(FACT) ?? "null") ?? blank;
  const hours = stored.hour === hour ? stored.hours : [...stored.hours, stored.hourUsd].filter((usd) => usd > 0);
  const rolled = {
    ...stored,
    hours: hours.slice(-MAX_HOURS),
    hour,
    hourUsd: stored.hour === hour ? stored.hourUsd : 0,
  };
  return stored.day === day ? rolled : { ...blank, hours: rolled.hours, hourUsd: rolled.hourUsd };
}

export const storeSpending = (journal: Journal, spending: Spending): void =>
  journal.write(() => journal.setFact(FACT, JSON.stringify(spending)));
