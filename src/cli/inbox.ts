import { Option } from "commander";
import type { FollowEvent } from "../client/follow.ts";
import type { Inbox } from "../protocol/inbox.ts";
import type { MessageKind } from "../protocol/messages.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { messageKind, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { messageText } from "./show.ts";
import { untilStopped } from "./stopped.ts";

interface InboxOptions {
  follow?: boolean;
  ack?: boolean;
  after?: number;
  limit?: number;
  wait?: number;
  kind?: MessageKind;
  topic?: string;
  claimable?: boolean;
}

export function addInboxCommand(program: CliCommand): void {
  program
    .sub("inbox", "Read the messages that an agent has not acknowledged, once or as they come", "Messages:")
    .option("--ack", "acknowledge the printed messages")
    .option("--after <id>", "start after this message instead of the stored cursor", wholeNumber)
    .addOption(new Option("-f, --follow", "go on with new messages, until Ctrl-C").conflicts(["limit", "wait"]))
    .option("--limit <n>", "how many at most", wholeNumber)
    .option("--wait <seconds>", "wait this long for a message, at most 60", wholeNumber)
    .addOption(new Option("--kind <kind>", "only this kind").argParser(messageKind).conflicts(["ack", "follow"]))
    .addOption(new Option("--topic <topic>", "only this topic").conflicts(["ack", "follow"]))
    .addOption(new Option("--claimable", "only open work, acknowledged or not").conflicts(["ack", "follow"]))
    .example("inbox --as builder --ack")
    .addHelpText("after", "  $ signalbox inbox --as builder --follow --json | jq .body")
    .act(async (context, options: InboxOptions) => {
      await (options.follow ? followInbox(context, options) : readInbox(context, options));
    });
}

/** Acknowledges messages after printing them, so that a broken pipe loses none. */
async function readInbox({ client, out }: Context, options: InboxOptions): Promise<void> {
  const { after, limit, wait: waitSeconds, kind, topic, claimable } = options;
  const query = { after, limit, waitSeconds, kind, topic, claimable: claimable ? ("open" as const) : undefined };
  const inbox = await client.inbox.read(query);
  await out.show(inbox, () => inboxText(inbox, out));
  if (options.ack && inbox.next !== undefined && inbox.next > inbox.cursor) await client.inbox.ack(inbox.next);
}

function inboxText({ items, cursor, head, more, open, reset, lookAfter }: Inbox, out: Output): string {
  const remarks = [
    ...(items.length === 0 ? [`Nothing new: acknowledged up to ${cursor}, the log's head is ${head}`] : []),
    ...(reset ? [`Retention has deleted ${reset.lost} unacknowledged entries before ${reset.firstId}`] : []),
    ...(more ? [lookAfter === undefined ? "There is more" : `There is more: --after ${lookAfter}`] : []),
    ...(open ? ["There is work to claim"] : []),
  ];
  return [...items.map((item) => messageText(item, out)), ...remarks.map((remark) => out.paint("dim", remark))].join(
    "\n",
  );
}

/** Follows an inbox. Following another agent's does not show that agent as online. */
async function followInbox({ client, settings, out }: Context, { after, ack }: InboxOptions): Promise<void> {
  const who = await client.whoami();
  const agentId = settings.agentId ?? who.agentId ?? undefined;
  const onEvent = (event: FollowEvent) => remark(event, out);
  const entries = client.follow({
    agentId,
    after,
    ack,
    heartbeat: who.agentId === agentId,
    signal: untilStopped(),
    onEvent,
  });
  for await (const entry of entries) await out.item(entry, () => messageText(entry, out));
}

function remark(event: FollowEvent, out: Output): void {
  if (event.type === "hello") out.note(`Following ${safeLine(event.agentId)}, acknowledged up to ${event.cursor}`);
  else if (event.type === "open") out.note("There is work to claim");
  else if (event.type === "reset") out.note(`Retention has deleted ${event.lost} entries before ${event.firstId}`);
  else if (event.type === "reconnecting") {
    out.note(`Connection lost, trying again in ${Math.ceil(event.inMs / 1000)} s: ${safeLine(String(event.cause))}`);
  }
}
