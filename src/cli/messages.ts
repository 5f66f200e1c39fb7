import { Option } from "commander";
import type { Client } from "../client/client.ts";
import { PLAIN_KINDS } from "../protocol/limits.ts";
import type { Message, MessageDraft, Scheduled, SentMessage } from "../protocol/messages.ts";
import type { CliCommand } from "./commands.ts";
import { jsonValue, messageKind, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { messageText, timeText } from "./show.ts";

const GROUP = "Messages:";

export function addMessageCommands(program: CliCommand): void {
  addSend(program);
  addThread(program);
  addSearch(program);
}

interface SendOptions extends Omit<MessageDraft, "to" | "body" | "idempotencyKey" | "encoding"> {
  key?: string;
  opaque?: boolean;
}

function addSend(program: CliCommand): void {
  program
    .command("send")
    .description("Send a message")
    .helpGroup(GROUP)
    .argument("<to>", "an agent, label:x, tag:x, cap:x, broadcast, or @channel")
    .argument("[body]", "the text; - or nothing reads stdin")
    .option("--subject <line>", "its subject")
    .option("--topic <topic>", "its topic")
    .addOption(
      new Option("--kind <kind>", "what kind of message (default: task if claimable, else chat)").choices(PLAIN_KINDS),
    )
    .option("--reply-to <id>", "the message it answers", wholeNumber)
    .option("--caused-by <id>", "the message that led to it, or nothing", causeOf)
    .option("--claimable", "work, for exactly one of the target's agents")
    .option("--urgent", "before everything that is not urgent")
    .option("--max-attempts <n>", "how often work may fail before it is a dead letter", wholeNumber)
    .option("--expires-at <time>", "offered to nobody from then on (RFC 3339)")
    .option("--deliver-at <time>", "becomes a message at that time (RFC 3339)")
    .option("--key <key>", "idempotency key: sending again with it sends nothing new")
    .option("--payload <json>", "data for programs, a JSON object", jsonValue)
    .option("--meta <json>", "data about the message, a JSON object", jsonValue)
    .option("--opaque", "the body is encrypted: never searched, never shown")
    .example('send builder "Is main green?"')
    .addHelpText("after", "  $ git diff | signalbox send tag:review --claimable --subject 'Review this'")
    .act(async ({ client, out }, to: string, body: string | undefined, options: SendOptions) => {
      const { key, opaque, ...rest } = draftOptions(options);
      const draft = { ...rest, to, body: await textOrStdin(body), idempotencyKey: key };
      const sent = await client.messages.send({ ...draft, encoding: opaque ? "opaque" : undefined });
      await out.show(sent, () => sentText(sent));
      if ("suggestions" in sent) tellNobody(sent, out);
      else if (!out.json && "matched" in sent) await tellReach(client, sent.to, out);
    });
}

/** `nothing`: the relay does not look for a cause. */
const causeOf = (given: string): number | null => (given === "nothing" ? null : wholeNumber(given));

/** The command's own options, without those that every command has. */
function draftOptions(options: SendOptions): SendOptions {
  const { subject, topic, kind, replyTo, causedBy, claimable, urgent, maxAttempts } = options;
  const { expiresAt, deliverAt, payload, meta, key, opaque } = options;
  const flags = { claimable, urgent, key, opaque };
  return { subject, topic, kind, replyTo, causedBy, maxAttempts, expiresAt, deliverAt, payload, meta, ...flags };
}

function sentText(sent: SentMessage | Scheduled): string {
  if ("scheduleId" in sent) return `Scheduled as ${sent.scheduleId} for ${timeText(sent.deliverAt)}`;
  const members = sent.matched === 1 ? "1 agent" : `${sent.matched} agents`;
  const again = sent.replayed ? " (sent before with this key)" : "";
  return `Message ${sent.id} to ${safeLine(sent.to)}, which is ${members}${again}`;
}

/** A group without members is most often a mistyped one. */
function tellNobody({ to, suggestions = [] }: SentMessage, out: Output): void {
  const near = suggestions.length ? ` Did you mean ${suggestions.map(safeLine).join(" or ")}?` : "";
  out.note(`Nobody is in ${safeLine(to)} now.${near}`);
}

/** Who waits for an answer has to know when its addressee may see the question at all. */
async function tellReach(client: Client, target: string, out: Output): Promise<void> {
  if (isGroup(target)) return;
  // It is sent: whatever cannot be found out about it now is no failure.
  const agent = await client.agents.get(target, { retries: 0, timeoutMs: 2_000 }).catch(() => undefined);
  if (agent?.kind !== "provider") return;
  if (agent.status === "offline") out.note(`${safeLine(agent.id)} is offline: it is kept for it`);
  else if (agent.reach === "asked") out.note(`${safeLine(agent.id)} reads only when it looks`);
}

/** `tag:x`, `broadcast` and `@name` are more than one agent, or another's name. */
const isGroup = (target: string): boolean => /^(tag:|cap:|label:|broadcast$|@)/.test(target);

function addThread(program: CliCommand): void {
  program
    .command("thread")
    .description("Show the messages that share a root, oldest first")
    .helpGroup(GROUP)
    .argument("<id>", "the root's id", wholeNumber)
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .example("thread 17")
    .act(async ({ client, out }, id: number, options: { limit?: number; page?: string }) => {
      const thread = await client.messages.thread(id, { limit: options.limit, page: options.page });
      await out.show(thread, () =>
        [
          ...thread.items.map((item) => {
            const readBy =
              item.readBy.length > 0 ? `\n  ${out.paint("dim", `read by ${safeLine(item.readBy.join(", "))}`)}` : "";
            return messageText(item, out) + readBy;
          }),
          ...moreText(thread.nextPage),
        ].join("\n"),
      );
    });
}

interface SearchOptions {
  from?: string;
  to?: string;
  agent?: string;
  thread?: number;
  topic?: string;
  kind?: Message["kind"];
  limit?: number;
  page?: string;
}

function addSearch(program: CliCommand): void {
  program
    .command("search")
    .description("Find messages, newest first")
    .helpGroup(GROUP)
    .argument("[words...]", "words that all have to be in it")
    .option("--from <agent>", "sent by this agent")
    .option("--to <target>", "sent to this target")
    .option("--agent <agent>", "sent by or to this agent")
    .option("--thread <id>", "in this thread", wholeNumber)
    .option("--topic <topic>", "with this topic")
    .option("--kind <kind>", "of this kind", messageKind)
    .option("--limit <n>", "how many", wholeNumber)
    .option("--page <page>", "from where the last page ended")
    .example("search deploy failed --from ci")
    .act(async ({ client, out }, words: string[], options: SearchOptions) => {
      const { from, to, agent, thread, topic, kind, limit, page } = options;
      const q = words.join(" ") || undefined;
      const found = await client.messages.list({ q, from, to, agent, thread, topic, kind, limit, page });
      await out.show(found, () => listText(found, out));
    });
}

const listText = ({ items, nextPage }: { items: Message[]; nextPage: string | null }, out: Output) =>
  items.length === 0 && nextPage === null
    ? "No such message"
    : [...items.map((item) => messageText(item, out)), ...moreText(nextPage)].join("\n");

const moreText = (nextPage: string | null): string[] =>
  nextPage === null ? [] : [`There is more: --page ${safeLine(nextPage)}`];
