import { type Command, Option } from "commander";
import { everyItem } from "../client/client.ts";
import { BINDING_MODES, type Binding, type BindingMode } from "../protocol/bindings.ts";
import type { Channel, EventSummary } from "../protocol/channels.ts";
import type { AgentId, Target } from "../protocol/ids.ts";
import { contextOf } from "./context.ts";
import { integer, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

/** Chat accounts, and who their conversations go to. */
export function addChannelCommands(program: Command): void {
  const channels = program.command("channel").description("Chat accounts").helpGroup("Channels:");
  addLooking(channels);
  addBind(channels);
  addUnbind(channels);
  addRoute(channels);
  addDefault(channels);
  addEvents(channels);
  addWebhook(channels);
}

function addLooking(channels: Command): void {
  channels
    .command("list")
    .description("List the channels: ready ones first, then by name")
    .addHelpText("after", "\nExample:\n  $ signalbox channel list")
    .action(async (_: object, command: Command) => {
      const { client, out } = contextOf(command);
      const items = await Array.fromAsync(everyItem((page) => client.channels.list({ limit: 500, page })));
      await out.show({ items, nextPage: null }, () => out.table(HEAD, items.map(channelRow)));
    });
  channels
    .command("show")
    .description("Show one channel and its bindings")
    .argument("<channel>", "its id, provider:account")
    .addHelpText("after", "\nExample:\n  $ signalbox channel show telegram:support")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const channel = await client.channels.get(id);
      const bindings = await Array.fromAsync(
        everyItem((page) => client.channels.bindings({ channel: id, limit: 500, page })),
      );
      const { bindings: _defaults, ...fields } = channel;
      await out.show({ ...channel, bindings }, () => `${fieldsText(fields, out)}\n\n${bindingsText(bindings, out)}`);
    });
}

interface BindOptions {
  conversation?: string;
  thread?: string;
  mode?: BindingMode;
  priority?: number;
  fallback?: string;
  replay?: boolean;
}

function addBind(channels: Command): void {
  channels
    .command("bind")
    .description("Send a conversation, or all of a channel, to an agent or a group")
    .argument("<channel>", "its id, provider:account")
    .argument("<target>", "an agent, label:x, tag:x, cap:x or broadcast")
    .option("--conversation <id>", "this conversation alone (default: all that have no binding of their own)")
    .option("--thread <id>", "this thread of it alone")
    .addOption(
      new Option("--mode <mode>", "one agent, work for one of a group, or all of it (default: as fits)").choices(
        BINDING_MODES,
      ),
    )
    .option("--priority <n>", "the highest wins (default: 0)", integer)
    .option("--fallback <target>", "who gets it while the target is away")
    .option("--replay", "also what came in before, unbound")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox channel bind telegram:support label:helpdesk --replay\n  $ signalbox channel bind telegram:support builder --conversation -100123 --fallback user",
    )
    .action(async (id: AgentId, target: Target, options: BindOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const { conversation: conversationId, thread: threadId, ...rest } = options;
      const bound = await client.channels.bind(id, { target, conversationId, threadId, ...rest });
      const more = bound.unbound ? ", and there are more: once again" : "";
      const replayed = bound.replayed === undefined ? "" : `\n${bound.replayed} replayed${more}`;
      await out.show(bound, () => `${bindingsText([bound], out)}${replayed}`);
    });
}

function addUnbind(channels: Command): void {
  channels
    .command("unbind")
    .description("End a binding")
    .argument("<channel>", "its id, provider:account")
    .argument("<binding>", "the binding's id, bnd_…")
    .addHelpText("after", "\nExample:\n  $ signalbox channel unbind telegram:support bnd_1a2b3c")
    .action(async (id: AgentId, bindingId: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      await client.channels.unbind(id, bindingId);
      await out.show({ removed: bindingId }, () => `${safeLine(bindingId)} is removed`);
    });
}

