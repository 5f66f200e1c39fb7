import type { Schedule, ScheduleDraft, ScheduleMessage } from "../../../protocol/schedules.ts";

/** Fields of the form. */
export interface Form {
  name: string;
  /** A cron expression, or one time. */
  kind: "cron" | "at";
  cron: string;
  timezone: string;
  /** Of the control for a day and a time, in the time zone of the browser. */
  at: string;
  to: string;
  body: string;
  claimable: boolean;
  isRun: boolean;
  model: string;
  missed: "once" | "skip";
}

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Time zones that the browser knows. */
export const ZONES: readonly string[] = Intl.supportedValuesOf("timeZone");

/** `2026-05-04T09:00`, in the time zone of the browser. */
function localTime(time: number): string {
  const moment = new Date(time);
  return new Date(time - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The form at first: empty, or as a schedule is. */
export function formOf(schedule: Schedule | undefined): Form {
  if (!schedule)
    return {
      ...{ name: "", kind: "cron", cron: "0 9 * * 1-5", timezone: zone(), at: localTime(Date.now() + 3_600_000) },
      ...{ to: "", body: "", claimable: false, isRun: false, model: "", missed: "once" },
    };
  const { name, cron, timezone, at, message, run, missed } = schedule;
  return {
    ...{ name: name ?? "", kind: cron === null ? "at" : "cron", cron: cron ?? "", timezone, missed },
    ...{ at: localTime(at === null ? Date.now() : Date.parse(at)), to: String(message.to ?? "") },
    ...{ body: String(message.body ?? ""), claimable: message.claimable === true },
    ...{ isRun: run !== null, model: run?.model ?? "" },
  };
}

/** The draft that the form asks for. `before`: the message that it changes, of which other members stay. */
export function draftOf(form: Form, before: Record<string, unknown> = {}): ScheduleDraft {
  const { name, kind, cron, timezone, at, to, body, claimable, isRun, model, missed } = form;
  const message = { ...before, to, body, claimable } as ScheduleMessage;
  return {
    ...(name.trim() !== "" && { name: name.trim() }),
    ...(kind === "cron" ? { cron, timezone } : { at: new Date(at).toISOString() }),
    ...(isRun && { run: model === "" ? {} : { model } }),
    ...{ message, missed },
  };
}
