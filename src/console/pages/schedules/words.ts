import type { FireDetail, Schedule } from "../../../protocol/schedules.ts";
import type { GlyphName } from "../../ui/glyph.tsx";
import type { Shown } from "../../ui/states.ts";

/** `Mon, 30 Nov, 09:00`, in the time zone of the browser. */
export const dayText = (time: string): string =>
  new Date(time).toLocaleString([], {
    ...{ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  });

/** Target of a schedule's message, and its text. */
export const targetOf = ({ message }: Schedule): string => String(message.to ?? "");
export const textOf = ({ message }: Schedule): string =>
  message.encoding === "opaque" ? "This message is encrypted." : String(message.subject ?? message.body ?? "");

/** Its name, else its text. */
export const nameOf = (schedule: Schedule): string =>
  schedule.name ?? `“${textOf(schedule).replace(/\s+/g, " ").slice(0, 60)}”`;

/** Its times: an expression, or one time. */
export const timesText = ({ cron, timezone, at }: Schedule): string =>
  cron === null ? `once, ${at === null ? "at an unknown time" : dayText(at)}` : `${cron} · ${timezone}`;

/** State of a schedule: it waits for its time, was paused, was stopped, or has no more times. */
export function scheduleState({ enabled, nextAt, reason, cron, fires, lastFire }: Schedule): Shown {
  if (enabled && nextAt !== null) return { glyph: "limited", word: `next ${dayText(nextAt)}`, colour: "text-violet" };
  if (reason !== null) return { glyph: "error", word: `stopped: ${reason}`, colour: "text-red" };
  if (lastFire?.outcome === "waiting") return WAITS;
  if (cron === null && fires > 0) return { glyph: "settled", word: "was sent", colour: "text-grey" };
  return { glyph: "aborted", word: "paused", colour: "text-grey" };
}

const MESSAGE: Record<NonNullable<FireDetail["message"]>["state"], string> = {
  ...{ open: "open", claimed: "held", delayed: "delayed", dead: "dead letter", done: "done" },
  ...{ expired: "expired", cancelled: "cancelled", waiting: "waits for its reader" },
  ...{ offered: "offered", acknowledged: "acknowledged", gone: "taken by retention" },
};

const SKIPPED: Record<NonNullable<FireDetail["reason"]>, string> = {
  missed: "its time had passed",
  "already-running": "the run before went on",
  approval: "the one before waits for an approval",
};
const WAITS: Shown = { glyph: "you", word: "waits for an approval", colour: "text-amber" };

const BAD = new Set(["dead", "expired", "cancelled"]);
const OVER = new Set(["done", "acknowledged"]);

/** Outcome of one time in words. */
export function fireState({ outcome, reason, error, message, run }: FireDetail): Shown {
  if (outcome === "failed") return shown("error", `failed: ${error ?? "without a reason"}`, "text-red");
  if (outcome === "waiting") return WAITS;
  if (outcome === "skipped") return shown("superseded", `skipped: ${SKIPPED[reason ?? "missed"]}`, "text-grey");
  if (run) {
    if (run.outcome === null) return shown("working", `run is ${run.status}`, "text-ink2");
    return run.outcome === "ok"
      ? shown("ok", "run is done", "text-green")
      : shown("error", `run ended: ${run.outcome}`, "text-red");
  }
  if (!message) return shown("settled", "sent", "text-grey");
  const word = `${MESSAGE[message.state]}${message.holder ? ` by ${message.holder}` : ""}`;
  if (BAD.has(message.state)) return shown("error", word, "text-red");
  return OVER.has(message.state) ? shown("ok", word, "text-green") : shown("open", word, "text-ink3");
}

const shown = (glyph: GlyphName, word: string, colour: string): Shown => ({ glyph, word, colour });
