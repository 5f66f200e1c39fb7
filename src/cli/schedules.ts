import type { Client } from "../client/client.ts";
import { PLAIN_KINDS } from "../protocol/limits.ts";
import type { FireDetail, Schedule, ScheduleDraft } from "../protocol/schedules.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

const ID = "the schedule, sch_…";

/** Messages that the relay sends at set times. */
export function addScheduleCommands(program: CliCommand): void {
  const schedules = program.sub("schedule", "Have messages sent at a time, once or by cron", "Messages:");
  const add = idCommands(schedules, { about: ID, example: "sch_1a2b3c" });
  addAdd(schedules);
  addList(schedules);
  add(
    "show",
    "Show a schedule with its last times",
    async ({ schedules }, id) => {
      const schedule = await schedules.get(id);
      return { ...schedule, history: (await schedules.fires(id, { limit: 20 })).items };
    },
    ({ history, ...schedule }, _, out) => detailText(schedule, history, out),
  );
  addRun(schedules);
  addTimes(schedules);
  const setTo = (enabled: boolean) => (client: Client, id: string) => client.schedules.patch(id, { enabled });
  const text = (schedule: Schedule, _: string, out: Output) => scheduleText(schedule, out);
  add("pause", "Send nothing until it is resumed", setTo(false), text);
  add("resume", "Go on with the next time; times that passed meanwhile are skipped", setTo(true), text);
  add(
    "remove",
    "Delete a schedule, or cancel a message with a deliverAt",
    ({ schedules }, id) => schedules.delete(id).then(() => ({ removed: id })),
    (_, id) => `${id} is removed`,
  ).alias("rm");
}

function addTimes(schedules: CliCommand): void {
  schedules
    .sub("times", "List the next times of a cron expression; nothing is scheduled")
    .argument("<cron>", 'a cron expression of five fields ("0 9 * * 1-5"), or @daily')
    .option("--timezone <zone>", "its time zone, as Europe/Berlin (default: UTC)")
    .option("--count <count>", "number of times, 1 to 20 (default: 5)", wholeNumber)
    .example('schedule times "0 9 * * 1-5" --timezone Europe/Berlin')
    .act(async ({ client, out }, cron: string, options: { timezone?: string; count?: number }) => {
      const times = await client.schedules.times({ cron, ...options });
      await out.show(times, () => times.items.map(timeText).join("\n"));
    });
}

function addRun(schedules: CliCommand): void {
  schedules
    .sub("run", "Send a schedule's message now; its own times stay as they are")
    .argument("<id>", ID)
    .option("--key <key>", "idempotency key: the same key sends one message")
    .example("schedule run sch_1a2b3c")
    .act(async ({ client, out }, id: string, { key }: { key?: string }) => {
      const fire = await client.schedules.run(id, { idempotencyKey: key });
      await out.show(fire, () =>
        fire.outcome === "waiting"
          ? `${safeLine(id)} waits for ${fire.approvalId}: a person has to allow it`
          : `${safeLine(id)} was sent as #${fire.messageId}`,
      );
    });
}

type AddOptions = Pick<ScheduleDraft, "name" | "timezone" | "missed"> &
  Omit<ScheduleDraft["message"], "to" | "body" | "expiresAfterSeconds"> & {
    expiresAfter?: number;
    key?: string;
    run?: boolean;
    model?: string;
  };

