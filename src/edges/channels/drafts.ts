import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import type { LogEntry } from "../../core/messages/entry.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { Files } from "../../features/files/files.ts";
import type { AgentFacts } from "../../identity/agents/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Conversation, OutboundPayload } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Moves } from "./moves.ts";
import { mayBePost } from "./outbound.ts";
import type { ChannelRow } from "./store.ts";
import type { Stores } from "./stores.ts";

/** Attempts of a draft by default. Platforms are away for longer than workers, so a post gets more. */
const USUAL_ATTEMPTS = 5;
const POST_ATTEMPTS = 12;

/** The form that a message to a channel agent has in the log: a post with its conversation, which the adapter works on. */
export function createDrafts(
  { kernel, identity, core, files }: Areas & { files: Files },
  { store, traffic }: Stores,
  moves: Moves,
) {
  const { clock } = kernel;
  const { messages } = core;

  /** The draft as a post, when it is for a channel. @throws Problem 422 where it cannot be posted */
  function shape(on: ReadTx, author: Author, draft: ParsedDraft, target: AgentFacts) {
    return target.kind === "channel" ? asPostTo(on, author, draft, target.id) : undefined;
  }

  async function asPostTo(on: ReadTx, author: Author, draft: ParsedDraft, channelId: string) {
    const channel = await store.byId(on, channelId);
    return channel && asPost(on, author, draft, channel);
  }

  async function asPost(on: ReadTx, author: Author, draft: ParsedDraft, channel: ChannelRow): Promise<ParsedDraft> {
    if (author.kind === "system" && (draft.kind === "system" || draft.kind === "pair" || draft.kind === "control"))
      return draft;
    const given = payloadOf(draft);
    const text = given.text ?? draft.body;
    const isEmpty = text === "" && !given.files?.length;
    // A result without text, or for a channel that posts nothing, stays a plain message for the adapter.
    if (draft.kind === "response" && (isEmpty || channel.direction === "inbound")) return draft;
    if (channel.direction === "inbound") throw Problem.invalid("/to", `${channel.id} is inbound only`);
    if (isEmpty) throw Problem.invalid("/body", "is empty, and there are no files");
    const payload = await addressed(on, author.id, { draft, channel, given: { ...given, text } });
    const maxAttempts = draft.maxAttempts === USUAL_ATTEMPTS ? POST_ATTEMPTS : draft.maxAttempts;
    // An urgent post would overtake earlier posts.
    return { ...draft, kind: draft.kind ?? "channel.event", claimable: true, urgent: false, maxAttempts, payload };
  }

  /** The post, its place, and the message it replies to. @throws Problem 422 */
  async function addressed(on: ReadTx, from: string, { draft, channel, given }: PostDraft) {
    const replied = draft.replyTo ? await origin(on, channel.id, draft.replyTo) : undefined;
    const by = replied?.isAside ? `${(await identity.directory.byId(on, from))?.name ?? from}: ` : "";
    const { conversation: named, replyToExternalId: answers, text, files: carrying, buttons, ...more } = given;
    const now = named && { ...named, conversationId: await moves.now(on, channel.id, named.conversationId) };
    const replyToExternalId = answers ?? replied?.externalId;
    const conversation = conversationFor(channel, draft, now, replied?.conversation);
    const carried = await described(on, from, carrying ?? []);
    if (given.edit) await requireOwnPost(on, { from, channelId: channel.id, conversation }, given);
    const isOpaque = draft.encoding === "opaque";
    return {
      ...more,
      conversation,
      ...(replyToExternalId != null && { replyToExternalId }),
      text: isOpaque ? unshown(from, carried.length) : `${by}${text}`,
      ...(carried.length > 0 && !isOpaque && { files: carried }),
      ...(buttons?.length && !isOpaque && { buttons }),
      idempotencyKey: newId("out", clock.now()),
    };
  }

  /** An edit changes a post of the same sender in the same chat. @throws Problem 422 */
  async function requireOwnPost(
    on: ReadTx,
    { from, channelId, conversation }: { from: string; channelId: string; conversation: Conversation | null },
    { edit, files: carried }: OutboundPayload,
  ): Promise<void> {
    if (carried?.length) throw Problem.invalid("/payload/files", "do not go with an edit: it changes text and buttons");
    const row = edit ? await messages.rows.byId(on, edit.messageId) : undefined;
    const of = row?.target === channelId && row.fromId === from ? await originOf(on, channelId, row) : undefined;
    if (!of || of.conversation.conversationId !== conversation?.conversationId)
      throw Problem.invalid("/payload/edit/messageId", `is no message of ${from} to this conversation`);
  }

  /** Facts about each file for the adapter. @throws Problem 422 for files the sender may not read */
  async function described(on: ReadTx, agentId: string, named: NonNullable<OutboundPayload["files"]>) {
    const carried: Required<(typeof named)[number]>[] = [];
    for (const [index, { fileId, name }] of named.entries()) {
      const file = await files.service.requireUsable(on, agentId, fileId, `/payload/files/${index}/fileId`);
      carried.push({ fileId, name: name ?? file.name, type: file.type, size: file.size });
    }
    return carried;
  }

  /** Conversation of the message replied to: an event of this channel, a message to it, or else the thread's beginning. */
  async function origin(on: ReadTx, channelId: string, id: number): Promise<Origin | undefined> {
    const row = await messages.rows.byId(on, id);
    if (!row) return undefined;
    const own = await originOf(on, channelId, row);
    if (own || row.threadId === null) return own;
    const root = await messages.rows.byId(on, row.threadId);
    return root && originOf(on, channelId, root);
  }

  async function originOf(on: ReadTx, channelId: string, row: MessageRow): Promise<Origin | undefined> {
    if (row.fromId !== channelId && row.target !== channelId) return undefined;
    const payload: Record<string, unknown> = row.payload === null ? {} : JSON.parse(row.payload);
    const conversation = Conversation.safeParse(payload.conversation).data;
    if (conversation?.channelId !== channelId) return undefined;
    const posted = row.target === channelId ? (await traffic.parts(on, row.id))[0]?.externalId : payload.externalId;
    const conversationId = await moves.now(on, channelId, conversation.conversationId);
    return {
      conversation: { ...conversation, conversationId },
      externalId: typeof posted === "string" ? posted : undefined,
      isAside: row.fromId === channelId && row.route !== null && JSON.parse(row.route).tier === "explicit",
    };
  }

  /** The entry under the conversation's current id. Undefined when the id has not changed. */
  function readdress(on: ReadTx, work: WorkRow, entry: LogEntry): Promise<LogEntry | undefined> | undefined {
    const channelId = mayBePost(work.target) ? work.target : entry.from;
    return mayBePost(channelId) ? moved(on, channelId, entry) : undefined;
  }

  async function moved(on: ReadTx, channelId: string, entry: LogEntry): Promise<LogEntry | undefined> {
    const said = JSON.parse(entry.json);
    const conversation = Conversation.safeParse(said.payload?.conversation).data;
    if (conversation?.channelId !== channelId) return undefined;
    const conversationId = await moves.now(on, channelId, conversation.conversationId);
    if (conversationId === conversation.conversationId) return undefined;
    said.payload.conversation = { ...conversation, conversationId };
    return { ...entry, json: JSON.stringify(said), sse: undefined, frame: undefined };
  }

  return { shape, readdress };
}

