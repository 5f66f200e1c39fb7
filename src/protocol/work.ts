import { z } from "zod";
import { AgentId } from "./agents.ts";
import { BODY_BYTES, JSON_BYTES, MESSAGE_KINDS, Message, MessageKind, Topic } from "./messages.ts";
import { ProgressInput, Task } from "./tasks.ts";
import {
  EncodingInput,
  Int,
  jsonObject,
  line,
  listOf,
  NumberPageQuery,
  queryInt,
  StrOrNull,
  Time,
  text,
} from "./wire.ts";

const LeaseSeconds = z.int().min(1).max(86_400);

export const ClaimOne = z.strictObject({ agentId: AgentId.optional(), leaseSeconds: LeaseSeconds.default(600) });
export type ClaimOne = z.input<typeof ClaimOne>;

export const ClaimNext = z.strictObject({
  max: z.int().min(1).max(100).default(1),
  leaseSeconds: LeaseSeconds.default(600),
  waitSeconds: z.int().min(0).max(60).default(0),
  kinds: z.array(MessageKind).min(1).max(MESSAGE_KINDS.length).optional(),
  topics: z.array(Topic).min(1).max(32).optional(),
});
export type ClaimNext = z.input<typeof ClaimNext>;

export const ClaimToken = z.string().max(128).describe("The fencing token of one lease.");
export const Lease = z.object({ token: ClaimToken, attempt: Int, expiresAt: Time });
export type Lease = z.infer<typeof Lease>;

const WithTask = { task: Task.optional().describe("The task that is worked through this message.") };
/** Of a message that goes out through a channel: how far earlier attempts came. null: begun, its end unknown. */
export const Posts = z.array(z.object({ part: Int, externalId: StrOrNull }));

export const Claimed = z.object({ message: Message, claim: Lease, posts: Posts.optional(), ...WithTask });
export type Claimed = z.infer<typeof Claimed>;
export const ClaimedList = z.object({ items: z.array(Claimed) });
export type ClaimedList = z.infer<typeof ClaimedList>;
/** Options of a claim for the messages in its answer. */
export const ClaimQuery = z.strictObject({ include: z.literal("parent").optional() });
export const HeldQuery = z.strictObject({
  ...ClaimQuery.shape,
  ...NumberPageQuery,
  limit: queryInt(1, 500).default(500),
});
export const HeldList = listOf(Claimed);
/** The answer to renew, release, complete, fail, cancel and requeue; `claim` while the lease lives. */
export const WorkAnswer = z.object({ message: Message, claim: Lease.optional(), posts: Posts.optional(), ...WithTask });
export type WorkAnswer = z.infer<typeof WorkAnswer>;

export const Renew = z.strictObject({
  token: ClaimToken,
  leaseSeconds: LeaseSeconds.optional(),
  progress: ProgressInput,
});
export const Release = z.strictObject({
  token: ClaimToken,
  delaySeconds: z
    .int()
    .min(0)
    .max(31 * 86_400)
    .optional(),
  reason: text(4096).optional(),
});
/** What a worker answers with: it reaches the sender as a `response`. */
export const Result = z.strictObject({
  body: text(BODY_BYTES).default(""),
  subject: line(512).nullish(),
  payload: jsonObject(JSON_BYTES).nullish(),
  encoding: EncodingInput,
});
/** A plain text stands for a result with that body. */
const ResultInput = z
  .preprocess((given) => (typeof given === "string" ? { body: given } : given), Result.optional())
  .meta({ description: "A result, or its body alone as text.", shorthand: { type: "string", maxLength: BODY_BYTES } });
export const Complete = z.strictObject({
  token: ClaimToken,
  result: ResultInput,
  externalIds: z
    .array(line(256))
    .max(1000)
    .optional()
    .describe("Of a message that went out through a channel: the platform's ids of what was posted, in order."),
});
export const FAILURES = ["transient", "permanent", "ambiguous"] as const;
export const Fail = z.strictObject({
  token: ClaimToken,
  error: text(4096),
  failure: z
    .enum(FAILURES)
    .optional()
    .describe(
      "transient: surely not done, may work later. permanent: will never work. ambiguous: nobody knows whether it was done. The last two are final.",
    ),
  code: line(64).optional().describe("What went wrong, for programs."),
  retryAfterSeconds: z
    .int()
    .min(0)
    .max(31 * 86_400)
    .optional(),
  final: z.boolean().default(false),
});
export type Renew = z.input<typeof Renew>;
export type ParsedRenew = z.output<typeof Renew>;
export type Release = z.input<typeof Release>;
export type Complete = z.input<typeof Complete>;
export type ParsedComplete = z.output<typeof Complete>;
export type Fail = z.input<typeof Fail>;

export const DeadLetterQuery = z.strictObject({ ...NumberPageQuery });
export const DeadLetter = Message.extend({ error: StrOrNull, diedAt: Time });
export const DeadLetterList = listOf(DeadLetter);
