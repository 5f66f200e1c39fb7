import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { MessageDraft, WORK_STATES } from "./messages.ts";
import { RunOutcome, RunStatus } from "./runs.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { Int, int, line, listOf, NumberPageQuery, PageQuery, queryInt, Time, TimeInput } from "./wire.ts";

export const ScheduleId = z.string().regex(/^sch_[a-z0-9]{1,40}$/, "has to be the id of a schedule, like sch_7k2m");

/** Message of a schedule: a draft without the fields that belong to one moment. */
export const ScheduleMessage = strictObject(() => ({
  ...MessageDraft.omit({
    ...{ from: true, replyTo: true, causedBy: true, deliverAt: true, expiresAt: true, idempotencyKey: true },
  }).shape,
  expiresAfterSeconds: int(1, 366 * 86_400)
    .optional()
    .describe("So long after it was sent it is offered to nobody any more."),
})).register(NAMED, { id: "ScheduleMessage" });
export type ScheduleMessage = z.input<typeof ScheduleMessage>;
export type ParsedScheduleMessage = z.output<typeof ScheduleMessage>;

const Cron = line(128).describe(
  "Minute, hour, day of month, month, day of week; names, lists, ranges, steps, `L`, `#`, and @hourly and the like. At most " +
    "once a minute. A list means the union of its members. In the nights the clocks change, hours `*` and `*/n` come as often " +
    "as clocks show them; any other hour comes once: the first time, or at the end of the gap.",
);
const Timezone = line(64).describe("Of the cron expression: `Europe/Berlin`. UTC when left out.");
const Missed = z
  .enum(["once", "skip"])
  .describe(
    "What happens to times that passed by over a minute ago, the relay being away: all of them are made up for by one message, or none.",
  );

const Run = strictObject(() => ({ model: line(256).optional().describe("The agent's default when left out.") }));
/** How the agent is to run the message of each time. */
export type ScheduleRun = z.output<typeof Run>;
const RunInput = Run.describe(
  "Asks the agent to make a run of each message, with this model. It reads this in the message's `meta.schedule.run`.",
);

/** `POST /v1/schedules`: either `at` or `cron`. */
export const ScheduleDraft = strictObject(() => ({
  agentId: AgentId.optional().describe("In whose name it is sent; the token's agent when left out."),
  name: line(128).optional(),
  at: TimeInput.optional().describe("Once, at this time."),
  cron: Cron.optional(),
  timezone: Timezone.default("UTC"),
  message: ScheduleMessage,
  run: RunInput.optional(),
  missed: Missed.default("once"),
  enabled: z.boolean().default(true),
}))
  .superRefine(({ at, cron }, ctx) => {
    if (at !== undefined && cron !== undefined)
      ctx.addIssue({ code: "custom", path: ["cron"], message: "is given beside at: one of them" });
    if (at === undefined && cron === undefined)
      ctx.addIssue({ code: "custom", path: ["cron"], message: "is missing: give cron or at" });
  })
  .register(NAMED, { id: "ScheduleDraft" });
export type ScheduleDraft = z.input<typeof ScheduleDraft>;
export type ParsedScheduleDraft = z.output<typeof ScheduleDraft>;

/** `PATCH /v1/schedules/{id}`: `at` takes the place of a cron expression, and the other way round. */
export const SchedulePatch = strictObject(() => ({
  name: line(128).nullish(),
  at: TimeInput.optional(),
  cron: Cron.optional(),
  timezone: Timezone.optional(),
  message: ScheduleMessage.optional(),
  run: RunInput.nullish(),
  missed: Missed.optional(),
  enabled: z.boolean().optional(),
}))
  .superRefine(({ at, cron }, ctx) => {
    if (at !== undefined && cron !== undefined)
      ctx.addIssue({ code: "custom", path: ["cron"], message: "is given beside at: one of them" });
  })
  .register(NAMED, { id: "SchedulePatch" });
export type SchedulePatch = z.input<typeof SchedulePatch>;
export type ParsedSchedulePatch = z.output<typeof SchedulePatch>;

