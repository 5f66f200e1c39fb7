import type { Areas } from "../../core/core.ts";
import type { AgentFacts } from "../../identity/agents/row.ts";
import { type Caller, isPerson } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { type Command, POSTED_COMMANDS } from "../../protocol/commands.ts";
import { Problem } from "../../protocol/problem.ts";
import { commandStore as store } from "./store.ts";

/** The orchestrator's row, as identity keeps it. */
export type Box = NonNullable<Awaited<ReturnType<Areas["identity"]["orchestrators"]["find"]>>>;

const OPERATORS: ReadonlySet<string> = new Set(["list", "adopt", "clear"]);

/** Whether an agent is one of those that may spawn: by its id, or by the beginning of it. */
export const isSpawner = (
  { spawners }: Pick<Box, "spawners">,
  { id, kind }: Pick<AgentFacts, "id" | "kind">,
): boolean =>
  (kind === "provider" || kind === "orchestrator") &&
  spawners.some((one) => (one.endsWith("*") ? id.startsWith(one.slice(0, -1)) : one === id));

/** Refuses a command that this caller may not give here. @throws Problem 403, 422 */
export async function requireMay(on: ReadTx, caller: Caller, asker: AgentFacts, box: Box, command: Command) {
  const verb = command.do;
  if (!POSTED_COMMANDS.some((posted) => posted === verb))
    throw Problem.invalid("/command/do", `${verb} comes of holds and limits. Post ${POSTED_COMMANDS.join(", ")}`);
  if (OPERATORS.has(verb) && caller.role !== "operator") throw new Problem("forbidden", `${verb} is for operators.`);
  if (isPerson(caller)) return;
  if (command.do === "spawn") return requireSpawner(box, asker, command);
  const isOwn = "sessionId" in command && (await store.hasSpawned(on, asker.id, box.id, command.sessionId));
  if (!isOwn || !isSpawner(box, asker))
    throw new Problem(
      "forbidden",
      `${asker.id} may ${verb} sessions that its own spawns on ${box.id} began, and no others.`,
    );
}

function requireSpawner(box: Box, asker: AgentFacts, command: Extract<Command, { do: "spawn" }>): void {
  if (!isSpawner(box, asker))
    throw new Problem(
      "forbidden",
      `${asker.id} may not spawn on ${box.id}: an operator names it in the spawners of that orchestrator.`,
    );
  if (command.systemPrompt !== undefined)
    throw new Problem(
      "forbidden",
      "/command/systemPrompt: people alone say this. Say it in prompt, or name a profile that has it.",
    );
}
