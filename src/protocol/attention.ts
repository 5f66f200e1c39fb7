import { z } from "zod";
import { at, contracts, paged } from "./contract.ts";
import { PersonId } from "./people.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Bool, Int, line, Str, StrOrNull, Time, TimeInput, TimeOrNull } from "./wire.ts";

/** Kinds of things that wait for a person. */
export const ATTENTION_KINDS = ["approval", "blocked", "dead", "stuck", "away", "loop", "conflict", "webhook"] as const;
const AttentionKind = z.enum(ATTENTION_KINDS).register(NAMED, { id: "AttentionKind" });
export type AttentionKind = z.infer<typeof AttentionKind>;

/** One thing that waits for a person, or several of one cause. */
export const Attention = named("Attention", "Something that waits for a person.", () => ({
  id: z.string().describe("`<kind>:<what>`; the same for as long as it waits."),
  kind: AttentionKind,
  since: Time,
  count: Int.describe("How many of one cause it stands for."),
  holdsUp: z.array(Str).describe("Agents and people that wait behind it, without repeats."),
  subject: z
    .object({
      ...{ agentId: StrOrNull, title: Str, project: StrOrNull, approvalId: StrOrNull, announcementId: StrOrNull },
      ...{
        messageId: Int.nullable(),
        runId: StrOrNull,
        sessionId: StrOrNull,
        orchestratorId: StrOrNull,
        webhookId: StrOrNull,
      },
    })
    .describe("What it is about."),
  reason: z.string().describe("A sentence: why it waits."),
  actions: z
    .array(z.enum(["answer", "retry", "dismiss", "requeue", "cancel", "peek", "interrupt", "kill", "resume", "tell"]))
    .describe("Verbs that end it."),
  takenBy: StrOrNull.describe("Person who has said that they see to it."),
  takenAt: TimeOrNull,
  handedTo: StrOrNull.describe("Person that it was handed to."),
  snoozedUntil: TimeOrNull,
}));
export type Attention = z.infer<typeof Attention>;

const AttentionQuery = strictObject(() => ({
  kind: AttentionKind.optional(),
  project: line(256).optional(),
  snoozed: z.enum(["true", "false"]).default("false").describe("Those that are snoozed, too."),
}));
const AttentionList = z
  .object({
    items: z.array(Attention).describe("Most held up first, then the oldest."),
    more: Bool.describe("true: there are more than these."),
  })
  .register(NAMED, { id: "AttentionList" });

const Path = strictObject(() => ({ id: line(300).describe("Id of the item.") }));
const Snooze = strictObject(() => ({ until: TimeInput.nullable().describe("null: shown again at once.") }));
const Take = strictObject(() => ({ release: z.boolean().optional().describe("Nobody has it any more.") }));
const Hand = strictObject(() => ({ personId: PersonId }));

const contract = contracts("Console");

export const listAttention = contract("listAttention", "GET /v1/attention", {
  ...paged(AttentionQuery, AttentionList, "At most 500."),
  summary: "List everything that waits for a person",
});

export const takeAttention = contract("takeAttention", "POST /v1/attention/{id}/take", {
  ...at(Path, Attention, "It is yours."),
  summary: "Say that you see to it",
  body: Take,
  bodyOptional: true,
  example: {},
  repeatable: true,
});

export const snoozeAttention = contract("snoozeAttention", "POST /v1/attention/{id}/snooze", {
  ...at(Path, Attention, "Snoozed."),
  summary: "Hide it until a time",
  body: Snooze,
  example: { until: "2027-01-01T08:00:00.000Z" },
  repeatable: true,
});

export const handAttention = contract("handAttention", "POST /v1/attention/{id}/hand", {
  ...at(Path, Attention, "Handed over."),
  summary: "Hand it to a person, who is told",
  body: Hand,
  example: { personId: "ada" },
  repeatable: true,
});
