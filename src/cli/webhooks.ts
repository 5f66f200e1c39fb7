import type { Client } from "../client/client.ts";
import {
  DELIVERY_STATES,
  type Delivery,
  WEBHOOK_EVENTS,
  type Webhook,
  type WebhookDraft,
  type WebhookEventType,
} from "../protocol/webhooks.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { messageKind, wholeNumber } from "./options.ts";
import { safeLine } from "./screen.ts";
import { secretText, timeText } from "./show.ts";

const ID = "the webhook, whk_…";

/** Notices of events to other machines. */
export function addWebhookCommands(program: CliCommand): void {
  const webhooks = program.sub("webhook", "Have events sent to a URL, signed as Standard Webhooks says", "Messages:");
  addAdd(webhooks);
  addList(webhooks);
  const add = idCommands(webhooks, { about: ID, example: "whk_1a2b3c" });
  add("show", "Show a webhook and its state", ({ webhooks }, id) => webhooks.get(id));
  add(
    "test",
    "Send one event to a webhook, whatever its filter",
    ({ webhooks }, id) => webhooks.test(id),
    (delivery, id) => `${safeLine(delivery.id)} is on its way; see: webhook deliveries ${id}`,
  );
  const state = ({ status }: Webhook, id: string) => `${id} is ${status}`;
  const setTo = (status: "active" | "paused") => (client: Client, id: string) => client.webhooks.patch(id, { status });
  add("pause", "Send and record nothing until it is resumed", setTo("paused"), state);
  add("resume", "Go on, also after the relay disabled it", setTo("active"), state);
  addRotate(webhooks);
  addDeliveries(webhooks);
  addRedeliver(webhooks);
  add(
    "remove",
    "Delete a webhook; pending events are not delivered",
    ({ webhooks }, id) => webhooks.delete(id).then(() => ({ removed: id })),
    (_, id) => `${id} is removed`,
  ).alias("rm");
}

type AddOptions = Pick<WebhookDraft, "name"> &
  NonNullable<WebhookDraft["filter"]> & { event?: WebhookEventType[]; key?: string };

function addAdd(webhooks: CliCommand): void {
  webhooks
    .sub("add", "Make one; its secret is shown this once")
    .argument("<url>", "its address: http or https, public")
    .option("--name <name>", "its name for people")
    .choice("--event <event...>", "the events to send (default: message.created)", WEBHOOK_EVENTS)
    .option("--from <agent>", "only of messages from this agent")
    .option("--to <target>", "only of messages to this agent or group")
    .option("--topic <topic>", "only of messages of this topic")
    .option("--kind <kind>", "only of messages of this kind", messageKind)
    .option("--key <key>", "idempotency key: the same key makes one webhook")
    .example("webhook add https://example.com/hook --event work.done work.dead --to tag:build")
    .act(async ({ client, out }, url: string, options: AddOptions) => {
      const { name, event: events, key: idempotencyKey, ...filter } = options;
      const webhook = await client.webhooks.create({ url, name, events, filter }, { idempotencyKey });
      await out.show(webhook, () => secretText(webhook, out));
    });
}

function addList(webhooks: CliCommand): void {
  addWholeList(webhooks, "List webhooks, newest first, without their secrets", {
    read: (client, { agent, ...query }: QueryOf<typeof client.webhooks.list> & { agent?: string }) =>
      client.webhooks.list({ ...query, agentId: agent }),
    none: "There are no webhooks",
    head: ["WEBHOOK", "OF", "STATUS", "PENDING", "FAILURES", "EVENTS", "URL"],
    row: (one: Webhook) => [
      ...[one.id, one.agentId, one.status, String(one.pending), String(one.failures), one.events.join(" "), one.url],
    ],
  })
    .option("--agent <agent>", "of this agent")
    .example("webhook list");
}

function addRotate(webhooks: CliCommand): void {
  webhooks
    .sub("rotate", "Give a webhook a new secret; for a while both sign")
    .argument("<id>", ID)
    .option("--overlap <seconds>", "time for which the old secret is good too (default: a day)", wholeNumber)
    .example("webhook rotate whk_1a2b3c --overlap 3600")
    .act(async ({ client, out }, id: string, { overlap: overlapSeconds }: { overlap?: number }) => {
      const webhook = await client.webhooks.rotate(id, { overlapSeconds });
      await out.show(webhook, () => secretText(webhook, out));
    });
}

function addDeliveries(webhooks: CliCommand): void {
  webhooks
    .sub("deliveries", "List the deliveries of its events, newest first")
    .argument("<id>", ID)
    .choice("--state <state>", "in this state", DELIVERY_STATES)
    .paged()
    .example("webhook deliveries whk_1a2b3c --state dead")
    .act(async ({ client, out }, id: string, query: QueryOf<typeof client.webhooks.deliveries, 1>) => {
      const page = await client.webhooks.deliveries(id, query);
      await out.page(page, "There are none", (items) => out.table(DELIVERY_HEAD, items.map(deliveryRow)));
    });
}

const DELIVERY_HEAD = ["DELIVERY", "EVENT", "MESSAGE", "STATE", "ATTEMPTS", "LAST", "NEXT"];
const deliveryRow = (one: Delivery): string[] => [
  ...[one.id, one.type, one.messageId === null ? "" : `#${one.messageId}`, one.state, String(one.attempts)],
  ...[one.lastError ?? (one.lastStatus === null ? "" : String(one.lastStatus)), timeText(one.nextAt)],
];

function addRedeliver(webhooks: CliCommand): void {
  webhooks
    .sub("redeliver", "Send dead deliveries again: one, or all")
    .argument("<id>", ID)
    .argument("[delivery]", "the delivery, evt_…")
    .example("webhook redeliver whk_1a2b3c")
    .act(async ({ client, out }, id: string, deliveryId: string | undefined) => {
      const answer = await client.webhooks.redeliver(id, { deliveryId });
      await out.show(answer, () => `${answer.redelivered} on their way again`);
    });
}
