import { Option } from "commander";
import { everyItem } from "../client/client.ts";
import { PLAIN_KINDS } from "../protocol/limits.ts";
import type { MessageKind } from "../protocol/messages.ts";
import type { FireDetail, Schedule } from "../protocol/schedules.ts";
import type { CliCommand } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

/** Messages that are sent by themselves. */
export function addScheduleCommands(program: CliCommand): void {
  const schedules = program
    .command("schedule")
    .description("Have messages sent at a time, once or by cron")
    .helpGroup("Messages:");
  addAdd(schedules);
  addList(schedules);
  schedules
    .command("show")
    .description("Show one with its last times")
    .argument("<id>", "the schedule, sch_…")
    .example("schedule show sch_1a2b3c")
    .act(async ({ client, out }, id: string) => {
      const schedule = await client.schedules.get(id);
      const { items } = await client.schedules.fires(id, { limit: 20 });
      await out.show({ ...schedule, history: items }, () => detailText(schedule, items, out));
    });
  schedules
    .command("run")
    .description("Send a schedule's message now; its own times stay as they are")
    .argument("<id>", "the schedule, sch_…")
    .option("--key <key>", "idempotency key: with the same one it is sent once")
    .example("schedule run sch_1a2b3c")
    .act(async ({ client, out }, id: string, { key }: { key?: string }) => {
      const fire = await client.schedules.run(id, { idempotencyKey: key });
      await out.show(fire, () => `${safeLine(id)} was sent as #${fire.messageId}`);
    });
  addSwitch(schedules, "pause", "Send nothing until it is resumed", false);
  addSwitch(schedules, "resume", "Go on with the next time; what passed by meanwhile is not made up for", true);
  schedules
    .command("remove")
    .alias("rm")
    .description("Delete a schedule, or cancel a message with a deliverAt")
    .argument("<id>", "the schedule, sch_…")
    .example("schedule remove sch_1a2b3c")
    .act(async ({ client, out }, id: string) => {
      await client.schedules.delete(id);
      await out.show({ removed: id }, () => `${safeLine(id)} is removed`);
    });
}

interface AddOptions {
  name?: string;
  timezone?: string;
  missed?: "once" | "skip";
  subject?: string;
  topic?: string;
  kind?: MessageKind;
  claimable?: boolean;
  urgent?: boolean;
  expiresAfter?: number;
  payload?: Record<string, unknown>;
  key?: string;
}

