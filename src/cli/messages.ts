import type { Client } from "../client/client.ts";
import { createVault } from "../client/sealed.ts";
import { PLAIN_KINDS } from "../protocol/limits.ts";
import type { Message, MessageDraft, Scheduled, SentMessage } from "../protocol/messages.ts";
import type { Thread } from "../protocol/threads.ts";
import type { CliCommand, QueryOf } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { jsonValue, messageKind, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { password } from "./password.ts";
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
  encrypt?: boolean;
}

function addSend(program: CliCommand): void {
  program
    .sub("send", "Send a message", GROUP)
    .argument("<to>", "an agent, label:x, tag:x, cap:x, broadcast, or @channel")
    .argument("[body]", "the text; - or nothing reads stdin")
    .option("--subject <line>", "its subject")
    .option("--topic <topic>", "its topic")
    .choice("--kind <kind>", "kind of message (default: task if claimable, else chat)", PLAIN_KINDS)
    .option("--reply-to <id>", "the message it answers", wholeNumber)
    .option("--caused-by <id>", "the message that led to it, or: nothing", causeOf)
    .option("--claimable", "work, for exactly one of the target's agents")
    .option("--urgent", "before everything that is not urgent")
    .option("--max-attempts <n>", "failures until the work is a dead letter", wholeNumber)
    .option("--expires-at <time>", "time after which it is no longer delivered (RFC 3339)")
    .option("--deliver-at <time>", "time when it is sent (RFC 3339)")
    .option("--key <key>", "idempotency key: the same key sends one message")
    .option("--payload <json>", "data for programs, a JSON object", jsonValue)
    .option("--meta <json>", "data about the message, a JSON object", jsonValue)
    .option("--opaque", "the body is encrypted: never searched, never shown")
    .option("--encrypt", "encrypt the body with a password: SIGNALBOX_PASSWORD, or what you type")
    .example('send builder "Is main green?"', "send tag:review --claimable --subject 'Review this' < changes.diff")
    .act(async (context, to: string, body: string | undefined, options: SendOptions) => {
      const { client, out } = context;
      const { key, opaque, encrypt, ...rest } = options;
      if (rest.maxAttempts !== undefined && !rest.claimable)
        throw new Stop(EXIT.usage, "--max-attempts is for work: add --claimable");
      const text = await textOrStdin(body);
      const sealed = encrypt ? await sealedBody(context, to, text) : undefined;
      const meta = sealed ? { ...rest.meta, ...sealed.meta } : rest.meta;
      const draft = { ...rest, meta, to, body: sealed?.body ?? text, idempotencyKey: key };
      const sent = await client.messages.send({ ...draft, encoding: opaque || sealed ? "opaque" : undefined });
      await out.show(sent, () => sentText(sent));
      if ("suggestions" in sent) noteEmptyGroup(sent, out);
      else if (!out.json && "matched" in sent) await noteReach(client, sent.to, out);
    });
}

/** Id of a cause; `nothing` keeps the relay from looking for one. */
const causeOf = (given: string): number | null => (given === "nothing" ? null : wholeNumber(given));

function sentText(sent: SentMessage | Scheduled): string {
  if ("scheduleId" in sent) return `Scheduled as ${sent.scheduleId} for ${timeText(sent.deliverAt)}`;
  const members = sent.matched === 1 ? "1 agent" : `${sent.matched} agents`;
  const again = sent.replayed ? " (sent before with this key)" : "";
  return `Message ${sent.id} to ${safeLine(sent.to)}, which is ${members}${again}`;
}

/** A group without members is usually misspelt. */
function noteEmptyGroup({ to, suggestions = [] }: SentMessage, out: Output): void {
  const near = suggestions.length ? ` Did you mean ${suggestions.map(safeLine).join(" or ")}?` : "";
  out.note(`Nobody is in ${safeLine(to)} now.${near}`);
}

/** Tells a sender that waits for an answer when the addressee will see the message. */
async function noteReach(client: Client, target: string, out: Output): Promise<void> {
  if (isGroup(target)) return;
  // The message is sent already: a failure here is none of the command.
  const agent = await client.agents.get(target, { retries: 0, timeoutMs: 2_000 }).catch(() => undefined);
  if (agent?.kind !== "provider") return;
  if (agent.status === "offline") out.note(`${safeLine(agent.id)} is offline: it is kept for it`);
  else if (agent.reach === "asked") out.note(`${safeLine(agent.id)} reads only when it looks`);
}

/** Whether a target means several agents, or a channel by its name. */
const isGroup = (target: string): boolean => /^(tag:|cap:|label:|broadcast$|@)/.test(target);

/** @throws Stop for a target that the relay stores under another name: both are part of what is encrypted */
async function sealedBody({ client, settings }: Context, to: string, text: string) {
  if (/^(@|orchestrator:)/.test(to)) throw new Stop(EXIT.usage, `Name the agent itself: ${to} stands for one.`);
  const from = settings.agentId ?? (await client.whoami()).agentId ?? "user";
  return createVault(await password()).seal(text, { from, to });
}

type ThreadOptions = QueryOf<Client["messages"]["thread"], 1> & { decrypt?: boolean };

function addThread(program: CliCommand): void {
  program
    .sub("thread", "Show the messages that share a root, oldest first", GROUP)
    .argument("<id>", "the root's id", wholeNumber)
    .paged()
    .option("--decrypt", "open encrypted messages with a password: SIGNALBOX_PASSWORD, or what you type")
    .example("thread 17")
    .act(async ({ client, out }, id: number, options: ThreadOptions) => {
      const { decrypt, ...query } = options;
      const vault = decrypt ? createVault(await password()) : undefined;
      const opened = async <Item extends Message>(item: Item): Promise<Item> => {
        const body = await vault?.open(item);
        return body === undefined ? item : { ...item, body, encoding: "plain" };
      };
      const text = (item: Thread["items"][number]) => {
        const readBy = item.readBy.length
          ? `\n  ${out.paint("dim", `read by ${safeLine(item.readBy.join(", "))}`)}`
          : "";
        return messageText(item, out) + readBy;
      };
      const page = await client.messages.thread(id, query);
      const items = await Promise.all(page.items.map(opened));
      await out.page({ ...page, items }, "", (items) => items.map(text).join("\n"));
    });
}

function addSearch(program: CliCommand): void {
  program
    .sub("search", "Find messages, newest first", GROUP)
    .argument("[words...]", "words that all have to be in it")
    .option("--from <agent>", "sent by this agent")
    .option("--to <target>", "sent to this target")
    .option("--agent <agent>", "sent by or to this agent")
    .option("--thread <id>", "in this thread", wholeNumber)
    .option("--topic <topic>", "with this topic")
    .option("--kind <kind>", "of this kind", messageKind)
    .paged()
    .example("search deploy failed --from ci")
    .act(async ({ client, out }, words: string[], filters: QueryOf<typeof client.messages.list>) => {
      const page = await client.messages.list({ ...filters, q: words.join(" ") || undefined });
      await out.page(page, "No such message", (items) => items.map((item) => messageText(item, out)).join("\n"));
    });
}
