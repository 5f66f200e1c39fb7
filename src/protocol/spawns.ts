import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { Caps, ProfileName } from "./caps.ts";
import { Place } from "./places.ts";
import { FileId } from "./posts.ts";
import { line, text } from "./wire.ts";

export const PROMPT_BYTES = 64 * 1024;
export const commandFiles = () => z.array(FileId).max(32).optional();

/** Choice for a turn that a stop or a crash cuts off. A message says it as `meta.onInterrupt`. */
export const OnInterrupt = z
  .enum(["continue", "give-back"])
  .describe("A turn that a stop or a crash cuts off goes on, or is given back. Left out: as the daemon is configured.");
export type OnInterrupt = z.infer<typeof OnInterrupt>;

/** Members of a spawn, beside its verb. */
export const spawnMembers = () => ({
  provider: line(64).describe("Name of one of the orchestrator's providers; never a command line."),
  agentId: AgentId.optional().describe("Below the orchestrator's prefix. Left out: the provider's agent."),
  profile: ProfileName.optional(),
  prompt: text(PROMPT_BYTES).optional(),
  cwd: line(4096).optional().describe("Below the orchestrator's folder, after links are resolved."),
  worktree: z
    .boolean()
    .optional()
    .describe("It works in a git worktree of its own, on a new branch. Left out: as its profile or its provider says."),
  model: line(256).optional(),
  systemPrompt: text(PROMPT_BYTES).optional().describe("By people alone."),
  files: commandFiles(),
  sessionKey: line(256).optional(),
  background: z.boolean().default(false),
  place: Place.optional(),
  caps: Caps.optional(),
  onInterrupt: OnInterrupt.optional(),
});