/** One time that came, and what was made of it. */
export const Fire = named("Fire", "One time of a schedule.", () => ({
  n: z.int().describe("The how-manieth of this schedule."),
  scheduledAt: Time,
  firedAt: Time,
  missedBySeconds: z.int().describe("How late it was; 0 when on time."),
  missed: Int.describe("How many times before it had passed by unused since the last one; at most 100 are counted."),
  outcome: z
    .enum(["sent", "waiting", "skipped", "failed"])
    .describe("waiting: a person has to allow it first, and then it is sent."),
  reason: z
    .enum(["missed", "already-running", "approval"])
    .nullable()
    .describe(
      "Of a skipped one: its time had passed by, the run of the message before had not ended, or that message still waited.",
    ),
  messageId: z.int().nullable(),
  by: z.string().nullable().describe("The agent or person that had it run now; null for a time of its own."),
  error: z.string().nullable(),
  approvalId: z.string().nullable().describe("The approval that its message waits for, or waited for."),
}));
export type Fire = z.infer<typeof Fire>;

/** The message of one time, as it is now. */
export const SentByFire = named("SentByFire", "The message of one time, and what became of it so far.", () => ({
  id: z.int(),
  to: z.string().nullable(),
  state: z
    .enum([...WORK_STATES, "waiting", "offered", "acknowledged", "gone"])
    .describe(
      "For work, its state. Else `waiting`, `offered` (to the agent, or acknowledged by some of the group), `acknowledged` by " +
        "all it was for, `expired`; `gone` when retention took it.",
    ),
  holder: z.string().nullable(),
  error: z.string().nullable(),
  matched: z.int().describe("Number of recipients."),
  acknowledged: z.int().describe("Number of recipients that have acknowledged it."),
}));
export type SentByFire = z.infer<typeof SentByFire>;

/** The run that the message of one time became. */
export const FireRun = named("FireRun", "The run that the message of one time became.", () => ({
  id: z.string(),
  status: RunStatus,
  outcome: RunOutcome.nullable().describe("null while it has not ended."),
}));
export type FireRun = z.infer<typeof FireRun>;

/** One time with its message and its run. */
export const FireDetail = object(() => ({
  ...Fire.shape,
  message: SentByFire.nullable().describe("null when none was sent."),
  run: FireRun.nullable().describe("The newest run that names this message; null when there is none."),
})).register(NAMED, { id: "FireDetail" });
export type FireDetail = z.infer<typeof FireDetail>;

export const Schedule = named("Schedule", "A message to be sent at a time, once or again and again.", () => ({
  id: z.string(),
  agentId: z.string().describe("In whose name it is sent."),
  origin: z
    .enum(["schedule", "message"])
    .describe("message: a message with a `deliverAt`, which can be cancelled, and resumed once it is paused."),
  name: z.string().nullable(),
  at: Time.nullable(),
  cron: z.string().nullable(),
  timezone: z.string(),
  message: z.record(z.string(), z.unknown()).describe("The message as it was given."),
  run: Run.nullable().describe("How the agent is to run each message; null when it was not said."),
  missed: Missed,
  enabled: z.boolean(),
  reason: z.string().nullable().describe("Why the relay disabled or paused it."),
  nextAt: Time.nullable().describe("When it is sent next; null when it is not enabled."),
  fires: z.int(),
  failures: z.int().describe("Times in a row that failed: after the third it is disabled."),
  lastFire: Fire.nullable(),
  createdAt: Time,
  updatedAt: Time,
}));
export type Schedule = z.infer<typeof Schedule>;

export const ScheduleQuery = strictObject(() => ({
  ...PageQuery,
  agentId: AgentId.optional().describe("Whose; all that the caller may see when left out."),
  page: ScheduleId.optional(),
}));
export const ScheduleList = listOf(Schedule).register(NAMED, { id: "ScheduleList" });
export const FireQuery = strictObject(() => ({ ...NumberPageQuery }));
export const FireList = listOf(FireDetail).register(NAMED, { id: "FireList" });

