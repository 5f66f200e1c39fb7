import type { Areas } from "../../core/core.ts";
import type { RunRow } from "../../features/runs/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { AnnouncementRoute } from "../../protocol/announcements.ts";
import type { AgentId, MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { RunRequester } from "../../protocol/runs.ts";
import type { Channels } from "../channels/channels.ts";
import type { RunBook } from "./book.ts";

/** Place that gets a result, and how its message hangs there. */
export interface Destination {
  route: AnnouncementRoute;
  replyTo: MessageId | null;
  urgent: boolean;
  /** The run that gets it. */
  asker?: RunRow | undefined;
}

type By = AnnouncementRoute["by"];

/** Requesters above one that are looked up when the nearest are gone. */
const MAX_ABOVE = 32;

export type AnnouncementRouting = ReturnType<typeof createAnnouncementRouting>;

/** The way of a result to its requester. A thread or an account is never carried from one channel to another. */
export function createAnnouncementRouting({ identity, core, channels }: Areas & { channels: Channels }, book: RunBook) {
  const { directory, roster } = identity;
  const { places } = channels;
  const { rows: messages } = core.messages;

  /** Undefined when the requester and everybody above it are gone. */
  async function decide(on: ReadTx, run: RunRow): Promise<Destination | undefined> {
    const deliverTo = run.deliverTo === null ? undefined : await places.open(on, JSON.parse(run.deliverTo));
    if (deliverTo) return toChat(on, run, deliverTo, "deliverTo");
    return toRequester(on, run, run, 0);
  }

  /** The requester of `of`, which is the run itself or, when its requester is gone, one above it. */
  async function toRequester(on: ReadTx, run: RunRow, of: RunRow, step: number): Promise<Destination | undefined> {
    const requester: RunRequester | null = of.requesterJson === null ? null : JSON.parse(of.requesterJson);
    if (requester === null || step > MAX_ABOVE) return undefined;
    const by: By = step === 0 ? "requester" : "retargeted";
    if ("conversation" in requester) return toConversation(on, of, requester.conversation, by);
    if ("agentId" in requester) return toAgent(on, { run, of, step }, requester.agentId, by);
    const asker = await book.byId(on, requester.runId);
    if (!asker) return undefined;
    if (asker.status !== "ended" && (await isThere(on, asker.agentId))) return toRun(on, asker, by);
    return toRequester(on, run, asker, step + 1);
  }

  async function toRun(on: ReadTx, asker: RunRow, by: By): Promise<Destination> {
    return {
      route: { to: asker.agentId, by },
      replyTo: await kept(on, asker.messageId ?? asker.threadId),
      urgent: await mayBeSteered(on, asker),
      asker,
    };
  }

  async function toAgent(on: ReadTx, { run, of, step }: Way, agentId: AgentId, by: By) {
    // The sender of an event is its channel: the chat is meant.
    const chat = of.messageId === null ? undefined : await places.fromMessage(on, of.messageId);
    if (chat?.channelId === agentId) return toConversation(on, of, chat, by);
    const parent = of.parentId === null ? undefined : await book.byId(on, of.parentId);
    const own = parent?.agentId === agentId ? parent : undefined;
    if (await isThere(on, agentId)) {
      const replyTo = await kept(on, own?.messageId ?? of.messageId ?? of.threadId);
      const live = await book.workingFor(on, agentId, null);
      return { route: { to: agentId, by }, replyTo, urgent: live !== undefined && (await mayBeSteered(on, live)) };
    }
    if (own) return toRequester(on, run, own, step + 1);
    const origin = of.origin === null ? undefined : await places.open(on, JSON.parse(of.origin));
    return origin && toChat(on, of, origin, "retargeted");
  }

  async function toConversation(on: ReadTx, run: RunRow, chat: Conversation, by: By): Promise<Destination> {
    const bound = await boundChat(on, run, chat);
    if (bound) return toChat(on, run, bound, by === "retargeted" ? by : "binding");
    const asked = await places.open(on, chat);
    if (asked) return toChat(on, run, asked, by);
    const origin = run.origin === null ? undefined : await places.open(on, JSON.parse(run.origin));
    if (origin) return toChat(on, run, origin, "origin");
    const recent = await places.newestOf(on, run.askedBy ?? run.agentId);
    if (recent) return toChat(on, run, recent, "recent");
    return { route: { to: "user", by: "user" }, replyTo: await kept(on, run.messageId ?? run.threadId), urgent: false };
  }

  /** The chat that the run works in, if a binding still gives it to the run's agent. */
  async function boundChat(on: ReadTx, run: RunRow, asked: Conversation): Promise<Conversation | undefined> {
    const own = run.messageId === null ? undefined : await places.fromMessage(on, run.messageId);
    if (own?.channelId !== asked.channelId || own.conversationId !== asked.conversationId) return undefined;
    if (asked.threadId !== undefined && asked.threadId !== own.threadId) return undefined;
    const now = await places.open(on, own);
    return now && (await places.isBoundTo(on, now, run.agentId)) ? now : undefined;
  }

  /** Destination in a chat: a reply to the run's message if that came from the same chat and thread. */
  async function toChat(on: ReadTx, run: RunRow, conversation: Conversation, by: By): Promise<Destination> {
    const from = run.messageId === null ? undefined : await places.fromMessage(on, run.messageId);
    const there = from && (await places.open(on, from));
    const replyTo = there && isSame(there, conversation) ? await kept(on, run.messageId) : null;
    return { route: { to: conversation.channelId, conversation, by }, replyTo, urgent: false };
  }

  /** A message that retention has left. */
  async function kept(on: ReadTx, id: MessageId | null): Promise<MessageId | null> {
    return id !== null && (await messages.lineage(on, id)) !== undefined ? id : null;
  }

  async function isThere(on: ReadTx, agentId: AgentId): Promise<boolean> {
    const facts = directory.facts(on, agentId);
    return facts !== undefined && facts.deletedAt === null;
  }

  /** Whether a run has a live turn that hears messages. */
  async function mayBeSteered(on: ReadTx, run: RunRow): Promise<boolean> {
    if (run.status !== "running" || roster.get(run.agentId)?.reach !== "mid-turn") return false;
    return !(await book.isCompacting(on, run));
  }

  return { decide, isThere };
}

interface Way {
  run: RunRow;
  of: RunRow;
  step: number;
}

const isSame = (a: Conversation, b: Conversation): boolean =>
  a.channelId === b.channelId && a.conversationId === b.conversationId && (a.threadId ?? "") === (b.threadId ?? "");
