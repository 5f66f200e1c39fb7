import { z } from "zod";
import { at, contracts, paged } from "./contract.ts";
import { Conversation } from "./posts.ts";
import { RunCause, RunId, RunRequester, TurnId } from "./runs.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { Bool, Int, line, listOf, MessageId, NumberPageQuery, Str, StrOrNull, Time, TimeOrNull } from "./wire.ts";

export const AnnouncementId = z
  .string()
  .regex(/^ann_[a-z0-9]{1,40}$/, "has to be the id of an announcement, like ann_0mf3k2j1a7x2c9q4b0d8")
  .describe("ann_...");

export const ANNOUNCEMENT_STATE = ["waiting", "sent", "acknowledged", "silent", "blocked", "dismissed"] as const;
export const AnnouncementState = namedEnum(
  "AnnouncementState",
  "waiting: children of the run are not settled. sent: in the requester's inbox, or queued for its chat. blocked: kept " +
    "until it is retried or dismissed.",
  ANNOUNCEMENT_STATE,
);
export type AnnouncementState = z.infer<typeof AnnouncementState>;

/** Place that gets the result: an agent's inbox, or a chat. */
export const AnnouncementRoute = object(() => ({
  to: Str.describe("The agent, or the channel's agent."),
  conversation: Conversation.optional(),
  by: z.enum(["requester", "deliverTo", "binding", "origin", "recent", "user", "retargeted"]),
}));
export type AnnouncementRoute = z.infer<typeof AnnouncementRoute>;

export const Announcement = named("Announcement", "Delivery of a finished run's result to the requester.", () => ({
  id: AnnouncementId,
  runId: RunId,
  turnId: TurnId,
  requester: RunRequester,
  route: AnnouncementRoute.nullable(),
  state: AnnouncementState,
  reason: StrOrNull.describe(
    "Of blocked: requester-gone, loop-paused, permanent:<code>, ambiguous, expired. Of dismissed: superseded, aborted, " +
      "cancelled, retention, or by whom.",
  ),
  late: Bool,
  messageId: MessageId.nullable(),
  externalIds: z.array(Str),
  createdAt: Time,
  endedAt: TimeOrNull,
}));
export type Announcement = z.infer<typeof Announcement>;
export const AnnouncementList = listOf(Announcement).register(NAMED, { id: "AnnouncementList" });

export const AnnouncementQuery = strictObject(() => ({
  state: AnnouncementState.optional(),
  run: RunId.optional(),
  requester: line(512).optional().describe("An agent, a run, or channelId/conversationId of a chat."),
  ...NumberPageQuery,
}));
export type AnnouncementQuery = z.input<typeof AnnouncementQuery>;

/** Instruction to the requester's model. deliver: a person waits for it. update: for its own orchestration. quiet: silence is fine. */
export const AnnouncementInstruction = z.enum(["deliver", "update", "quiet"]);
export type AnnouncementInstruction = z.infer<typeof AnnouncementInstruction>;

const Delivered = object(() => ({ cut: Bool, fileId: Str.optional() }));
const Status = z.enum(["ok", "error", "timeout", "aborted", "unknown"]);

/** Result of a run that the announced run asked for. */
export const AnnouncementFinding = object(() => ({
  runId: Str,
  agentId: Str,
  label: StrOrNull,
  task: StrOrNull,
  status: Status,
  statusText: StrOrNull,
  result: object(() => ({ text: Str, ...Delivered.shape })),
}));
export type AnnouncementFinding = z.infer<typeof AnnouncementFinding>;

/** `payload.announcement` of an announcement. Its body is the result. */
export const AnnouncementFacts = object(() => ({
  announcementId: Str,
  runId: Str,
  source: RunCause,
  agentId: Str,
  sessionKey: Str,
  task: StrOrNull.describe("null when the clients have encrypted it."),
  label: StrOrNull,
  status: Status,
  statusText: StrOrNull.describe("Error of the run, in the words of its runner."),
  late: Bool,
  result: Delivered,
  findings: z.array(AnnouncementFinding),
  findingsLeftOut: Int,
  stats: object(() => ({
    runtimeSeconds: z.number().nullable(),
    inputTokens: Int,
    outputTokens: Int,
    cacheTokens: Int,
    costUsd: z.number(),
  })),
  instruction: AnnouncementInstruction,
  forRunId: StrOrNull.optional().describe(
    "The run that asked for it and is told now; null when that has ended, or none asked.",
  ),
})).register(NAMED, { id: "AnnouncementFacts" });
export type AnnouncementFacts = z.infer<typeof AnnouncementFacts>;

const Path = strictObject(() => ({ id: AnnouncementId }));
const contract = contracts("Announcements");

export const listAnnouncements = contract("listAnnouncements", "GET /v1/announcements", {
  ...paged(AnnouncementQuery, AnnouncementList, "A page; it may be short where much had to be passed over."),
  summary: "List announcements, newest first",
  problems: ["forbidden", "superseded"],
});

export const getAnnouncement = contract("getAnnouncement", "GET /v1/announcements/{id}", {
  ...at(Path, Announcement, "The announcement."),
  summary: "Get an announcement",
  problems: ["forbidden", "superseded", "not-found"],
});

export const retryAnnouncement = contract("retryAnnouncement", "POST /v1/announcements/{id}/retry", {
  ...at(Path, Announcement, "Sent again, or blocked again with its reason."),
  summary: "Look up the route of a blocked announcement anew, and send it",
  problems: ["forbidden", "superseded", "not-found", "not-open"],
});

export const dismissAnnouncement = contract("dismissAnnouncement", "POST /v1/announcements/{id}/dismiss", {
  ...at(Path, Announcement, "Dismissed."),
  summary: "Dismiss an announcement",
  repeatable: true,
  problems: ["forbidden", "superseded", "not-found", "not-open"],
});
