import type { QuietHours } from "../../protocol/people.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Whether a time lies in a person's quiet hours. */
export function isQuiet(hours: QuietHours | null, at: number): boolean {
  if (hours === null) return false;
  const { from, to } = hours;
  const now = timeOfDay(hours, at);
  return from < to ? from <= now && now < to : now >= from || now < to;
}

/** End of the quiet hours that a time lies in. Near a change to summer time it may be an hour off: ask again then. */
export function endOfQuiet(hours: QuietHours, at: number): number {
  const left = (minutesOf(hours.to) - minutesOf(timeOfDay(hours, at)) + DAY_MINUTES) % DAY_MINUTES;
  return Math.floor(at / MINUTE_MS) * MINUTE_MS + left * MINUTE_MS;
}

/** `22:05` in the person's time zone. */
const timeOfDay = ({ timezone }: QuietHours, at: number): string =>
  new Intl.DateTimeFormat("en-GB", {
    ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: timezone },
  }).format(at);

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
