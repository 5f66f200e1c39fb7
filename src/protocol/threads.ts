import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts, paged } from "./contract.ts";
import { FacetQuery } from "./facets.ts";
import { Message } from "./messages.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import {
  Bool,
  Encoding,
  Int,
  line,
  listOf,
  MessageId,
  MessagePath,
  NumberPageQuery,
  Str,
  StrOrNull,
  Time,
} from "./wire.ts";

export const MessageExcerpt = object(() => ({
  id: MessageId,
  from: Str,
  to: Str,
  kind: Message.shape.kind,
  body: z.string().describe("Its beginning; empty when it is opaque."),
  encoding: Encoding,
  createdAt: Time,
})).register(NAMED, { id: "MessageExcerpt" });

export const ThreadSummary = named("ThreadSummary", "A thread, and how far its reader has come.", () => ({
  id: MessageId.describe("Its root's id."),
  title: z
    .string()
    .nullable()
    .describe("Given by a person, else the subject or the first line of its root; null when there is none."),
  agentId: StrOrNull.describe("Whom a person's message in it goes to by default."),
  archived: Bool,
  lastMessage: MessageExcerpt.nullable(),
  replies: Int.describe("Replies since it began."),
  unread: Int.describe("Messages in it to `user` that the caller's person has not read."),
  participants: z.array(Str).describe("Senders and targets of its root and of its newest 20 messages."),
  liveRuns: Int.describe("Runs in it that have not ended."),
  project: StrOrNull.describe("That of its runs, or of its agent's session; one of them where there are several."),
  tags: z.array(Str).describe("Those of its runs, and of its agent's session."),
}));
export type ThreadSummary = z.infer<typeof ThreadSummary>;

export const ThreadQuery = strictObject(() => ({ ...NumberPageQuery }));
export const Thread = object(() => ({
  root: Message.nullable().describe("null when retention took it or the caller may not read it."),
  items: z.array(Message.extend({ readBy: z.array(Str) })),
  participants: z.array(Str),
  thread: ThreadSummary.nullable().describe("For people; null for agents."),
  nextPage: StrOrNull,
})).register(NAMED, { id: "Thread" });
export type Thread = z.infer<typeof Thread>;

const ThreadsQuery = strictObject(() => ({
  participant: AgentId.optional().describe(
    "In it among the newest 2,000 messages that it sent or got; for `user`, ever.",
  ),
  archived: z.enum(["true", "false"]).default("false").describe("true: archived ones alone."),
  q: line(512).optional().describe("Words of a message in it, or of its title."),
  ...FacetQuery,
  ...NumberPageQuery,
}));
export const ThreadList = listOf(ThreadSummary).register(NAMED, { id: "ThreadList" });
export type ThreadList = z.infer<typeof ThreadList>;

export const ThreadChange = strictObject(() => ({
  title: line(200).nullish().describe("null: that of its root."),
  archived: z.boolean().optional().describe("A new message to `user` brings it back."),
  agentId: AgentId.nullish(),
})).register(NAMED, { id: "ThreadChange" });
export type ThreadChange = z.infer<typeof ThreadChange>;

const ReadUpTo = strictObject(() => ({ upTo: MessageId.describe("The last message in it that was seen.") }));

const contract = contracts("Messages");

export const listThreads = contract("listThreads", "GET /v1/threads", {
  ...paged(ThreadsQuery, ThreadList, "A page."),
  summary: "List threads, newest activity first",
  description: "For people: operators, members and viewers.",
});

export const getThread = contract("getThread", "GET /v1/threads/{id}", {
  ...at(MessagePath, Thread, "What of the thread the caller may read."),
  summary: "Get a thread's messages, oldest first",
  query: ThreadQuery,
});

export const changeThread = contract("changeThread", "PATCH /v1/threads/{id}", {
  ...at(MessagePath, ThreadSummary, "Changed."),
  summary: "Change the title of a thread, archive it, or choose whom it goes to",
  body: ThreadChange,
  example: { title: "The release", archived: false },
  repeatable: true,
});

export const readThread = contract("readThread", "POST /v1/threads/{id}/read", {
  ...at(MessagePath, ThreadSummary, "Read up to there. A lower place than before changes nothing."),
  summary: "Mark a thread as read up to a message",
  body: ReadUpTo,
  example: { upTo: 17 },
  repeatable: true,
});