function addRoute(channels: Command): void {
  channels
    .command("route")
    .description("Say where an event of a conversation would go")
    .argument("<channel>", "its id, provider:account")
    .option("--conversation <id>", "of this conversation")
    .option("--thread <id>", "of this thread of it")
    .addHelpText("after", "\nExample:\n  $ signalbox channel route telegram:support --conversation -100123")
    .action(async (id: string, place: { conversation?: string; thread?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const report = await client.channels.route(id, place);
      await out.show(report, () => {
        const rows = report.items.map((item) => [item.goesTo ?? "-", item.level, ...bindingRow(item).slice(1)]);
        const end = report.routed ? "" : "\nIt would be kept for the operator.";
        return `${out.table(["GOES TO", "LEVEL", ...BINDING_HEAD.slice(1)], rows)}${end}`;
      });
    });
}

function addDefault(channels: Command): void {
  channels
    .command("default")
    .description("Make a channel @default")
    .argument("<channel>", "its id, provider:account")
    .option("--unset", "let the oldest channel be it again")
    .addHelpText("after", "\nExample:\n  $ signalbox channel default slack:team")
    .action(async (id: string, { unset }: { unset?: boolean }, command: Command) => {
      const { client, out } = contextOf(command);
      const channel = unset ? await client.channels.unchoose(id) : await client.channels.choose(id);
      await out.show(channel, () => `${safeLine(id)} is ${channel.isDefault ? "" : "not "}@default`);
    });
}

interface EventOptions {
  conversation?: string;
  unbound?: boolean;
  limit?: number;
  page?: string;
}

function addEvents(channels: Command): void {
  channels
    .command("events")
    .description("List what came in, newest first")
    .argument("<channel>", "its id, provider:account")
    .option("--conversation <id>", "of this conversation")
    .option("--unbound", "what waits for a binding alone")
    .option("--limit <n>", "how many (default: 50)", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .addHelpText("after", "\nExample:\n  $ signalbox channel events telegram:support --unbound")
    .action(async (id: string, { unbound, ...query }: EventOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const list = await client.channels.events(id, { ...query, ...(unbound && { unbound: "true" as const }) });
      const more = list.nextPage === null ? "" : `\nThere is more: --page ${safeLine(list.nextPage)}`;
      await out.show(list, () => out.table(EVENT_HEAD, list.items.map(eventRow)) + more);
    });
}

interface WebhookOptions {
  postTo?: string;
  name?: string;
  verify?: "standard" | "token";
  direction?: "inbound" | "outbound" | "bidirectional";
  target?: string;
  rotate?: boolean;
}

function addWebhook(channels: Command): void {
  channels
    .command("webhook")
    .description("Make or change a channel that needs no adapter: it is told, and tells, by a signed POST")
    .argument("<channel>", "its id, webhook:<account>")
    .option("--post-to <url>", "where its messages go (default: nothing goes out)")
    .option("--name <name>", "what people call it")
    .addOption(new Option("--verify <how>", "how its events show whose they are").choices(["standard", "token"]))
    .addOption(new Option("--direction <which>", "one way alone").choices(["inbound", "outbound", "bidirectional"]))
    .option("--target <target>", "where its conversations go, when no operator has bound them")
    .option("--rotate", "make a new secret")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox channel webhook webhook:crm --post-to https://crm.example/hook --target sales",
    )
    .action(async (id: string, { postTo: url, ...options }: WebhookOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const webhook = await client.channels.putWebhook(id, { url, ...options });
      const once = webhook.secret === undefined ? "" : `\n${out.paint("yellow", "The secret is shown this once.")}`;
      await out.show(webhook, () => `${fieldsText(webhook, out)}${once}`);
    });
}

const HEAD = ["CHANNEL", "NAME", "STATUS", "DIRECTION", "DEFAULT", "GOES TO"];
const channelRow = (channel: Channel): string[] => [
  channel.id,
  channel.name,
  channel.ready ? channel.status : `${channel.status}, not ready`,
  channel.direction,
  channel.isDefault ? "yes" : "",
  channel.bindings.map(({ target }) => target).join(" "),
];

const BINDING_HEAD = ["BINDING", "CONVERSATION", "THREAD", "TARGET", "MODE", "PRIORITY", "FALLBACK", "ORIGIN"];
const bindingRow = (binding: Binding): string[] => [
  binding.id,
  binding.conversationId ?? "all",
  binding.threadId ?? "",
  binding.target,
  binding.mode,
  String(binding.priority),
  binding.fallback ?? "",
  binding.origin,
];
const bindingsText = (bindings: readonly Binding[], out: Output): string =>
  bindings.length === 0 ? "Nothing is bound." : out.table(BINDING_HEAD, bindings.map(bindingRow));

const EVENT_HEAD = ["RECEIVED", "EXTERNAL ID", "CONVERSATION", "THREAD", "ROUTED", "MESSAGES"];
const eventRow = (event: EventSummary): string[] => [
  timeText(event.receivedAt),
  event.externalId,
  event.conversation.conversationId,
  event.conversation.threadId ?? "",
  event.unbound ? "unbound" : String(event.routed),
  event.messageIds.join(" "),
];
