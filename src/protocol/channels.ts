import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath, AgentStatus } from "./agents.ts";
import { Binding } from "./bindings.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { BODY_BYTES, JSON_BYTES } from "./limits.ts";
import { Message, TargetText } from "./messages.ts";
import { Conversation, FileId, PlatformId } from "./posts.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { Bool, int, jsonObject, line, listOf, MessagePath, NumberPageQuery, PageQuery, Time, text } from "./wire.ts";
import { Posts } from "./work.ts";

/** Longest excerpt of a quoted message. */
export const QUOTED_BYTES = 16 * 1024;

export const ChannelAccess = namedEnum(
  "ChannelAccess",
  "open: everyone who can write there is heard. listed: guests alone; what others write is recorded and reaches no agent.",
  ["open", "listed"],
);
export type ChannelAccess = z.infer<typeof ChannelAccess>;

export const Channel = named("Channel", "A chat account behind an adapter.", () => ({
  id: z.string().describe("Its agent's id: provider:accountId."),
  name: z.string(),
  provider: z.string(),
  transport: z.string(),
  agentId: z.string(),
  accountId: z.string(),
  status: AgentStatus,
  ready: z.boolean(),
  direction: z.enum(["inbound", "outbound", "bidirectional"]),
  topics: z.array(z.string()).describe("What may be sent to it without a conversation."),
  capabilities: z.array(z.string()),
  access: object(() => ({
    mode: ChannelAccess,
    warning: z.string().nullable().describe("Set where everyone reaches an agent that runs on a machine."),
  })),
  bindings: z.array(Binding).describe("Those for all conversations."),
  tags: z.array(z.string()),
  meta: z.record(z.string(), z.unknown()).nullable(),
  isDefault: z.boolean().describe("Whether an operator chose it as @default."),
  lastSeenAt: Time,
  createdAt: Time,
}));
export type Channel = z.infer<typeof Channel>;
export const ChannelQuery = strictObject(() => ({ ...PageQuery, page: AgentId.optional() }));
export type ChannelQuery = z.input<typeof ChannelQuery>;
export const ChannelList = listOf(Channel).register(NAMED, { id: "ChannelList" });

export const Attachment = strictObject(() => ({
  name: text(512),
  type: text(255),
  size: int(0, Number.MAX_SAFE_INTEGER),
  fileId: FileId,
})).register(NAMED, { id: "Attachment" });

/** `POST /v1/channels/{id}/events`: what came in from the platform. */
export const ChannelEvent = strictObject(() => ({
  type: z.enum(["text", "button", "command", "moved"]).default("text"),
  conversationId: PlatformId,
  threadId: PlatformId.nullish(),
  externalId: PlatformId.describe(
    "The platform's id of it, unique within the channel: reported twice it is one event.",
  ),
  sender: z.strictObject({
    id: PlatformId,
    name: text(512),
    isBot: Bool.optional().describe(
      "The platform says that no person wrote it: it continues a chain, as messages by agents do.",
    ),
  }),
  text: text(BODY_BYTES).nullish(),
  forwardedFrom: text(512).nullish().describe("Original author of forwarded content."),
  quoted: text(QUOTED_BYTES).nullish().describe("The part of another message that the sender answers."),
  button: z.strictObject({ id: line(256), text: text(512).optional() }).nullish(),
  attachments: z.array(Attachment).max(32).nullish(),
  replyToExternalId: PlatformId.nullish(),
  movedTo: PlatformId.nullish().describe(
    "With type moved: the new id of conversationId. Its bindings, its waiting posts and answers to it go there.",
  ),
  opens: PlatformId.nullish().describe("Thread that begins under this message, where the platform has such."),
  inForum: Bool.optional().describe("The chat has topics, and this stands in none that the bot could answer in apart."),
  private: Bool.optional().describe(
    "The platform says that the chat is between the sender and the bot alone. A stranger is told a code there.",
  ),
  meta: jsonObject(JSON_BYTES).nullish(),
}))
  .superRefine((event, ctx) => {
    const issue = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
    if (event.type === "button" && !event.button) issue("button", "is missing");
    if (event.type !== "button" && event.button) issue("button", "belongs to type button");
    if (event.type === "command" && !event.text) issue("text", "is missing");
    if (event.type === "moved" && event.movedTo == null) issue("movedTo", "is missing");
    if (event.type !== "moved" && event.movedTo != null) issue("movedTo", "belongs to type moved");
    if (event.movedTo === event.conversationId) issue("movedTo", "is the conversation itself: name its new id");
    if (event.type === "text" && !event.text && !event.attachments?.length)
      issue("text", "is missing, and so are attachments");
  })
  .register(NAMED, { id: "ChannelEvent" });
export type ChannelEvent = z.input<typeof ChannelEvent>;
export type ParsedEvent = z.output<typeof ChannelEvent>;

export const EventAnswer = object(() => ({
  messages: z.array(Message),
  routed: z.int().describe("How many messages went to bound targets; 0: kept for the operator."),
})).register(NAMED, { id: "EventAnswer" });
export type EventAnswer = z.infer<typeof EventAnswer>;

export const EventQuery = strictObject(() => ({
  conversation: PlatformId.optional(),
  unbound: z.literal("true").optional().describe("Those alone that wait for a binding."),
  strangers: z.literal("true").optional().describe("Those alone of senders that were no guests."),
  ...NumberPageQuery,
}));
export type EventQuery = z.input<typeof EventQuery>;
export const EventSummary = object(() => ({
  externalId: z.string(),
  conversation: Conversation,
  messageIds: z.array(z.int()),
  routed: z.int(),
  unbound: z.boolean(),
  stranger: z.boolean().describe("Its sender was no guest: it went to no agent."),
  receivedAt: Time,
})).register(NAMED, { id: "EventSummary" });
export const EventList = listOf(EventSummary).register(NAMED, { id: "EventList" });
export type EventSummary = z.infer<typeof EventSummary>;

