import { z } from "zod";
import { HoldSeen } from "./command-results.ts";
import { at, contracts, made, paged } from "./contract.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { NAMED, named, object, strictObject } from "./shape.ts";
import { line, listOf, PageQuery, Str, StrOrNull, Time, TimeOrNull, text } from "./wire.ts";

export const HoldId = z
  .string()
  .regex(/^hld_[a-z0-9]{1,40}$/, "has to be the id of a hold, like hld_0mf3k2j1a7x2c9q4b0d8")
  .describe("hld_...");

/** Part of the work that a hold stops. */
export const HoldScope = z
  .union([
    z.literal("all"),
    strictObject(() => ({ project: line(1024) })),
    strictObject(() => ({ orchestratorId: OrchestratorId })),
    strictObject(() => ({ tag: line(64) })),
  ])
  .register(NAMED, { id: "HoldScope" });
export type HoldScope = z.output<typeof HoldScope>;

/** `POST /v1/holds`. */
export const HoldDraft = strictObject(() => ({
  scope: HoldScope,
  mode: z.enum(["interrupt", "kill"]).default("interrupt"),
  reason: text(2048),
})).register(NAMED, { id: "HoldDraft" });
export type HoldDraft = z.input<typeof HoldDraft>;
export type ParsedHold = z.output<typeof HoldDraft>;

export const Hold = named("Hold", "A stop for everything in a scope, until it is lifted.", () => ({
  id: HoldId,
  scope: HoldScope,
  mode: z.enum(["interrupt", "kill"]),
  reason: Str,
  person: StrOrNull,
  by: Str,
  sessions: z
    .array(
      object(() => ({
        sessionId: Str,
        agentId: Str,
        orchestratorId: Str,
        seen: HoldSeen,
        detail: StrOrNull,
        at: TimeOrNull,
      })),
    )
    .describe("What was seen to stop, session by session."),
  createdAt: Time,
  liftedAt: TimeOrNull,
}));
export type Hold = z.infer<typeof Hold>;
export const HoldList = listOf(Hold).register(NAMED, { id: "HoldList" });
export const HoldQuery = strictObject(() => ({
  lifted: z.enum(["true", "false"]).optional(),
  ...PageQuery,
  page: HoldId.optional(),
}));

const Path = strictObject(() => ({ id: HoldId }));
const contract = contracts("Holds");
export const createHold = contract("createHold", "POST /v1/holds", {
  summary: "Hold everything in a scope",
  description:
    "By operators and members. While it stands nothing in its scope begins: turns, claims, spawns, schedules and posts. Running turns are interrupted, or killed.",
  body: HoldDraft,
  example: { scope: "all", reason: "Deploying the database" },
  idempotent: true,
  answers: made(Hold, "It stands.", "Made before with this key."),
  problems: ["forbidden", "idempotency-mismatch"],
});
export const listHolds = contract("listHolds", "GET /v1/holds", {
  ...paged(HoldQuery, HoldList, "A page, newest first."),
  summary: "List holds",
  problems: ["forbidden", "superseded"],
});
export const getHold = contract("getHold", "GET /v1/holds/{id}", {
  ...at(Path, Hold, "The hold."),
  summary: "Get a hold, and what was seen to stop",
  problems: ["forbidden", "not-found", "superseded"],
});
export const liftHold = contract("liftHold", "DELETE /v1/holds/{id}", {
  ...at(Path, Hold, "Lifted: its work begins again in steps."),
  summary: "Lift a hold",
  repeatable: true,
  problems: ["forbidden", "not-found"],
});
