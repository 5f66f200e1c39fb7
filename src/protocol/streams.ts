import { z } from "zod";
import { AgentPath, Presence } from "./agents.ts";
import { Announcement } from "./announcements.ts";
import { Approval } from "./approvals.ts";
import { contracts } from "./contract.ts";
import { DelegationChange } from "./delegations.ts";
import { Bye, Followed, Hello, Reset, WorkChange } from "./inbox.ts";
import { Entry, MessageFilter } from "./messages.ts";
import { RunChange } from "./runs.ts";
import { object, strictObject } from "./shape.ts";
import { Task } from "./tasks.ts";
import { Trace } from "./traces.ts";
import { Position, queryInt } from "./wire.ts";

const StreamQuery = strictObject(() => ({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
  ack: z.literal("resume").optional().describe("Also acknowledges what Last-Event-ID names."),
}));

const WatchQuery = strictObject(() => ({
  ...MessageFilter,
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
}));

export const Open = object(() => ({})).describe("There is work to claim.");
const WatchHello = object(() => ({ head: Position, firstId: Position }));

/** Events of an inbox stream, by name. */
const INBOX_EVENTS = { hello: Hello, message: Followed, open: Open, presence: Presence, reset: Reset, bye: Bye };

/** Events of a stream over everything. */
const WATCH_EVENTS = {
  hello: WatchHello,
  message: Entry,
  work: WorkChange,
  trace: Trace,
  task: Task,
  delegation: DelegationChange,
  run: RunChange,
  announcement: Announcement,
  approval: Approval,
  presence: Presence,
  bye: Bye,
};

const STREAM = { description: "Server-Sent Events, until one side ends it.", type: "text/event-stream" };

export const streamInbox = contracts("Inbox")("streamInbox", "GET /v1/agents/{id}/inbox/stream", {
  summary: "Follow an inbox",
  description:
    "Events: hello, message (its id is the place to resume from), open, presence, reset, bye. Starts after " +
    "Last-Event-ID (with ack=resume that also acknowledges it), else after `after`, else at the stored cursor. With " +
    "include=parent a reply carries what it replies to.",
  long: true,
  params: AgentPath,
  query: StreamQuery,
  answers: { 200: { ...STREAM, events: INBOX_EVENTS } },
  problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
});

export const watchMessages = contracts("Messages")("watchMessages", "GET /v1/messages/stream", {
  summary: "Follow everything the caller may read",
  description:
    "Events: hello, message, work (a change of state), trace, task, delegation, run, announcement, approval, presence, bye. Starts at the head, or after `after`.",
  long: true,
  query: WatchQuery,
  answers: { 200: { ...STREAM, events: WATCH_EVENTS } },
  problems: ["forbidden"],
});