/** `POST /v1/messages/{id}/posts`: one part of it is about to be posted, or (with its external id) was. */
export const PostNote = strictObject(() => ({
  token: z.string().max(128),
  part: int(0, 999).default(0),
  externalId: PlatformId.optional(),
  mark: PlatformId.optional().describe(
    "Id by which the adapter will recognise the part, known before anything is visible: such as that of an uploaded file.",
  ),
})).register(NAMED, { id: "PostNote" });
export type PostNote = z.input<typeof PostNote>;
/** Progress of posting a message. */
export const PostedParts = object(() => ({ posts: Posts })).register(NAMED, { id: "PostedParts" });
export type PostedParts = z.infer<typeof PostedParts>;

/** `PUT /v1/channels/{id}/webhook`: a channel `webhook:<account>` that the relay itself runs. */
export const WebhookChannelDraft = strictObject(() => ({
  name: line(128).optional().describe("Its display name."),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullish()
    .describe("Where its messages are posted to, signed as Standard Webhooks says."),
  verify: z
    .enum(["standard", "token"])
    .default("standard")
    .describe("How an event shows that it is its own: signed (Standard Webhooks), or the secret as a bearer token."),
  direction: z.enum(["inbound", "outbound", "bidirectional"]).optional().describe("Without a url: inbound."),
  topics: z.array(line(128)).max(64).optional(),
  target: TargetText.optional().describe("A default binding, as registering a channel agent makes it."),
  rotate: z.boolean().default(false).describe("Make a new secret; the old one is good no more."),
})).register(NAMED, { id: "WebhookChannelDraft" });
export type WebhookChannelDraft = z.input<typeof WebhookChannelDraft>;
export type ParsedWebhook = z.output<typeof WebhookChannelDraft>;

export const WebhookChannel = object(() => ({
  channelId: z.string(),
  url: z.string().nullable(),
  verify: z.enum(["standard", "token"]),
  eventsPath: z.string().describe("Where its events are posted to."),
  secret: z.string().optional().describe("`whsec_…`, shown this once."),
  createdAt: Time,
  updatedAt: Time,
})).register(NAMED, { id: "WebhookChannel" });
export type WebhookChannel = z.infer<typeof WebhookChannel>;

const contract = contracts("Channels");
const choosing = {
  params: AgentPath,
  repeatable: true,
  answers: { 200: { description: "The channel as it is now.", schema: Channel } },
  problems: ["forbidden", "not-found"] as const,
};

export const putWebhookChannel = contract("putWebhookChannel", "PUT /v1/channels/{id}/webhook", {
  summary: "Create or change a channel that needs no adapter: webhook:<account>",
  description:
    "The body is the whole of it; its channel agent is made with it. Its events are posted to `eventsPath`, signed or with the secret as a token; its messages are posted to `url`, signed.",
  params: AgentPath,
  body: WebhookChannelDraft,
  example: { url: "https://example.org/chat", target: "reviewer" },
  answers: {
    200: { description: "Changed; with `secret` when a new one was made.", schema: WebhookChannel },
    201: { description: "Made; `secret` is shown this once.", schema: WebhookChannel },
  },
  problems: ["forbidden", "conflict", "group-not-allowed"],
});

export const getWebhookChannel = contract("getWebhookChannel", "GET /v1/channels/{id}/webhook", {
  ...at(AgentPath, WebhookChannel, "As it is."),
  summary: "Get a webhook channel's settings, without its secret",
});

export const listChannels = contract("listChannels", "GET /v1/channels", {
  ...paged(ChannelQuery, ChannelList),
  summary: "List channels: ready ones first, then by name",
});

export const getChannel = contract("getChannel", "GET /v1/channels/{id}", {
  ...at(AgentPath, Channel, "The channel."),
  summary: "Get a channel",
});

export const chooseDefaultChannel = contract("chooseDefaultChannel", "PUT /v1/channels/{id}/default", {
  ...choosing,
  summary: "Make a channel @default",
});

export const unchooseDefaultChannel = contract("unchooseDefaultChannel", "DELETE /v1/channels/{id}/default", {
  ...choosing,
  summary: "Let the oldest channel be @default again",
});

export const reportEvent = contract("reportEvent", "POST /v1/channels/{id}/events", {
  summary: "Report an event of a channel, for adapters",
  description: "Idempotent by externalId: reported again, whatever its content, it is answered with what it became.",
  params: AgentPath,
  body: ChannelEvent,
  example: {
    conversationId: "-100200",
    externalId: "5417",
    sender: { id: "77", name: "Ann" },
    text: "Is it done?",
  },
  repeatable: true,
  answers: made(EventAnswer, "Stored, and sent to whom its conversation is bound to.", "It was reported before."),
  problems: ["forbidden", "not-found", "conflict", "reserved"],
});

export const listEvents = contract("listEvents", "GET /v1/channels/{id}/events", {
  ...at(AgentPath, EventList, "A page."),
  summary: "List a channel's events, newest first",
  query: EventQuery,
});

export const notePost = contract("notePost", "POST /v1/messages/{id}/posts", {
  ...at(MessagePath, PostedParts, "All parts so far."),
  summary: "Note that a part of a message is about to be posted, or was, for adapters",
  description: "The next claimer of the message sees how far it came, and posts nothing twice.",
  body: PostNote,
  example: { token: "clm_1_1", part: 0, externalId: "5418" },
  repeatable: true,
  problems: ["forbidden", "not-found", "not-claimable", "claim-lost"],
});
