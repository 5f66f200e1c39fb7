import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { contracts } from "./contract.ts";
import { Delegation, MAX_TIMEOUT_SECONDS } from "./delegations.ts";
import { OrchestratorId } from "./orchestrators.ts";
import { Place } from "./places.ts";
import { SessionId } from "./sessions.ts";
import { NAMED, object, strictObject, words } from "./shape.ts";
import { commandFiles, PROMPT_BYTES, spawnMembers } from "./spawns.ts";
import { int, line, queryInt, Str, text } from "./wire.ts";

const files = commandFiles();
const session = { sessionId: SessionId };

/** One command to an orchestrator's daemon. `payload.command` of its delegation; the relay alone writes that member. */
export const Command = z
  .discriminatedUnion("do", [
    strictObject(() => ({ do: z.literal("spawn"), ...spawnMembers() })),
    strictObject(() => ({ do: z.literal("send"), ...session, text: text(PROMPT_BYTES), files })),
    strictObject(() => ({ do: z.literal("interrupt"), ...session })),
    strictObject(() => ({ do: z.literal("peek"), ...session })),
    strictObject(() => ({ do: z.literal("kill"), ...session, reason: line(512).optional() })),
    strictObject(() => ({ do: z.literal("list"), provider: line(64).optional() })),
    strictObject(() => ({
      do: z.literal("adopt"),
      provider: line(64),
      nativeId: line(256).refine((id) => !id.startsWith("-"), "is no id of a session: it begins with a hyphen"),
      cwd: line(4096).optional(),
      agentId: AgentId.optional(),
    })),
    strictObject(() => ({ do: z.literal("clear"), agentId: AgentId, place: Place.optional() })),
    strictObject(() => ({
      do: z.literal("hold"),
      holdId: line(64),
      mode: z.enum(["interrupt", "kill"]).default("interrupt"),
      sessionIds: z.array(SessionId).max(1000).optional(),
    })),
    strictObject(() => ({
      do: z.literal("resume"),
      holdId: line(64),
      sessionIds: z.array(SessionId).max(1000).optional(),
    })),
    strictObject(() => ({ do: z.literal("probe"), provider: line(64), account: line(128), ...session })),
  ])
  .register(NAMED, { id: "Command" });
export type Command = z.output<typeof Command>;
export type CommandInput = z.input<typeof Command>;
export type CommandOf<Do extends Command["do"]> = Extract<Command, { do: Do }>;

/** Commands that a caller may post; `hold`, `resume` and `probe` come of holds and limits. */
export const POSTED_COMMANDS = ["spawn", "send", "interrupt", "peek", "kill", "list", "adopt", "clear"] as const;

/** `payload` of the delegation that carries a command. */
export const CommandPayload = object(() => ({
  command: Command,
  spawnedBy: object(() => ({ agentId: Str, runId: Str.nullable(), person: Str.nullable() }))
    .optional()
    .describe("Who asked for it, as the relay knows the caller."),
}));
export type CommandPayload = z.infer<typeof CommandPayload>;

/** `POST /v1/orchestrators/{id}/commands`. */
export const CommandDraft = strictObject(() => ({
  command: Command,
  timeoutSeconds: int(1, MAX_TIMEOUT_SECONDS).default(300),
})).register(NAMED, { id: "CommandDraft" });
export type CommandDraft = z.input<typeof CommandDraft>;
export type ParsedCommand = z.output<typeof CommandDraft>;
export const CommandQuery = strictObject(() => ({ waitSeconds: queryInt(0, 60).default(0) }));

export const sendCommand = contracts("Orchestrators")("sendCommand", "POST /v1/orchestrators/{id}/commands", {
  summary: "Command an orchestrator",
  description:
    "Operators and members. Agents that `spawners` names spawn, and send, interrupt, peek or kill what their own runs asked for. The answer is a delegation to the " +
    "orchestrator's agent, answered when it is done. With approval mode `ask` the daemon hears of a spawn once it was allowed.",
  params: strictObject(() => ({ id: OrchestratorId })),
  query: CommandQuery,
  body: CommandDraft,
  example: { command: { do: "spawn", provider: "claude", prompt: "Fix the failing test" } },
  idempotent: true,
  long: true,
  answers: {
    201: { description: "The delegation that carries it.", schema: Delegation },
    200: { description: "Sent before with this key.", schema: Delegation },
  },
  problems: words(
    "forbidden not-found superseded conflict too-deep cycle budget-exceeded held not-open idempotency-mismatch",
  ),
});
