import { type Command, Option } from "commander";
import { everyItem } from "../client/client.ts";
import type { MessageKind } from "../protocol/messages.ts";
import {
  DELIVERY_STATES,
  type Delivery,
  type NewWebhook,
  WEBHOOK_EVENTS,
  type Webhook,
  type WebhookEventType,
} from "../protocol/webhooks.ts";
import { contextOf } from "./context.ts";
import { messageKind, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

/** Telling other machines what happened. */
export function addWebhookCommands(program: Command): void {
  const webhooks = program
    .command("webhook")
    .description("Have events sent to a URL, signed as Standard Webhooks says")
    .helpGroup("Messages:");
  addAdd(webhooks);
  addList(webhooks);
  webhooks
    .command("show")
    .description("Show one, and how it does")
    .argument("<id>", "the webhook, whk_…")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook show whk_1a2b3c")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const webhook = await client.webhooks.get(id);
      await out.show(webhook, () => fieldsText(webhook, out));
    });
  webhooks
    .command("test")
    .description("Send it one event, whatever its filter says")
    .argument("<id>", "the webhook, whk_…")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook test whk_1a2b3c")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const delivery = await client.webhooks.test(id);
      await out.show(delivery, () => `${safeLine(delivery.id)} is on its way; see: webhook deliveries ${safeLine(id)}`);
    });
  addSwitch(webhooks, "pause", "Send and record nothing until it is resumed", "paused");
  addSwitch(webhooks, "resume", "Go on, also after the relay disabled it", "active");
  addRotate(webhooks);
  addDeliveries(webhooks);
  addEnds(webhooks);
}

interface AddOptions {
  name?: string;
  event?: WebhookEventType[];
  from?: string;
  to?: string;
  topic?: string;
  kind?: MessageKind;
  key?: string;
}

function addAdd(webhooks: Command): void {
  webhooks
    .command("add")
    .description("Make one; its secret is shown this once")
    .argument("<url>", "where to: http or https, at a public address")
    .option("--name <name>", "what people call it")
    .addOption(
      new Option("--event <event...>", "what it is told of (default: message.created)").choices(WEBHOOK_EVENTS),
    )
    .option("--from <agent>", "only of messages from this agent")
    .option("--to <target>", "only of messages to this agent or group")
    .option("--topic <topic>", "only of messages of this topic")
    .option("--kind <kind>", "only of messages of this kind", messageKind)
    .option("--key <key>", "idempotency key: with the same one it is made once")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox webhook add https://example.com/hook --event work.done work.dead --to tag:build",
    )
    .action(async (url: string, options: AddOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const { name, event: events, key: idempotencyKey, ...filter } = options;
      const made = await client.webhooks.create({ url, name, events, filter }, { idempotencyKey });
      await out.show(made, () => secretText(made, out));
    });
}

function addList(webhooks: Command): void {
  webhooks
    .command("list")
    .description("List them, newest first, without their secrets")
    .option("--agent <agent>", "those of this agent")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook list")
    .action(async ({ agent: agentId }: { agent?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const items = await Array.fromAsync(everyItem((page) => client.webhooks.list({ agentId, limit: 500, page })));
      await out.show({ items, nextPage: null }, () =>
        items.length ? out.table(HEAD, items.map(rowOf)) : "There are no webhooks",
      );
    });
}

function addSwitch(webhooks: Command, name: string, about: string, status: "active" | "paused"): void {
  webhooks
    .command(name)
    .description(about)
    .argument("<id>", "the webhook, whk_…")
    .addHelpText("after", `\nExample:\n  $ signalbox webhook ${name} whk_1a2b3c`)
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const webhook = await client.webhooks.patch(id, { status });
      await out.show(webhook, () => `${safeLine(id)} is ${webhook.status}`);
    });
}

function addRotate(webhooks: Command): void {
  webhooks
    .command("rotate")
    .description("Give it a new secret; for a while both sign")
    .argument("<id>", "the webhook, whk_…")
    .option("--overlap <seconds>", "for so long the old one is good too (default: a day)", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ signalbox webhook rotate whk_1a2b3c --overlap 3600")
    .action(async (id: string, { overlap: overlapSeconds }: { overlap?: number }, command: Command) => {
      const { client, out } = contextOf(command);
      const rotated = await client.webhooks.rotate(id, { overlapSeconds });
      await out.show(rotated, () => secretText(rotated, out));
    });
}

interface DeliveriesOptions {
  state?: Delivery["state"];
  limit?: number;
  page?: string;
}

function addDeliveries(webhooks: Command): void {
  webhooks
    .command("deliveries")
    .description("What became of its events, newest first")
    .argument("<id>", "the webhook, whk_…")
    .addOption(new Option("--state <state>", "in this state").choices(DELIVERY_STATES))
    .option("--limit <n>", "how many (default: 50)", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook deliveries whk_1a2b3c --state dead")
    .action(async (id: string, options: DeliveriesOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const list = await client.webhooks.deliveries(id, options);
      const more = list.nextPage === null ? "" : `\nThere is more: --page ${safeLine(list.nextPage)}`;
      const rows = list.items.map(deliveryRow);
      await out.show(list, () => (rows.length ? out.table(DELIVERY_HEAD, rows) : "There are none") + more);
    });
  webhooks
    .command("redeliver")
    .description("Send dead letters again: one, or all")
    .argument("<id>", "the webhook, whk_…")
    .argument("[delivery]", "the delivery, evt_…")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook redeliver whk_1a2b3c")
    .action(async (id: string, deliveryId: string | undefined, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const done = await client.webhooks.redeliver(id, { deliveryId });
      await out.show(done, () => `${done.redelivered} on their way again`);
    });
}

function addEnds(webhooks: Command): void {
  webhooks
    .command("remove")
    .alias("rm")
    .description("Delete it; what was pending is not delivered")
    .argument("<id>", "the webhook, whk_…")
    .addHelpText("after", "\nExample:\n  $ signalbox webhook remove whk_1a2b3c")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      await client.webhooks.delete(id);
      await out.show({ removed: id }, () => `${safeLine(id)} is removed`);
    });
}

const secretText = (made: NewWebhook, out: Output): string =>
  `${fieldsText(made, out)}\n${out.paint("yellow", "The secret is shown this once.")}`;

const HEAD = ["WEBHOOK", "OF", "STATUS", "PENDING", "FAILURES", "EVENTS", "URL"];
const rowOf = (one: Webhook): string[] => [
  ...[one.id, one.agentId, one.status, String(one.pending), String(one.failures), one.events.join(" "), one.url],
];

const DELIVERY_HEAD = ["DELIVERY", "EVENT", "MESSAGE", "STATE", "ATTEMPTS", "LAST", "NEXT"];
const deliveryRow = (one: Delivery): string[] => [
  ...[one.id, one.type, one.messageId === null ? "" : `#${one.messageId}`, one.state, String(one.attempts)],
  ...[one.lastError ?? (one.lastStatus === null ? "" : String(one.lastStatus)), timeText(one.nextAt)],
];