/** `GET /v1/schedules/times`. */
export const TimesQuery = strictObject(() => ({
  cron: Cron,
  timezone: Timezone.default("UTC"),
  count: queryInt(1, 20).default(5),
}));
export type ParsedTimesQuery = z.output<typeof TimesQuery>;
export const TimesList = object(() => ({
  items: z.array(Time).describe("The next times, the earliest first."),
})).register(NAMED, { id: "TimesList" });
export type TimesList = z.infer<typeof TimesList>;

const Path = strictObject(() => ({ id: ScheduleId }));
const contract = contracts("Schedules");
/** Refusals of the message itself. */
const UNSENDABLE = ["unknown-target", "not-claimable", "no-conversation", "reserved-kind", "reserved"] as const;

export const createSchedule = contract("createSchedule", "POST /v1/schedules", {
  summary: "Schedule a message, once or by cron",
  description:
    "Each time is sent once, over restarts and changes of the clock. The message's `meta.schedule` says which schedule made " +
    "it and for when; `missedBySeconds` is there when it is late, `run` when the schedule has one. To oneself is a reminder. " +
    "While the run of the message before has not ended a time is skipped.",
  body: ScheduleDraft,
  example: {
    name: "standup",
    cron: "0 9 * * 1-5",
    timezone: "Europe/Berlin",
    message: { to: "user", body: "Standup." },
  },
  idempotent: true,
  answers: made(Schedule, "The schedule, with its next time.", "Made before with this key."),
  problems: ["forbidden", "superseded", "unknown-instance", "conflict", ...UNSENDABLE],
});

export const listSchedules = contract("listSchedules", "GET /v1/schedules", {
  ...paged(ScheduleQuery, ScheduleList),
  summary: "List schedules, newest first, and messages with a deliverAt that are still to be sent",
  problems: ["forbidden", "superseded", "unknown-instance"],
});

export const listTimes = contract("listTimes", "GET /v1/schedules/times", {
  summary: "List the next times of a cron expression",
  description: "Nothing is scheduled: it shows what an expression means, in its time zone.",
  query: TimesQuery,
  answers: { 200: { description: "At most `count`; fewer where it comes no more.", schema: TimesList } },
  problems: ["forbidden", "superseded", "unknown-instance"],
});

export const getSchedule = contract("getSchedule", "GET /v1/schedules/{id}", {
  ...at(Path, Schedule, "The schedule."),
  summary: "Get a schedule, or a message with a deliverAt",
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});

export const changeSchedule = contract("changeSchedule", "PATCH /v1/schedules/{id}", {
  ...at(Path, Schedule, "The schedule as it is now."),
  summary: "Change, pause or resume a schedule",
  body: SchedulePatch,
  example: { enabled: false },
  repeatable: true,
  problems: [...(["forbidden", "not-found", "conflict", "superseded", "unknown-instance"] as const), ...UNSENDABLE],
});

export const deleteSchedule = contract("deleteSchedule", "DELETE /v1/schedules/{id}", {
  ...gone(Path, "Deleted."),
  summary: "Delete a schedule, or cancel a message with a deliverAt",
  problems: ["forbidden", "not-found", "conflict", "superseded", "unknown-instance"],
});

export const runSchedule = contract("runSchedule", "POST /v1/schedules/{id}/run", {
  summary: "Send a schedule's message now",
  description:
    "Its own times stay as they are, and a paused schedule stays paused. While the run of the message before has not ended it " +
    "is refused as already-running.",
  params: Path,
  idempotent: true,
  answers: made(FireDetail, "The time that was added, with its message.", "Run before with this key."),
  problems: [
    ...([
      "forbidden",
      "not-found",
      "conflict",
      "superseded",
      "unknown-instance",
      "loop-paused",
      "quota-exceeded",
      "already-running",
    ] as const),
    ...UNSENDABLE,
  ],
});

export const listFires = contract("listFires", "GET /v1/schedules/{id}/fires", {
  ...at(Path, FireList, "A page."),
  summary: "List a schedule's last 100 runs with the outcome of each message, newest first",
  query: FireQuery,
  problems: ["forbidden", "not-found", "superseded", "unknown-instance"],
});
