import { Option } from "commander";
import { type Client, everyItem } from "../client/client.ts";
import { BINDING_MODES, BINDING_TOPICS, type Binding, type BindingDraft } from "../protocol/bindings.ts";
import type { Channel, EventSummary, WebhookChannelDraft } from "../protocol/channels.ts";
import type { AgentId, Target } from "../protocol/ids.ts";
import { addChannelRun } from "./channel-run.ts";
import { addWholeList, type CliCommand, type QueryOf } from "./commands.ts";
import { accessText, addGuestCommands } from "./guests.ts";
import { collect, integer } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, secretText, timeText } from "./show.ts";

const ID = ["<channel>", "its id, provider:account"] as const;

/** Chat accounts, and the targets of their conversations. */
export function addChannelCommands(program: CliCommand): void {
  const channels = program.sub("channel", "Chat accounts", "Channels:").alias("channels");
  addList(channels);
  addShow(channels);
  addGuestCommands(channels);
  addBind(channels);
  addUnbind(channels);
  addRoute(channels);
  addDefault(channels);
  addEvents(channels);
  addWebhook(channels);
  addChannelRun(channels);
}

function addList(channels: CliCommand): void {
  addWholeList(channels, "List the channels: ready ones first, then by name", {
    read: (client, query: QueryOf<typeof client.channels.list>) => client.channels.list(query),
    head: ["CHANNEL", "NAME", "STATUS", "DIRECTION", "DEFAULT", "GOES TO"],
    row: (channel: Channel) => [
      ...[channel.id, channel.name, channel.ready ? channel.status : `${channel.status}, not ready`],
      ...[channel.direction, channel.isDefault ? "yes" : ""],
      channel.bindings.map(({ target }) => target).join(" "),
    ],
  }).example("channel list");
}

function addShow(channels: CliCommand): void {
  channels
    .sub("show", "Show one channel and its bindings")
    .argument(...ID)
    .example("channel show telegram:support")
    .act(async ({ client, out }, id: string) => {
      const channel = await client.channels.get(id);
      const { bindings: _, ...fields } = channel;
      const { access: __, ...plain } = fields;
      const all = everyItem((page) => client.channels.bindings({ channel: id, limit: 500, page }));
      const bindings = await Array.fromAsync(all);
      await out.show({ ...fields, bindings }, () =>
        [fieldsText(plain, out), accessText(channel, out), bindingsText(bindings, out)].join("\n\n"),
      );
    });
}

type BindOptions = Omit<BindingDraft, "target" | "conversationId" | "threadId"> & {
  conversation?: string;
  thread?: string;
};

function addBind(channels: CliCommand): void {
  channels
    .sub("bind", "Send a conversation, or all of a channel, to an agent or a group")
    .argument(...ID)
    .argument("<target>", "an agent, label:x, tag:x, cap:x or broadcast")
    .option("--conversation <id>", "this conversation alone (default: all that have no binding of their own)")
    .option("--thread <id>", "this thread of it alone")
    .addOption(
      new Option("--mode <mode>", "one agent, work for one of a group, or all of it (default: as fits)").choices(
        BINDING_MODES,
      ),
    )
    .option("--priority <n>", "the highest wins (default: 0)", integer)
    .option("--fallback <target>", "the target while the first one is away")
    .choice("--topics <how>", "per-session: a topic or thread of its own for each session", BINDING_TOPICS)
    .option("--also <agent>", "an agent that @agent and /ask reach there; repeatable", collect)
    .option("--replay", "also the events that came in before, unbound")
    .example(
      "channel bind telegram:support label:helpdesk --replay",
      "channel bind telegram:support builder --conversation -100123 --fallback user",
    )
    .act(async ({ client, out }, id: AgentId, target: Target, options: BindOptions) => {
      const { conversation: conversationId, thread: threadId, ...rest } = options;
      const binding = await client.channels.bind(id, { target, conversationId, threadId, ...rest });
      const more = binding.unbound ? ", and more remain: run this again" : "";
      const replayed = binding.replayed === undefined ? "" : `\n${binding.replayed} replayed${more}`;
      await out.show(binding, () => `${bindingsText([binding], out)}${replayed}`);
    });
}

