import type { QuietHours } from "../../protocol/people.ts";

/** Whether a time lies in a person's quiet hours. */
export function isQuiet(hours: QuietHours | null, at: number): boolean {
  if (hours === null) return false;
  const { from, to, timezone } = hours;
  const now = new Intl.DateTimeFormat("en-GB", {
    ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: timezone },
  }).format(at);
  return from < to ? from <= now && now < to : now >= from || now < to;
}
