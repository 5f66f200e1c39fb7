import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { at, contracts } from "./contract.ts";
import { NAMED, object, strictObject, words } from "./shape.ts";
import { MessageId, MessagePath, PageQuery, Str, Time, TimeOrNull } from "./wire.ts";

export const STEPS = [
  ...words("stored matched offered acknowledged read claimed renewed released failed lease-expired completed answered"),
  ...words("expired dead cancelled requeued scheduled traced paused resumed in-turn named"),
  ...words("task delegated timed-out routed posted waiting not-needed called announced dismissed run approval"),
] as const;
export const Fact = z
  .looseObject({ at: Time, step: z.enum(STEPS) })
  .describe("One thing that happened, and its details.");
export type Fact = z.infer<typeof Fact>;
/** Steps of a message's way to its end: the five marks of a ladder. */
export const LADDER = ["stored", "routed", "offered", "in-turn", "answered"] as const;
export const Impossible = z
  .array(z.enum(LADDER))
  .describe("Steps that the agent has no means to report. A ladder leaves their marks out.");
export const TextParts = z
  .array(z.union([Str, object(() => ({ at: Time }))]))
  .describe("The sentence in parts: words, and times for the reader's clock.");

export const RecipientStory = object(() => ({
  agentId: Str,
  step: z.enum(STEPS).describe("How far it got with this agent. `named`: it is the cause of a message by this agent."),
  at: TimeOrNull,
  impossible: Impossible,
  sentence: Str.describe("Times are UTC."),
  parts: TextParts,
}));
export type RecipientStory = z.infer<typeof RecipientStory>;
export const Explanation = object(() => ({
  messageId: MessageId,
  facts: z.array(Fact),
  recipients: z.array(RecipientStory),
  nextPage: z.string().nullable().describe("More recipients."),
})).register(NAMED, { id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;
export const ExplainQuery = strictObject(() => ({ ...PageQuery, page: AgentId.optional() }));

export const explainMessage = contracts("Messages")("explainMessage", "GET /v1/messages/{id}/explain", {
  ...at(MessagePath, Explanation, "Its story."),
  summary: "Explain what became of a message",
  description: "Facts in order of time, and one plain sentence for each recipient.",
  query: ExplainQuery,
});
