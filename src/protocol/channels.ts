import { z } from "zod";
import { AgentId, AgentStatus } from "./agents.ts";
import { BODY_BYTES, JSON_BYTES, Message, TargetText } from "./messages.ts";
import { Conversation, FileId, PlatformId } from "./posts.ts";
import { jsonObject, line, listOf, NumberPageQuery, PageQuery, Time, text } from "./wire.ts";
import { Posts } from "./work.ts";

/** Longest excerpt of a quoted message. */
export const QUOTED_BYTES = 16 * 1024;

// --- bindings ---

export const BINDING_MODES = ["exclusive", "claimable", "broadcast"] as const;
export const BindingMode = z.enum(BINDING_MODES);
export type BindingMode = z.infer<typeof BindingMode>;

/** `PUT /v1/channels/{id}/bindings`: an upsert by conversation and target. Without a conversation it is for all of them. */
export const BindingDraft = z
  .strictObject({
    conversationId: PlatformId.nullish(),
    threadId: PlatformId.nullish(),
    target: TargetText,
    mode: BindingMode.optional().describe(
      "exclusive: that agent. claimable: work for one of them. broadcast: all of a group. When left out: exclusive for an agent, broadcast for broadcast, else claimable.",
    ),
    priority: z.int().min(-1000).max(1000).default(0),
    fallback: TargetText.nullish().describe("Who gets it while the target is not there. Nobody else does."),
    replay: z.boolean().default(false).describe("Also route what came in before, unbound: each event once."),
  })
  .refine(({ conversationId, threadId }) => threadId == null || conversationId != null, {
    path: ["threadId"],
    message: "needs the conversationId it belongs to",
  });
export type BindingDraft = z.input<typeof BindingDraft>;
export type ParsedBinding = z.output<typeof BindingDraft>;

export const Binding = z
  .object({
    id: z.string(),
    channelId: z.string(),
    conversationId: z.string().nullable(),
    threadId: z.string().nullable(),
    target: z.string(),
    mode: BindingMode,
    priority: z.int(),
    fallback: z.string().nullable(),
    origin: z.enum(["registered", "set"]).describe("Made by registering the channel agent, or set by an operator."),
    createdAt: Time,
    updatedAt: Time,
    endedAt: Time.nullable().describe(
      "Set when the target was deleted: the binding sends nothing there until it is set again.",
    ),
  })
  .describe("The rule that sends a conversation to a target.");
export type Binding = z.infer<typeof Binding>;

export const SetBinding = Binding.extend({
  replayed: z.int().optional().describe("With replay: how many events were routed by it now."),
  unbound: z.boolean().optional().describe("With replay: whether more are waiting; ask again."),
});
export type SetBinding = z.infer<typeof SetBinding>;
export const BindingList = listOf(Binding);

export const BindingQuery = z.strictObject({
  channel: AgentId.optional(),
  conversation: PlatformId.optional(),
  target: TargetText.optional(),
  ...PageQuery,
});
export type BindingQuery = z.input<typeof BindingQuery>;
export const ChannelBindingQuery = z.strictObject({ conversation: PlatformId.optional(), ...PageQuery });

// --- channels ---

export const Channel = z
  .object({
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
    bindings: z.array(Binding).describe("Those for all conversations."),
    tags: z.array(z.string()),
    meta: z.record(z.string(), z.unknown()).nullable(),
    isDefault: z.boolean().describe("Whether an operator chose it as @default."),
    lastSeenAt: Time,
    createdAt: Time,
  })
  .describe("A chat account behind an adapter.");
export type Channel = z.infer<typeof Channel>;
export const ChannelQuery = z.strictObject({ ...PageQuery, page: AgentId.optional() });
export type ChannelQuery = z.input<typeof ChannelQuery>;
export const ChannelList = listOf(Channel);

export const RouteQuery = z.strictObject({ conversation: PlatformId.optional(), thread: PlatformId.optional() });
export type RouteQuery = z.input<typeof RouteQuery>;

export const RouteReport = z
  .object({
    items: z.array(
      Binding.extend({
        level: z.enum(["thread", "conversation", "default"]),
        used: z.boolean(),
        goesTo: z
          .string()
          .nullable()
          .describe("The target, or the fallback while that is not there; null when not used."),
      }),
    ),
    routed: z.boolean().describe("false: it would be kept for the operator."),
  })
  .describe("Every binding that matches, those that count first; what an event would do now.");
export type RouteReport = z.infer<typeof RouteReport>;

// --- events ---

export const Attachment = z.strictObject({
  name: text(512),
  type: text(255),
  size: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  fileId: FileId,
});

/** `POST /v1/channels/{id}/events`: what came in from the platform. */
export const ChannelEvent = z
  .strictObject({
    type: z.enum(["text", "button", "command", "moved"]).default("text"),
    conversationId: PlatformId,
    threadId: PlatformId.nullish(),
    externalId: PlatformId.describe(
      "The platform's id of it, unique within the channel: reported twice it is one event.",
    ),
    sender: z.strictObject({
      id: PlatformId,
      name: text(512),
      isBot: z
        .boolean()
        .optional()
        .describe("The platform says that no person wrote it: it continues a chain, as messages by agents do."),
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
    meta: jsonObject(JSON_BYTES).nullish(),
  })
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
  });
export type ChannelEvent = z.input<typeof ChannelEvent>;
export type ParsedEvent = z.output<typeof ChannelEvent>;

export const EventAnswer = z.object({
  messages: z.array(Message),
  routed: z.int().describe("How many messages went to bound targets; 0: kept for the operator."),
});
export type EventAnswer = z.infer<typeof EventAnswer>;

export const EventQuery = z.strictObject({
  conversation: PlatformId.optional(),
  unbound: z.literal("true").optional().describe("Those alone that wait for a binding."),
  ...NumberPageQuery,
});
export type EventQuery = z.input<typeof EventQuery>;
export const EventSummary = z.object({
  externalId: z.string(),
  conversation: Conversation,
  messageIds: z.array(z.int()),
  routed: z.int(),
  unbound: z.boolean(),
  receivedAt: Time,
});
export const EventList = listOf(EventSummary);
export type EventSummary = z.infer<typeof EventSummary>;

// --- going out ---

/** `POST /v1/messages/{id}/posts`: one part of it is about to be posted, or (with its external id) was. */
export const PostNote = z.strictObject({
  token: z.string().max(128),
  part: z.int().min(0).max(999).default(0),
  externalId: PlatformId.optional(),
});
export type PostNote = z.input<typeof PostNote>;
/** How far the posting of a message has come. */
export const PostedParts = z.object({ posts: Posts });
export type PostedParts = z.infer<typeof PostedParts>;

// --- the webhook channel ---

/** `PUT /v1/channels/{id}/webhook`: a channel `webhook:<account>` that the relay itself runs. */
export const WebhookChannelDraft = z.strictObject({
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
});
export type WebhookChannelDraft = z.input<typeof WebhookChannelDraft>;
export type ParsedWebhook = z.output<typeof WebhookChannelDraft>;

export const WebhookChannel = z.object({
  channelId: z.string(),
  url: z.string().nullable(),
  verify: z.enum(["standard", "token"]),
  eventsPath: z.string().describe("Where its events are posted to."),
  secret: z.string().optional().describe("`whsec_…`, shown this once."),
  createdAt: Time,
  updatedAt: Time,
});
export type WebhookChannel = z.infer<typeof WebhookChannel>;
