import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { ANNOUNCEMENT_STATE, AnnouncementId } from "./announcements.ts";
import { ApprovalId, ApprovalKind } from "./approvals.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { FacetQuery } from "./facets.ts";
import { MessageKind } from "./messages.ts";
import { RunId } from "./runs.ts";
import { NAMED, named, namedEnum, object, strictObject, words } from "./shape.ts";
import { Int, line, listOf, MessageId, PageQuery, Position, Str, StrOrNull, Time, TimeOrNull, text } from "./wire.ts";

/** Items that one filter names. */
export const MAX_BULK_IDS = 1000;

export const BulkId = z
  .string()
  .regex(/^blk_[a-z0-9]{1,40}$/, "has to be the id of a bulk action, like blk_0mf3k2j1a7x2c9q4b0d8")
  .describe("blk_...");

export const BULK_ACTIONS = ["requeue", "cancel", "archive", "dismiss", "answer"] as const;
export const BulkAction = z.enum(BULK_ACTIONS).register(NAMED, { id: "BulkAction" });
export type BulkAction = z.infer<typeof BulkAction>;

export const BULK_STATES = ["counting", "running", "done", "stopped"] as const;
export const BulkState = namedEnum(
  "BulkState",
  "counting: what matches is still counted, and nothing was done. stopped: by a person, or because the token that began it ended.",
  BULK_STATES,
);
export type BulkState = z.infer<typeof BulkState>;

const some = <Id extends z.ZodType>(id: Id) => z.array(id).min(1).max(MAX_BULK_IDS).optional().describe("These alone.");
const before = MessageId.optional().describe("Messages before this one.");
const after = Position.optional().describe("Messages after this one.");

const onWork = () => ({
  ids: some(MessageId),
  target: line(512).optional(),
  topic: line(256).optional(),
  kind: MessageKind.optional(),
  thread: MessageId.optional(),
  from: AgentId.optional(),
  before,
  after,
  error: text(4096).nullable().optional().describe("Whose last attempt ended in this error; null: in none."),
  sameAs: MessageId.optional().describe("Of the same target and error as this dead letter."),
  ...FacetQuery,
});

const RequeueFilter = strictObject(onWork);
const OPEN_STATES = ["open", "delayed", "claimed", "dead"] as const;
const CancelFilter = strictObject(() => ({
  ...onWork(),
  states: z
    .array(z.enum(OPEN_STATES))
    .min(1)
    .max(OPEN_STATES.length)
    .default(["open", "delayed"])
    .describe("claimed: also work that somebody holds. dead: also dead letters."),
}));
const ArchiveFilter = strictObject(() => ({
  ids: some(MessageId),
  participant: AgentId.optional(),
  before: MessageId.optional().describe("Threads whose newest message came before this one."),
  after: Position.optional().describe("Threads whose newest message came after this one."),
  ...FacetQuery,
}));
const PENDING = ANNOUNCEMENT_STATE.filter((state) => state === "waiting" || state === "sent" || state === "blocked");
const DismissFilter = strictObject(() => ({
  ids: some(AnnouncementId),
  state: z.enum(PENDING).optional(),
  run: RunId.optional(),
  requester: line(512).optional(),
}));
const AnswerFilter = strictObject(() => ({
  ids: some(ApprovalId),
  kind: ApprovalKind.optional(),
  agent: AgentId.optional(),
  run: RunId.optional(),
  project: FacetQuery.project,
  hash: line(64).optional().describe("Of this very subject."),
}));

/** `POST /v1/bulk`. An empty filter means all. */
export const BulkDraft = z
  .discriminatedUnion("action", [
    strictObject(() => ({ action: z.literal("requeue"), filter: RequeueFilter })),
    strictObject(() => ({ action: z.literal("cancel"), filter: CancelFilter })),
    strictObject(() => ({ action: z.literal("archive"), filter: ArchiveFilter })),
    strictObject(() => ({ action: z.literal("dismiss"), filter: DismissFilter })),
    strictObject(() => ({ action: z.literal("answer"), filter: AnswerFilter, decision: z.enum(["allow", "deny"]) })),
  ])
  .register(NAMED, { id: "BulkDraft" });
export type BulkDraft = z.input<typeof BulkDraft>;
export type ParsedBulk = z.output<typeof BulkDraft>;
export type BulkFilter<A extends BulkAction = BulkAction> = Extract<ParsedBulk, { action: A }>["filter"];

export const Bulk = named("Bulk", "One action on everything that a filter matches.", () => ({
  id: BulkId,
  action: BulkAction,
  filter: z.record(Str, z.unknown()),
  decision: z.enum(["allow", "deny"]).nullable().describe("Of answer."),
  state: BulkState,
  matched: Int.describe("Items that the filter matched at its start; it grows while `state` is `counting`."),
  done: Int,
  failed: Int,
  skipped: Int.describe("Items that matched, and did so no more when it was their turn."),
  failures: z
    .array(object(() => ({ id: Str, code: Str, detail: Str })))
    .describe("The first 10 refusals, as a single call would have got them."),
  reason: StrOrNull.describe("Of stopped."),
  person: StrOrNull,
  createdAt: Time,
  endedAt: TimeOrNull,
}));
export type Bulk = z.infer<typeof Bulk>;
export const BulkList = listOf(Bulk).register(NAMED, { id: "BulkList" });
export const BulkQuery = strictObject(() => ({
  state: BulkState.optional(),
  ...PageQuery,
  page: BulkId.optional(),
}));

const Path = strictObject(() => ({ id: BulkId }));
const contract = contracts("Bulk");

export const createBulk = contract("createBulk", "POST /v1/bulk", {
  summary: "Begin one action on everything that a filter matches",
  description:
    "Worked off in steps, each item by the verb of a single call; a restart goes on where it was. What comes after its start is not " +
    "touched. requeue, cancel and dismiss are for operators; archive and answer for members, too.",
  body: BulkDraft,
  example: { action: "requeue", filter: { target: "tag:review" } },
  idempotent: true,
  answers: made(Bulk, "Begun.", "Begun before with this key."),
  problems: words("forbidden budget-exceeded idempotency-mismatch"),
});
export const listBulk = contract("listBulk", "GET /v1/bulk", {
  ...paged(BulkQuery, BulkList, "A page, newest first."),
  summary: "List bulk actions",
});
export const getBulk = contract("getBulk", "GET /v1/bulk/{id}", {
  ...at(Path, Bulk, "The bulk action, and how far it is."),
  summary: "Get a bulk action",
});
export const stopBulk = contract("stopBulk", "POST /v1/bulk/{id}/stop", {
  ...at(Path, Bulk, "Stopped; what was done stays done."),
  summary: "End a bulk action before it is through",
  repeatable: true,
  problems: ["forbidden", "not-found", "not-open"],
});