/** A draft for a channel, and its payload. */
interface PostDraft {
  draft: ParsedDraft;
  channel: ChannelRow;
  given: OutboundPayload;
}

interface Origin {
  conversation: Conversation;
  externalId: string | undefined;
  /** The event was for another agent than the bound one, whose answer says its name. */
  isAside: boolean;
}

/** Text shown in place of an encrypted body. The body goes along unchanged, for receivers that have the key. */
const unshown = (from: string, files: number): string =>
  `[An encrypted message from ${from}${files > 0 ? ` with ${files} file${files > 1 ? "s" : ""}` : ""}, which cannot be shown here.]`;

function payloadOf(draft: ParsedDraft): OutboundPayload {
  const parsed = OutboundPayload.safeParse(draft.payload ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw Problem.invalid(`/payload/${(issue?.path ?? []).map(String).join("/")}`, issue?.message ?? "is not acceptable");
}

/** A post goes to the channel's own account, and to the chat that it answers. @throws Problem 422 no-conversation */
function conversationFor(
  channel: ChannelRow,
  draft: ParsedDraft,
  named: OutboundPayload["conversation"],
  replied: Conversation | undefined,
): Conversation | null {
  if (!named) {
    if (replied) return replied;
    if (draft.topic && channel.topics.includes(draft.topic)) return null;
    throw noConversation(`name one in payload.conversation, or reply to an event of ${channel.id}`);
  }
  const { channelId = channel.id, conversationId, threadId } = named;
  if (channelId !== channel.id) throw noConversation(`that conversation is of ${channelId}, not of ${channel.id}`);
  if (replied && (replied.conversationId !== conversationId || (replied.threadId ?? null) !== (threadId ?? null)))
    throw noConversation("it replies to an event of another one");
  return { channelId, conversationId, ...(threadId != null && { threadId }) };
}

const noConversation = (why: string): Problem =>
  new Problem("no-conversation", `The message names no conversation: ${why}.`, {
    errors: [{ pointer: "/payload/conversation", message: why }],
  });