function addUnbind(channels: CliCommand): void {
  channels
    .sub("unbind", "End a binding")
    .argument(...ID)
    .argument("<binding>", "the binding's id, bnd_…")
    .example("channel unbind telegram:support bnd_1a2b3c")
    .act(async ({ client, out }, id: AgentId, bindingId: string) => {
      await client.channels.unbind(id, bindingId);
      await out.show({ removed: bindingId }, () => `${safeLine(bindingId)} is removed`);
    });
}

function addRoute(channels: CliCommand): void {
  channels
    .sub("route", "Show the target that an event of a conversation would go to")
    .argument(...ID)
    .option("--conversation <id>", "of this conversation")
    .option("--thread <id>", "of this thread of it")
    .example("channel route telegram:support --conversation -100123")
    .act(async ({ client, out }, id: string, place: { conversation?: string; thread?: string }) => {
      const report = await client.channels.route(id, place);
      await out.show(report, () => {
        const rows = report.items.map((item) => [item.goesTo ?? "-", item.level, ...bindingRow(item).slice(1)]);
        const end = report.routed ? "" : "\nIt would be kept for the operator.";
        return `${out.table(["GOES TO", "LEVEL", ...BINDING_HEAD.slice(1)], rows)}${end}`;
      });
    });
}

function addDefault(channels: CliCommand): void {
  channels
    .sub("default", "Make a channel @default")
    .argument(...ID)
    .option("--unset", "make the oldest channel @default again")
    .example("channel default slack:team")
    .act(async ({ client, out }, id: string, { unset }: { unset?: boolean }) => {
      const channel = unset ? await client.channels.unchoose(id) : await client.channels.choose(id);
      await out.show(channel, () => `${safeLine(id)} is ${channel.isDefault ? "" : "not "}@default`);
    });
}

type EventOptions = Omit<QueryOf<Client["channels"]["events"], 1>, "unbound" | "strangers"> & {
  unbound?: boolean;
  strangers?: boolean;
};

function addEvents(channels: CliCommand): void {
  channels
    .sub("events", "List the events of a channel, newest first")
    .argument(...ID)
    .paged()
    .option("--conversation <id>", "of this conversation")
    .option("--unbound", "only those that wait for a binding")
    .option("--strangers", "only those of senders that were no guests")
    .example("channel events telegram:support --unbound")
    .act(async ({ client, out }, id: string, { unbound, strangers, ...query }: EventOptions) => {
      const only = { ...(unbound && { unbound: "true" as const }), ...(strangers && { strangers: "true" as const }) };
      const list = await client.channels.events(id, { ...query, ...only });
      await out.page(list, out.table(EVENT_HEAD, []), (items) => out.table(EVENT_HEAD, items.map(eventRow)));
    });
}

type WebhookOptions = WebhookChannelDraft & { postTo?: string };

function addWebhook(channels: CliCommand): void {
  channels
    .sub("webhook", "Make or change a channel without an adapter, which sends and gets events by signed POST")
    .argument("<channel>", "its id, webhook:<account>")
    .option("--post-to <url>", "the URL for its messages (default: none go out)")
    .option("--name <name>", "its name for people")
    .choice("--verify <how>", "how its events prove their sender", ["standard", "token"])
    .choice("--direction <which>", "one way alone", ["inbound", "outbound", "bidirectional"])
    .option("--target <target>", "the target of conversations that no operator has bound")
    .option("--rotate", "make a new secret")
    .example("channel webhook webhook:crm --post-to https://crm.example/hook --target sales")
    .act(async ({ client, out }, id: string, { postTo: url, ...options }: WebhookOptions) => {
      const webhook = await client.channels.putWebhook(id, { url, ...options });
      await out.show(webhook, () => secretText(webhook, out));
    });
}

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
  event.stranger ? "stranger" : event.unbound ? "unbound" : String(event.routed),
  event.messageIds.join(" "),
];
