import type { Author, Sender } from "../../core/messages/send.ts";
import type { MessageRow, MessageStore } from "../../core/messages/store.ts";
import type { Claims, Report } from "../../core/work/claims.ts";
import type { Leases } from "../../core/work/leases.ts";
import type { WorkRow, WorkStore } from "../../core/work/store.ts";
import type { Files } from "../../features/files/service.ts";
import type { AgentStore } from "../../identity/agents/store.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { LogEntry } from "../../kernel/log/tail.ts";
import type { PostedParts, PostNote } from "../../protocol/channels.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Conversation, OutboundPayload } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Moves } from "./moves.ts";
import { type ChannelRow, type ChannelStore, placeOf } from "./store.ts";
import type { TrafficStore } from "./store-traffic.ts";

export interface OutboundParts {
  agentStore: AgentStore;
  sender: Sender;
  claims: Claims;
  leases: Leases;
  messages: MessageStore;
  works: WorkStore;
  store: ChannelStore;
  traffic: TrafficStore;
  files: Files;
  moves: Moves;
  clock: Clock;
}

const FINAL = new Set(["done", "dead", "expired", "cancelled"]);
/** Platforms are away for longer than workers: what says nothing of attempts has more of them. */
const USUAL_ATTEMPTS = 5;
const POST_ATTEMPTS = 12;

export type Outbound = ReturnType<typeof createOutbound>;

/**
 * What goes out: a message to a channel agent becomes work for its adapter, one at a time in each conversation, and what
 * was posted is remembered by the platform's ids.
 */
