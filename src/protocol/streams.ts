import { z } from "zod";
import { AgentPath, Presence } from "./agents.ts";
import { Announcement } from "./announcements.ts";
import { Approval } from "./approvals.ts";
import { Bulk } from "./bulk.ts";
import { contracts } from "./contract.ts";
import { DelegationChange } from "./delegations.ts";
import { Bye, Followed, Hello, InboxNews, Reset, WorkChange } from "./inbox.ts";
import { Entry, MessageFilter } from "./messages.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { RunChange } from "./runs.ts";
import { LimitChange, SessionChange, SessionId } from "./sessions.ts";
import { object, strictObject } from "./shape.ts";
import { Task } from "./tasks.ts";
import { Trace } from "./traces.ts";
import { Bool, Int, MessageId, Position, queryInt, Str } from "./wire.ts";

const StreamQuery = strictObject(() => ({
  after: queryInt(0, Number.MAX_SAFE_INTEGER).optional(),
  include: z.literal("parent").optional(),
  ack: z.literal("resume").optional().describe("Also acknowledges what Last-Event-ID names."),
}));

const WatchQuery = strictObject(() => ({
  ...MessageFilter,
  session: SessionId.optional().describe("Changes of this session alone, for those who read everything."),
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
  session: SessionChange,
  limit: LimitChange,
  thread: object(() => ({ id: MessageId })).describe("A person has named, archived or read it."),
  attention: object(() => ({ id: Str, takenBy: Str.nullable() })).describe("A person's note on what waits."),
  bulk: Bulk.describe("It began, went on or ended; in between from time to time."),
  hold: object(() => ({ id: Str })).describe("It was made or lifted, or a session under it was seen to stop."),
  inbox: InboxNews,
  presence: Presence,
  bye: Bye,
};

const FleetAgent = object(() => ({ agentId: Str, cursor: Position, epoch: Int, open: Bool }));
const FleetHello = object(() => ({
  ...{ orchestratorId: Str, epoch: Int, head: Position, firstId: Position },
  agents: z.array(FleetAgent),
}));

/** Events of an orchestrator's stream, by name. */
const FLEET_EVENTS = {
  hello: FleetHello,
  agent: FleetAgent.describe("One that it has enrolled since, or that was restored."),
  "agent-gone": object(() => ({ agentId: Str })),
  message: object(() => ({ for: z.array(Str).describe("Those of its agents whose mail it is."), message: Entry })),
  open: object(() => ({ agentId: Str })).describe("There is work that this agent may claim."),
  reset: object(() => ({ agentId: Str, ...Reset.shape })),
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

export const streamOrchestrator = contracts("Orchestrators")(
  "streamOrchestrator",
  "GET /v1/orchestrators/{id}/inbox/stream",
  {
    summary: "Follow the inboxes of an orchestrator and of the agents that it enrolled",
    description:
      "Events: hello, agent, agent-gone, message (its id is the place to resume from), open, reset, bye. One stream for all of " +
      "them: a message that is for several comes once. Starts after Last-Event-ID, else after `after`, else at the lowest " +
      "stored cursor, without what each has acknowledged.",
    long: true,
    params: strictObject(() => ({ id: OrchestratorId })),
    query: strictObject(() => ({ after: queryInt(0, Number.MAX_SAFE_INTEGER).optional() })),
    answers: { 200: { ...STREAM, events: FLEET_EVENTS } },
    problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
  },
);

export const watchMessages = contracts("Messages")("watchMessages", "GET /v1/messages/stream", {
  summary: "Follow everything the caller may read",
  description:
    "Events: hello, message, work (a change of state), trace, task, delegation, run, announcement, approval, session, limit, thread, attention, bulk, hold, inbox, presence, bye. Starts at the head, or after `after`. " +
    "With `session`: hello, session, bye.",
  long: true,
  query: WatchQuery,
  answers: { 200: { ...STREAM, events: WATCH_EVENTS } },
  problems: ["forbidden"],
});
