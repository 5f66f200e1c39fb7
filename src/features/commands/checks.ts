import { posix } from "node:path";
import type { Areas } from "../../core/core.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Command } from "../../protocol/commands.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Files } from "../files/files.ts";
import type { Profiles } from "../profiles/profiles.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Box } from "./may.ts";

export type Checks = ReturnType<typeof createChecks>;

type Ground = Pick<Areas, "identity" | "core"> & { files: Files; sessions: Sessions; profiles: Profiles };

/** Checks of a command before a daemon hears it. */
export function createChecks({ identity, core, files, sessions, profiles }: Ground) {
  const { auth, directory, orchestrators } = identity;

  /** @throws Problem 422 unless the agent is the orchestrator's, or may become it */
  async function checkAgent(on: ReadTx, box: Box, agentId: string): Promise<void> {
    const refuse = (why: string) => Problem.invalid("/command/agentId", why);
    const prefix = await orchestrators.prefixOf(on, box.id);
    if (prefix === null) throw refuse(`${box.id} has no token, so it has no agents`);
    if (!agentId.startsWith(prefix)) throw refuse(`has to begin with ${prefix}: these are the agents of ${box.id}`);
    const facts = directory.facts(on, agentId);
    if (!facts) return;
    if (facts.deletedAt !== null) throw refuse(`${agentId} was deleted, and its id stays taken`);
    if (!(await auth.hasEnrolled(on, agentIdOf(box.id), agentId))) throw refuse(`${agentId} is no agent of ${box.id}`);
  }

  function checkProvider({ providers, id }: Box, provider: string): void {
    if (providers.some(({ name }) => name === provider)) return;
    const known = providers.map(({ name }) => name).join(", ") || "none";
    throw Problem.invalid("/command/provider", `${id} has no provider ${provider}. It has: ${known}`);
  }

  async function checkSession(on: ReadTx, { id }: Box, sessionId: string): Promise<void> {
    const session = await sessions.find(on, sessionId);
    if (session?.orchestratorId !== id)
      throw Problem.invalid("/command/sessionId", `${id} has no session ${sessionId}`);
    if (session.endedAt !== null) throw new Problem("not-open", `${sessionId} is dead: its process has ended.`);
  }

  return {
    /** @throws Problem 409, 422 */
    async check(on: ReadTx, asker: string, box: Box, command: Command): Promise<void> {
      if (command.do === "spawn" && box.draining)
        throw new Problem("conflict", `${box.id} is draining: it starts nothing new.`);
      if ("provider" in command && command.provider !== undefined) checkProvider(box, command.provider);
      if ("cwd" in command) checkFolder(box, command.cwd);
      if (command.do === "spawn") {
        await profiles.check(on, command.profile, command.provider, "/command/profile");
        await core.holding.require(on, { orchestratorId: box.id, agentId: command.agentId });
      }
      if ("sessionId" in command) await checkSession(on, box, command.sessionId);
      if ("agentId" in command && command.agentId !== undefined) await checkAgent(on, box, command.agentId);
      const attached = "files" in command ? (command.files ?? []) : [];
      for (const [index, file] of attached.entries())
        await files.service.requireUsable(on, asker, file, `/command/files/${index}`);
    },
  };
}

/** The daemon looks again, after links are resolved. @throws Problem 422 */
function checkFolder({ baseDir, id }: Box, cwd: string | undefined): void {
  if (cwd === undefined || !baseDir.startsWith("/")) return;
  const place = posix.resolve(baseDir, cwd);
  const base = posix.resolve(baseDir);
  if (place === base || place.startsWith(base === "/" ? "/" : `${base}/`)) return;
  throw Problem.invalid("/command/cwd", `has to lie below ${baseDir}, the folder of ${id}`);
}