export function createOutbound(parts: OutboundParts) {
  const { sender, claims, leases, messages, works, store, traffic, files, moves, clock } = parts;

  sender.shape("channel", async (on, author, draft, target) => {
    const channel = await store.byId(on, target.id);
    return channel ? shape(on, author, draft, channel) : draft;
  });
  sender.holdBy(async (on, row) => {
    const place = await postedTo(on, row);
    return place !== undefined && (await traffic.head(on, place)) !== undefined;
  });
  sender.onAppended(queue);
  leases.onMoved(moved);
  claims.onReport(report);
  claims.attach(async (on, work) => (mayBePost(work.target) ? postsOf(on, work.messageId) : undefined));
  claims.restate(async (on, work, entry) => {
    const channelId = mayBePost(work.target) ? work.target : entry.from;
    return mayBePost(channelId) ? readdressed(on, channelId, entry) : entry;
  });

  const listeners: ((channelId: string, state: string) => void)[] = [];

  /** @throws Problem 422 where it cannot be posted */
  async function shape(on: Reading, author: Author, draft: ParsedDraft, channel: ChannelRow): Promise<ParsedDraft> {
    if (author.kind === "system" && (draft.kind === "system" || draft.kind === "pair" || draft.kind === "control"))
      return draft;
    const given = payloadOf(draft);
    const text = given.text ?? draft.body;
    const isEmpty = text === "" && !given.files?.length;
    // The result of work that has nothing to be shown is the adapter's to see, and so is what a channel cannot post.
    if (draft.kind === "response" && (isEmpty || channel.direction === "inbound")) return draft;
    if (channel.direction === "inbound") throw Problem.invalid("/to", `${channel.id} is inbound only`);
    if (isEmpty) throw Problem.invalid("/body", "is empty, and there are no files");
    const payload = await addressed(on, author.id, { draft, channel, given: { ...given, text } });
    const maxAttempts = draft.maxAttempts === USUAL_ATTEMPTS ? POST_ATTEMPTS : draft.maxAttempts;
    // Urgent ones would overtake those before them.
    return { ...draft, kind: draft.kind ?? "channel.event", claimable: true, urgent: false, maxAttempts, payload };
  }

  /** The post, its place, and the message it replies to. @throws Problem 422 */
  async function addressed(on: Reading, from: string, { draft, channel, given }: Outgoing) {
    const replied = draft.replyTo ? await origin(on, channel.id, draft.replyTo) : undefined;
    const { conversation: named, replyToExternalId: answers, text, files: carrying, buttons, ...more } = given;
    const now = named && { ...named, conversationId: await moves.now(on, channel.id, named.conversationId) };
    const replyToExternalId = answers ?? replied?.externalId;
    const conversation = conversationFor(channel, draft, now, replied?.conversation);
    const carried = await described(on, from, carrying ?? []);
    const isOpaque = draft.encoding === "opaque";
    return {
      ...more,
      conversation,
      ...(replyToExternalId != null && { replyToExternalId }),
      text: isOpaque ? unshown(from, carried.length) : text,
      ...(carried.length > 0 && !isOpaque && { files: carried }),
      ...(buttons?.length && !isOpaque && { buttons }),
      idempotencyKey: newId("out", clock.now()),
    };
  }

  /** What the adapter has to know of each file. @throws Problem 422 for those the sender may not read */
  async function described(on: Reading, agentId: string, named: NonNullable<OutboundPayload["files"]>) {
    const carried: Required<(typeof named)[number]>[] = [];
    for (const [index, { fileId, name }] of named.entries()) {
      const file = await files.requireUsable(on, agentId, fileId, `/payload/files/${index}/fileId`);
      carried.push({ fileId, name: name ?? file.name, type: file.type, size: file.size });
    }
    return carried;
  }

  /** The conversation of what is replied to: an event of this channel, a message to it, or else the thread's beginning. */
  async function origin(on: Reading, channelId: string, id: number): Promise<Origin | undefined> {
    const row = await messages.byId(on, id);
    if (!row) return undefined;
    const own = await originOf(on, channelId, row);
    if (own || row.threadId === null) return own;
    const root = await messages.byId(on, row.threadId);
    return root && originOf(on, channelId, root);
  }

  async function originOf(on: Reading, channelId: string, row: MessageRow): Promise<Origin | undefined> {
    if (row.fromId !== channelId && row.target !== channelId) return undefined;
    const payload: Record<string, unknown> = row.payload === null ? {} : JSON.parse(row.payload);
    const conversation = Conversation.safeParse(payload.conversation).data;
    if (conversation?.channelId !== channelId) return undefined;
    const posted = row.target === channelId ? (await traffic.parts(on, row.id))[0]?.externalId : payload.externalId;
    const conversationId = await moves.now(on, channelId, conversation.conversationId);
    return {
      conversation: { ...conversation, conversationId },
      externalId: typeof posted === "string" ? posted : undefined,
    };
  }

  /** As it is to be worked on now: the conversation that it names may have moved since it was sent. */
  async function readdressed(on: Reading, channelId: string, entry: LogEntry): Promise<LogEntry> {
    const said = JSON.parse(entry.json);
    const conversation = Conversation.safeParse(said.payload?.conversation).data;
    if (conversation?.channelId !== channelId) return entry;
    const conversationId = await moves.now(on, channelId, conversation.conversationId);
    if (conversationId === conversation.conversationId) return entry;
    said.payload.conversation = { ...conversation, conversationId };
    return { ...entry, json: JSON.stringify(said), sse: undefined, frame: undefined };
  }

  /** One conversation behind another: the next is opened when the one before has ended. */
  async function queue(tx: Tx, row: MessageRow, work: WorkRow | undefined): Promise<void> {
    const place = work && (await postedTo(tx, row));
    if (place) await traffic.addPost(tx, { ...place, messageId: row.id, ended: false });
  }

  /** The conversation that work is posted to; undefined when it is no post. */
  async function postedTo(on: Reading, row: MessageRow) {
    if (!mayBePost(row.target) || row.payload === null) return undefined;
    const payload: Record<string, unknown> = JSON.parse(row.payload);
    if (typeof payload.idempotencyKey !== "string" || !(await store.byId(on, row.target))) return undefined;
    return moves.placeNow(on, placeOf(row.target, Conversation.safeParse(payload.conversation).data ?? {}));
  }

  async function moved(tx: Tx, work: WorkRow, was: WorkRow): Promise<void> {
    if (!mayBePost(work.target)) return;
    const post = await traffic.post(tx, work.messageId);
    if (!post) return;
    if (FINAL.has(work.state)) {
      if (post.ended) return;
      const isHead = (await traffic.head(tx, post)) === work.messageId;
      await traffic.setEnded(tx, work.messageId, true);
      tx.afterCommit(() => {
        for (const listener of listeners) listener(post.channelId, work.state);
      });
      // All posts of a deleted channel end: none comes up next.
      const isThere = isHead && (await store.byId(tx, post.channelId)) !== undefined;
      const next = isThere ? await traffic.head(tx, post) : undefined;
      if (next !== undefined) await openHeld(tx, next);
    } else if (FINAL.has(was.state)) {
      // Requeued: an operator has decided that it may be posted again.
      await traffic.setEnded(tx, work.messageId, false);
      await moves.carryPost(tx, work.messageId, await moves.now(tx, post.channelId, post.conversationId));
      await traffic.dropBegun(tx, work.messageId);
    }
  }

  async function openHeld(tx: Tx, id: number): Promise<void> {
    const work = await works.byId(tx, id);
    const isHeld = work?.state === "delayed" && work.dueAt === work.expiresAt;
    if (isHeld) await leases.reopen(tx, work, { delayMs: 0, counts: false });
  }

  /** What the adapter says as it ends its claim. @throws Problem 422 for work that goes out by no channel */
  async function report(tx: Tx, work: WorkRow, said: Report): Promise<void> {
    const post = mayBePost(work.target) ? await traffic.post(tx, work.messageId) : undefined;
    if ("failed" in said) {
      if (post && said.failed.failure === "transient") await traffic.dropBegun(tx, work.messageId);
      return;
    }
    const { externalIds } = said.done;
    if (externalIds && !post)
      throw Problem.invalid("/externalIds", "belongs to what goes out through a channel, and this does not");
    for (const [part, externalId] of (externalIds ?? []).entries())
      if (post) await notePart(tx, post.channelId, work.messageId, { part, externalId });
  }

  const notePart = (tx: Tx, channelId: string, messageId: number, note: { part: number; externalId?: string }) =>
    traffic.putPart(tx, {
      ...{ messageId, channelId, at: clock.now() },
      ...{ part: note.part, externalId: note.externalId ?? null },
    });

  async function postsOf(on: Reading, id: number): Promise<PostedParts | undefined> {
    if (!(await traffic.post(on, id))) return undefined;
    const rows = await traffic.parts(on, id);
    return { posts: rows.map(({ part, externalId }) => ({ part, externalId })) };
  }

  return {
    /** `POST /v1/messages/{id}/posts`. @throws Problem 403, 404, 409 claim-lost, 422 */
    async note(tx: Tx, caller: Caller, id: number, note: Required<Pick<PostNote, "part">> & PostNote) {
      await claims.requireHeld(tx, caller, id, note.token);
      const post = await traffic.post(tx, id);
      if (!post) throw Problem.invalid("id", "does not go out through a channel");
      await notePart(tx, post.channelId, id, note);
      return (await postsOf(tx, id)) ?? { posts: [] };
    },
    postsOf,
    /** The message of the same conversation that has to end before this one is handed out. */
    async aheadOf(on: Reading, id: number): Promise<number | undefined> {
      const post = await traffic.post(on, id);
      const head = post && !post.ended ? await traffic.head(on, post) : undefined;
      return head === id ? undefined : head;
    },
    /** Told of each message that was posted, or will not be, once that is on disk. */
    onEnded: (listener: (channelId: string, state: string) => void) => listeners.push(listener),
  };
}

/** A message on its way to a channel, and what its payload says. */
interface Outgoing {
  draft: ParsedDraft;
  channel: ChannelRow;
  given: OutboundPayload;
}

interface Origin {
  conversation: Conversation;
  externalId: string | undefined;
}

/** Text shown in place of an encrypted body. The body goes along unchanged, for receivers that have the key. */
const unshown = (from: string, files: number): string =>
  `[An encrypted message from ${from}${files > 0 ? ` with ${files} file${files > 1 ? "s" : ""}` : ""}, which cannot be shown here.]`;

/** Only a channel agent's id has a colon and is no group. */
const mayBePost = (target: string): boolean => target.includes(":") && !isGroup(target);

function payloadOf(draft: ParsedDraft): OutboundPayload {
  const parsed = OutboundPayload.safeParse(draft.payload ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw Problem.invalid(`/payload/${(issue?.path ?? []).map(String).join("/")}`, issue?.message ?? "is not acceptable");
}

/** @throws Problem 422 no-conversation: never another account, never another chat than the one it answers. */
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
  new Problem("no-conversation", `It does not say which conversation it is for: ${why}.`, {
    errors: [{ pointer: "/payload/conversation", message: why }],
  });
