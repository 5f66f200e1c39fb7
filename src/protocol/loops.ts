import { z } from "zod";
import { at, contracts, paged } from "./contract.ts";
import { NAMED, named, namedEnum, strictObject } from "./shape.ts";
import { listOf, MessageId, MessageIdInPath, PageQuery, Time } from "./wire.ts";

export const LoopKind = namedEnum(
  "LoopKind",
  "chain: too many messages by agents in a row. thread: too many replies by one agent within a minute; it ends by itself.",
  ["chain", "thread"],
);
export type LoopKind = z.infer<typeof LoopKind>;

export const LoopStatus = z.enum(["paused", "resumed", "ended"]);
export type LoopStatus = z.infer<typeof LoopStatus>;

export const Loop = named("Loop", "Agents that answered each other for too long.", () => ({
  rootId: MessageId.describe("The message that the chain, or the thread, began with."),
  kind: LoopKind,
  status: LoopStatus,
  messageId: MessageId.describe("The message that was one too many: it was stored."),
  from: z.string(),
  to: z.string(),
  streak: z.int().describe("How many messages by agents in a row it was the last of."),
  pausedAt: Time,
  endsAt: Time.nullable().describe("Of a thread: when more is taken again, at the latest."),
  resumedAt: Time.nullable(),
  resumedBy: z.string().nullable().describe("The operator's token, or who wrote into it."),
}));
export type Loop = z.infer<typeof Loop>;

export const LoopQuery = strictObject(() => ({
  status: z.enum(["paused", "resumed"]).optional().describe("Of chains."),
  limit: PageQuery.limit,
  page: z
    .string()
    .regex(/^\d{1,15}$/, "has to be the nextPage of an earlier answer")
    .optional(),
}));
export type LoopQuery = z.input<typeof LoopQuery>;
export const LoopList = listOf(Loop).register(NAMED, { id: "LoopList" });

const Path = strictObject(() => ({ rootId: MessageIdInPath }));
const contract = contracts("Loops");

export const listLoops = contract("listLoops", "GET /v1/loops", {
  ...paged(LoopQuery, LoopList),
  summary: "List loops between agents, newest first",
});

export const resumeLoop = contract("resumeLoop", "POST /v1/loops/{rootId}/resume", {
  ...at(Path, Loop, "Resumed, or was already."),
  summary: "Resume a paused chain",
  description: "It counts anew from there. Both sides are told; what was refused meanwhile was not stored.",
  repeatable: true,
});
