import { z } from "zod";
import { NAMED, namedEnum, object } from "./shape.ts";
import { Str } from "./wire.ts";

/** State of a session under a hold, as its daemon saw it. */
export const HoldSeen = namedEnum(
  "HoldSeen",
  "told: the daemon has not reported yet. idle: it did nothing. away: its daemon is not heard of.",
  ["told", "interrupted", "killed", "idle", "away", "failed"],
);
export type HoldSeen = z.infer<typeof HoldSeen>;

/** `payload.commandResult` of the daemon's answer: its text is for people. */
export const CommandResult = object(() => ({
  agentId: Str.optional(),
  sessionId: Str.optional(),
  runId: Str.optional(),
  ended: z.boolean().optional().describe("kill: every process of it was seen to end."),
  left: z
    .array(object(() => ({ pid: z.int(), command: Str })))
    .optional()
    .describe("kill: processes that did not end."),
  sessions: z
    .array(
      object(() => ({
        sessionId: Str,
        seen: z.enum(["interrupted", "killed", "idle", "failed"]),
        detail: Str.optional(),
      })),
    )
    .optional()
    .describe("hold: each session that it named."),
  text: Str.optional(),
})).register(NAMED, { id: "CommandResult" });
export type CommandResult = z.infer<typeof CommandResult>;
