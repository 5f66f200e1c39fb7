import { z } from "zod";
import { NAMED, namedEnum, object } from "./shape.ts";
import { Bool, Int, Str, StrOrNull, TimeOrNull } from "./wire.ts";

/** State of a session under a hold, as its daemon saw it. */
export const HoldSeen = namedEnum(
  "HoldSeen",
  "told: the daemon has not reported yet. idle: it did nothing. away: its daemon is not heard of.",
  ["told", "interrupted", "killed", "idle", "away", "failed"],
);
export type HoldSeen = z.infer<typeof HoldSeen>;

/** Sessions that one answer lists at most. */
export const MAX_FOREIGN = 100;

/** Session of an agent CLI that its daemon did not begin, as that CLI lists it. */
export const ForeignSession = object(() => ({
  provider: Str,
  nativeId: Str,
  cwd: StrOrNull,
  about: StrOrNull.describe("Its name, or the first words of its prompt."),
  isOpen: Bool.nullable().describe("Whether the CLI says that somebody has it open. null: it does not say."),
  inWorkspace: Bool.describe("false: its folder is outside of the daemon's workspace, so it cannot be adopted."),
  startedAt: TimeOrNull,
}));
export type ForeignSession = z.infer<typeof ForeignSession>;

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
  mode: z.enum(["steered", "queued"]).optional().describe("send: into the running turn, or the next one."),
  foreign: z.array(ForeignSession).max(MAX_FOREIGN).optional().describe("list: the newest first."),
  omitted: Int.optional().describe("list: older ones, which the answer has no room for."),
  failed: z
    .array(object(() => ({ provider: Str, error: Str })))
    .optional()
    .describe("list: providers that could not be asked."),
  text: Str.optional(),
})).register(NAMED, { id: "CommandResult" });
export type CommandResult = z.infer<typeof CommandResult>;