function addAdd(schedules: CliCommand): void {
  schedules
    .sub("add", "Make a schedule")
    .argument(
      "<when>",
      'a cron expression of five fields ("0 9 * * 1-5", @daily), a time (RFC 3339), or +30m, +2h, +1d',
    )
    .argument(
      "<target>",
      "the target of the message: an agent, tag:x, label:x, cap:x, broadcast; oneself for a reminder",
    )
    .argument("[text]", "the text; - or nothing reads stdin")
    .option("--name <name>", "its name for people")
    .option("--timezone <zone>", "time zone of the cron expression, as Europe/Berlin (default: UTC)")
    .choice("--missed <policy>", "times that pass while the relay is down: one message for all, or none", [
      "once",
      "skip",
    ])
    .option("--subject <subject>", "subject of the message")
    .option("--topic <topic>", "topic of the message")
    .choice("--kind <kind>", "kind of message", PLAIN_KINDS)
    .option("--claimable", "work, for exactly one of the target's agents")
    .option("--urgent", "before other work")
    .option("--expires-after <seconds>", "time after which a sent message is no longer delivered", wholeNumber)
    .option("--run", "have the agent make a run of each message")
    .option("--model <model>", "have the agent run it with this model")
    .option("--payload <json>", "its data, a JSON object", jsonValue)
    .option("--key <key>", "idempotency key: the same key makes one schedule")
    .addHelpText(
      "after",
      '\nExamples:\n  $ signalbox schedule add "0 9 * * 1-5" tag:team "Stand-up" --timezone Europe/Berlin --as planner' +
        '\n  $ signalbox schedule add +30m planner "Look at the build again" --as planner',
    )
    .act(async ({ client, out }, when: string, to: string, text: string | undefined, options: AddOptions) => {
      const {
        name,
        timezone,
        missed,
        key: idempotencyKey,
        expiresAfter: expiresAfterSeconds,
        run: isRun,
        model,
        ...rest
      } = options;
      const run = isRun || model !== undefined ? { model } : undefined;
      const message = { ...rest, to, body: await textOrStdin(text), expiresAfterSeconds };
      const draft = { ...whenOf(when, Date.now()), name, timezone, missed, message, run };
      const schedule = await client.schedules.create(draft, { idempotencyKey });
      await out.show(schedule, () => scheduleText(schedule, out));
    });
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `+30m` and RFC 3339 as one time, and leaves everything else to the relay as cron. */
export function whenOf(when: string, now: number): { at: string } | { cron: string } {
  const [, count, unit] = /^\+(\d{1,6})([mhd])$/.exec(when) ?? [];
  if (count) return { at: new Date(now + Number(count) * UNITS[unit as keyof typeof UNITS]).toISOString() };
  if (/^\d{4}-\d\d-\d\dT/.test(when)) return { at: when };
  if (/^@|\s/.test(when)) return { cron: when };
  throw new Stop(EXIT.usage, `"${when}" is not a time: give +30m, +2h, +1d, 2026-05-04T09:00:00Z or "0 9 * * 1-5"`);
}

function addList(schedules: CliCommand): void {
  addWholeList(schedules, "List schedules, newest first, and messages with a deliverAt that are still to be sent", {
    read: (client, { agent, ...query }: QueryOf<typeof client.schedules.list> & { agent?: string }) =>
      client.schedules.list({ ...query, agentId: agent }),
    none: "There are no schedules",
    head: ["SCHEDULE", "OF", "WHEN", "NEXT", "TIMES", "TO", "NAME"],
    row: (one: Schedule) => [
      ...[one.id, one.agentId, timesText(one), stateText(one), String(one.fires), String(one.message.to ?? "")],
      one.name ?? "",
    ],
  })
    .option("--agent <agent>", "of this agent")
    .example("schedule list");
}

const timesText = ({ cron, timezone, at }: Schedule): string => (cron === null ? timeText(at) : `${cron} ${timezone}`);
function stateText({ enabled, reason, nextAt, at, lastFire }: Schedule): string {
  if (enabled) return timeText(nextAt);
  if (reason !== null) return "disabled";
  // A run by hand before the set time does not replace it.
  return at !== null && lastFire && lastFire.scheduledAt >= at ? "over" : "paused";
}
const scheduleText = (schedule: Schedule, { paint }: Output): string =>
  `${paint("bold", safeLine(schedule.id))}  ${safeLine(timesText(schedule))}, next: ${safeLine(stateText(schedule))}`;

function detailText(schedule: Schedule, fires: FireDetail[], out: Output): string {
  const { lastFire: _, ...fields } = schedule;
  const rows = fires.map((fire) => [
    ...[
      String(fire.n),
      timeText(fire.scheduledAt),
      fire.by ? `run by ${fire.by}` : fire.missedBySeconds ? `${fire.missedBySeconds} s late` : "on time",
    ],
    ...[fire.outcome, fire.messageId === null ? "" : `#${fire.messageId}`, resultText(fire)],
  ]);
  const history = rows.length ? ["", out.table(["#", "TIME", "", "OUTCOME", "MESSAGE", "RESULT"], rows)] : [];
  return [scheduleText(schedule, out), "", fieldsText(fields, out), ...history].join("\n");
}

function resultText({ message, run, error, approvalId }: FireDetail): string {
  if (!message) return error ?? (approvalId === null ? "" : `waits for ${approvalId}`);
  const by = message.holder ? ` by ${message.holder}` : "";
  const of = message.matched > 1 ? ` (${message.acknowledged} of ${message.matched} acknowledged)` : "";
  const ran = run ? `, ${run.id} ${run.outcome ?? run.status}` : "";
  return `${message.state}${by}${of}${message.error ? `: ${message.error}` : ""}${ran}`;
}