function addAdd(schedules: CliCommand): void {
  schedules
    .command("add")
    .description("Make one")
    .argument(
      "<when>",
      'a cron expression of five fields ("0 9 * * 1-5", @daily), a time (RFC 3339), or +30m, +2h, +1d',
    )
    .argument("<target>", "whom it is for: an agent, tag:x, label:x, cap:x, broadcast; oneself for a reminder")
    .argument("[text]", "what to say; - or nothing reads stdin")
    .option("--name <name>", "what people call it")
    .option("--timezone <zone>", "of the cron expression, as Europe/Berlin (default: UTC)")
    .addOption(
      new Option(
        "--missed <policy>",
        "times that pass by while the relay is away: one message for all, or none",
      ).choices(["once", "skip"]),
    )
    .option("--subject <subject>", "of the message, a line")
    .option("--topic <topic>", "of the message")
    .addOption(new Option("--kind <kind>", "of the message").choices(PLAIN_KINDS))
    .option("--claimable", "work that exactly one may hold")
    .option("--urgent", "before other work")
    .option("--expires-after <seconds>", "so long after it was sent it is offered to nobody any more", wholeNumber)
    .option("--payload <json>", "its data, a JSON object", jsonValue)
    .option("--key <key>", "idempotency key: with the same one it is made once")
    .addHelpText(
      "after",
      '\nExamples:\n  $ signalbox schedule add "0 9 * * 1-5" tag:team "Stand-up" --timezone Europe/Berlin --as planner' +
        '\n  $ signalbox schedule add +30m planner "Look at the build again" --as planner',
    )
    .act(async ({ client, out }, when: string, to: string, text: string | undefined, options: AddOptions) => {
      const { name, timezone, missed, key: idempotencyKey, expiresAfter: expiresAfterSeconds, ...said } = options;
      const message = { ...said, to, body: await textOrStdin(text), expiresAfterSeconds };
      const draft = { ...whenOf(when, Date.now()), name, timezone, missed, message };
      const schedule = await client.schedules.create(draft, { idempotencyKey });
      await out.show(schedule, () => scheduleText(schedule, out));
    });
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `+30m` and RFC 3339 are one time; everything else is for the relay to read as cron. */
export function whenOf(when: string, now: number): { at: string } | { cron: string } {
  const [, count, unit] = /^\+(\d{1,6})([mhd])$/.exec(when) ?? [];
  if (count) return { at: new Date(now + Number(count) * UNITS[unit as keyof typeof UNITS]).toISOString() };
  if (/^\d{4}-\d\d-\d\dT/.test(when)) return { at: when };
  if (/^@|\s/.test(when)) return { cron: when };
  throw new Stop(EXIT.usage, `"${when}" is no time: say +30m, +2h, +1d, 2026-05-04T09:00:00Z or "0 9 * * 1-5"`);
}

function addList(schedules: CliCommand): void {
  schedules
    .command("list")
    .description("List them, newest first, and messages with a deliverAt that are still to be sent")
    .option("--agent <agent>", "those of this agent")
    .example("schedule list")
    .act(async ({ client, out }, { agent: agentId }: { agent?: string }) => {
      const items = await Array.fromAsync(everyItem((page) => client.schedules.list({ agentId, limit: 500, page })));
      await out.show({ items, nextPage: null }, () =>
        items.length ? out.table(HEAD, items.map(rowOf)) : "There are no schedules",
      );
    });
}

function addSwitch(schedules: CliCommand, name: string, about: string, enabled: boolean): void {
  schedules
    .command(name)
    .description(about)
    .argument("<id>", "the schedule, sch_…")
    .example(`schedule ${name} sch_1a2b3c`)
    .act(async ({ client, out }, id: string) => {
      const schedule = await client.schedules.patch(id, { enabled });
      await out.show(schedule, () => scheduleText(schedule, out));
    });
}

const HEAD = ["SCHEDULE", "OF", "WHEN", "NEXT", "TIMES", "TO", "NAME"];
const timesText = ({ cron, timezone, at }: Schedule): string => (cron === null ? timeText(at) : `${cron} ${timezone}`);
function stateText({ enabled, reason, nextAt, at, lastFire }: Schedule): string {
  if (enabled) return timeText(nextAt);
  if (reason !== null) return "disabled";
  // A run by hand before its time leaves that time to come.
  return at !== null && lastFire && lastFire.scheduledAt >= at ? "over" : "paused";
}
const rowOf = (one: Schedule): string[] => [
  ...[one.id, one.agentId, timesText(one), stateText(one), String(one.fires), String(one.message.to ?? "")],
  one.name ?? "",
];

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
    ...[fire.outcome, fire.messageId === null ? "" : `#${fire.messageId}`, becameText(fire)],
  ]);
  const history = rows.length
    ? ["", out.table(["#", "TIME", "", "OUTCOME", "MESSAGE", "WHAT BECAME OF IT"], rows)]
    : [];
  return [scheduleText(schedule, out), "", fieldsText(fields, out), ...history].join("\n");
}

function becameText({ message, error }: FireDetail): string {
  if (!message) return error ?? "";
  const by = message.holder ? ` by ${message.holder}` : "";
  const of = message.matched > 1 ? ` (${message.acknowledged} of ${message.matched} acknowledged)` : "";
  return `${message.state}${by}${of}${message.error ? `: ${message.error}` : ""}`;
}
