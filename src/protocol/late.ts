import { z } from "zod";
import { contracts } from "./contract.ts";
import { Impossible, LADDER, TextParts } from "./explain.ts";
import { FacetQuery } from "./facets.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Bool, MessageId, Str, StrOrNull, Time, TimeOrNull } from "./wire.ts";

/** A message on its way, and how far it came. */
export const WatchedMessage = named("WatchedMessage", "A message that has not come to its end.", () => ({
  id: MessageId,
  threadId: MessageId,
  from: Str,
  person: StrOrNull,
  to: Str,
  title: StrOrNull.describe("Its subject, or the beginning of its body; null where it is encrypted."),
  createdAt: Time,
  reached: z.enum(LADDER).describe("The furthest step, of a group the furthest of any member."),
  missing: z.enum(LADDER).describe("The step that it waits for."),
  impossible: Impossible,
  agentId: StrOrNull.describe("Recipient that it came furthest with."),
  at: Time.describe("When it reached that step, or the latest that is known."),
  lateAt: TimeOrNull.describe("When it is, or was, late; null while an agent works on it."),
  isLate: Bool,
  sentence: Str.describe("What happened, in words. Times are UTC."),
  parts: TextParts,
}));
export type WatchedMessage = z.infer<typeof WatchedMessage>;

const WatchedMessages = z
  .object({
    items: z.array(WatchedMessage).describe("Those that are late first, the latest before the others."),
    more: Bool.describe("true: not all were looked at."),
  })
  .register(NAMED, { id: "WatchedMessageList" });

const LateQuery = strictObject(() => ({ project: FacetQuery.project }));

export const listLateMessages = contracts("Console")("listLateMessages", "GET /v1/messages/late", {
  summary: "List messages to watch: those that are late first",
  description:
    "Messages by people and open requests of the last 24 hours that have not come to their end. A message is late when the next " +
    "step takes more than 10 minutes: not offered, offered and in no turn, in a turn that has ended and not answered. " +
    "At most 30 of each: requests with the nearest deadline, and the newest messages.",
  query: LateQuery,
  answers: { 200: { description: "Messages to watch.", schema: WatchedMessages } },
  problems: ["forbidden"],
});
