import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { AgentPath } from "./agents.ts";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { TargetText } from "./messages.ts";
import { PlatformId } from "./posts.ts";
import { NAMED, named, namedEnum, object, strictObject } from "./shape.ts";
import { int, listOf, PageQuery, StrOrNull, Time } from "./wire.ts";

export const BINDING_MODES = ["exclusive", "claimable", "broadcast"] as const;
export const BindingMode = z.enum(BINDING_MODES).register(NAMED, { id: "BindingMode" });
export type BindingMode = z.infer<typeof BindingMode>;

export const BINDING_TOPICS = ["none", "per-session"] as const;
export const BindingTopics = namedEnum(
  "BindingTopics",
  "per-session: what is said outside of topics and threads begins one of its own, and with it a session.",
  BINDING_TOPICS,
);

/** `PUT /v1/channels/{id}/bindings`: an upsert by conversation and target. Without a conversation it is for all of them. */
export const BindingDraft = strictObject(() => ({
  conversationId: PlatformId.nullish(),
  threadId: PlatformId.nullish(),
  target: TargetText,
  mode: BindingMode.optional().describe(
    "exclusive: that agent. claimable: work for one of them. broadcast: all of a group. When left out: exclusive for an agent, broadcast for broadcast, else claimable.",
  ),
  priority: int(-1000, 1000).default(0),
  fallback: TargetText.nullish().describe("Who gets it while the target is not there. Nobody else does."),
  topics: BindingTopics.optional().describe("As before when left out; else none."),
  also: z
    .array(TargetText)
    .max(16)
    .optional()
    .describe(
      "Agents that a single message is for: one that begins with @agent or /ask agent. By id, or as orchestrator:<id>/<provider>. As before when left out.",
    ),
  replay: z.boolean().default(false).describe("Also route what came in before, unbound: each event once."),
}))
  .refine(({ conversationId, threadId }) => threadId == null || conversationId != null, {
    path: ["threadId"],
    message: "needs the conversationId it belongs to",
  })
  .register(NAMED, { id: "BindingDraft" });
export type BindingDraft = z.input<typeof BindingDraft>;
export type ParsedBinding = z.output<typeof BindingDraft>;

export const Binding = named("Binding", "The rule that sends a conversation to a target.", () => ({
  id: z.string(),
  channelId: z.string(),
  conversationId: z.string().nullable(),
  threadId: z.string().nullable(),
  target: z.string(),
  mode: BindingMode,
  priority: z.int(),
  fallback: z.string().nullable(),
  topics: BindingTopics,
  also: z.array(z.string()).describe("Agents that a single message may be for."),
  origin: z.enum(["registered", "set"]).describe("Made by registering the channel agent, or set by an operator."),
  createdAt: Time,
  updatedAt: Time,
  endedAt: Time.nullable().describe(
    "Set when the target was deleted: the binding sends nothing there until it is set again.",
  ),
}));
export type Binding = z.infer<typeof Binding>;

export const SetBinding = object(() => ({
  ...Binding.shape,
  replayed: z.int().optional().describe("With replay: how many events were routed by it now."),
  unbound: z.boolean().optional().describe("With replay: whether more are waiting; ask again."),
})).register(NAMED, { id: "SetBinding" });
export type SetBinding = z.infer<typeof SetBinding>;
export const BindingList = listOf(Binding).register(NAMED, { id: "BindingList" });

export const BindingQuery = strictObject(() => ({
  channel: AgentId.optional(),
  conversation: PlatformId.optional(),
  target: TargetText.optional(),
  ...PageQuery,
}));
export type BindingQuery = z.input<typeof BindingQuery>;
export const ChannelBindingQuery = strictObject(() => ({ conversation: PlatformId.optional(), ...PageQuery }));

export const RouteQuery = strictObject(() => ({ conversation: PlatformId.optional(), thread: PlatformId.optional() }));
export type RouteQuery = z.input<typeof RouteQuery>;

export const RouteReport = object(() => ({
  items: z.array(
    Binding.extend({
      level: z.enum(["thread", "conversation", "default"]),
      used: z.boolean(),
      goesTo: StrOrNull.describe("The target, or the fallback while that is not there; null when not used."),
    }),
  ),
  routed: z.boolean().describe("false: it would be kept for the operator."),
}))
  .describe("Every binding that matches, those that count first; what an event would do now.")
  .register(NAMED, { id: "RouteReport" });
export type RouteReport = z.infer<typeof RouteReport>;

const contract = contracts("Channels");
const BindingPath = strictObject(() => ({ id: AgentId, bindingId: z.string().max(64) }));

export const listBindings = contract("listBindings", "GET /v1/bindings", {
  ...paged(BindingQuery, BindingList, "A page, oldest first."),
  summary: "List bindings of all channels",
  description: "An agent sees those that send something to it, and those of its own channel.",
});

export const listChannelBindings = contract("listChannelBindings", "GET /v1/channels/{id}/bindings", {
  ...at(AgentPath, BindingList, "A page, oldest first."),
  summary: "List bindings of one channel",
  query: ChannelBindingQuery,
});

export const setBinding = contract("setBinding", "PUT /v1/channels/{id}/bindings", {
  summary: "Bind a conversation, or a whole channel, to a target",
  description: "An upsert by conversation and target. With replay, what came in before is sent there too, once.",
  params: AgentPath,
  body: BindingDraft,
  example: { conversationId: "-100200", target: "reviewer", mode: "exclusive" },
  repeatable: true,
  answers: made(SetBinding, "New.", "Was there, and is changed."),
  problems: ["forbidden", "not-found", "unknown-target", "conflict"],
});

export const removeBinding = contract("removeBinding", "DELETE /v1/channels/{id}/bindings/{bindingId}", {
  ...gone(BindingPath),
  summary: "End a binding",
});

export const explainRoute = contract("explainRoute", "GET /v1/channels/{id}/route", {
  ...at(AgentPath, RouteReport, "Every matching binding, those that count first."),
  summary: "Explain how a conversation's events are routed",
  query: RouteQuery,
});
