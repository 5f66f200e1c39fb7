import type { Journal } from "../journal/journal.ts";

/** Money of hours, over all sessions of the daemon. */
interface Hours {
  /** Start of the hour that is counted, in milliseconds since 1970. */
  hour: number;
  hourUsd: number;
  /** Money of the hours before this one that had any, the newest last. */
  before: number[];
  /** UTC day of the last warning, yyyy-mm-dd. */
  warnedOn: string | null;
}

const FACT = "hours";
const HOUR_MS = 3_600_000;
const MAX_HOURS = 168;
/** Hours with spending that say which sum is usual. */
const USUAL_HOURS = 3;

/**
 * Adds money to this hour. @returns the sums when the hour has cost three times the usual one, at most once a day
 */
export function countHour(
  journal: Journal,
  now: number,
  costUsd: number,
): { hourUsd: number; usual: number } | undefined {
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const day = new Date(now).toISOString().slice(0, 10);
  const stored: Hours = JSON.parse(journal.fact(FACT) ?? "null") ?? { hour, hourUsd: 0, before: [], warnedOn: null };
  const isSame = stored.hour === hour;
  const before = isSame ? stored.before : [...stored.before, stored.hourUsd].filter((usd) => usd > 0).slice(-MAX_HOURS);
  const hourUsd = (isSame ? stored.hourUsd : 0) + costUsd;
  const usual = before.reduce((sum, usd) => sum + usd, 0) / Math.max(1, before.length);
  const isNews = before.length >= USUAL_HOURS && hourUsd >= 3 * usual && stored.warnedOn !== day;
  const hours: Hours = { hour, hourUsd, before, warnedOn: isNews ? day : stored.warnedOn };
  journal.write(() => journal.setFact(FACT, JSON.stringify(hours)));
  return isNews ? { hourUsd, usual } : undefined;
}
