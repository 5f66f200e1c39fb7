import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { BODY_BYTES } from "./limits.ts";
import { NAMED, object, strictObject } from "./shape.ts";
import { line, MessageId, text } from "./wire.ts";

/** Schema of every message to a channel. The other schemas of channels are loaded only where a channel exists. */

/** A platform's own id of a chat, thread or message, as text. */
export const PlatformId = line(256);
export const FileId = z.string().max(64);

/** One chat of a channel, or one thread in it. The only way to name a chat. */
export const Conversation = object(() => ({
  channelId: z.string(),
  conversationId: z.string(),
  threadId: z.string().optional(),
})).register(NAMED, { id: "Conversation" });
export type Conversation = z.infer<typeof Conversation>;

const Button = strictObject(() => ({
  text: line(256),
  id: line(256).optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional(),
})).refine(({ id, url }) => (id === undefined) !== (url === undefined), "needs an id or a url, and not both");

/** Payload of a message to a channel agent. Other members are handed on unchanged. */
export const OutboundPayload = z.looseObject({
  conversation: z
    .strictObject({ channelId: AgentId.optional(), conversationId: PlatformId, threadId: PlatformId.nullish() })
    .nullish(),
  replyToExternalId: PlatformId.nullish(),
  text: text(BODY_BYTES).nullish(),
  files: z
    .array(
      z.strictObject({
        fileId: FileId,
        name: text(512).optional(),
        type: text(255).optional(),
        size: z.int().optional(),
      }),
    )
    .max(32)
    .nullish(),
  createTopic: z.strictObject({ name: line(128) }).nullish(),
  buttons: z.array(z.array(Button).min(1).max(8)).max(32).nullish(),
  /** Changes an earlier post of the same sender in place; `text` there instead of the message's own. */
  edit: z.strictObject({ messageId: MessageId, text: text(BODY_BYTES).optional() }).nullish(),
});
export type OutboundPayload = z.output<typeof OutboundPayload>;
