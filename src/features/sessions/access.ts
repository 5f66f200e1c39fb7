import type { Areas } from "../../core/core.ts";
import { type Caller, isAgent, readsAll } from "../../identity/auth/caller.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import type { SessionRow } from "./row.ts";
import { type SessionFilter, sessionStore as store } from "./store.ts";

export type SessionAccess = ReturnType<typeof createSessionAccess>;

/** Reading and writing sessions: each role's part. */
export function createSessionAccess({ identity }: Areas) {
  const { agents, auth, directory } = identity;

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<SessionRow> {
    return (await store.byId(on, id)) ?? Problem.missing("session", id);
  }

  /** The orchestrator that calls, fenced. @throws Problem 403, 409 */
  async function requireOrchestrator(on: ReadTx, caller: Caller): Promise<string> {
    if (caller.role !== "orchestrator" || caller.agentId === null)
      throw new Problem("forbidden", "Sessions are reported by the orchestrator that runs them.");
    await agents.requireActor(on, caller, caller.agentId);
    return orchestratorIdOf(caller.agentId);
  }

  /** A session of the orchestrator that calls. @throws Problem 403, 404, 409 */
  async function requireOwn(on: ReadTx, caller: Caller, id: string): Promise<SessionRow> {
    const orchestratorId = await requireOrchestrator(on, caller);
    const row = await require(on, id);
    if (row.orchestratorId !== orchestratorId) throw notYours(row);
    return row;
  }

  /** @throws Problem 403 for an agent that the orchestrator has not enrolled, 422 for one that is not there */
  async function requireEnrolled(on: ReadTx, caller: Caller, agentId: string): Promise<void> {
    const facts = directory.facts(on, agentId);
    if (facts?.deletedAt === null && agentId !== caller.agentId && (await auth.speaksFor(on, caller, agentId))) return;
    if (!facts || facts.deletedAt !== null)
      throw Problem.invalid("/agentId", facts ? `${agentId} was deleted` : `${agentId} is not registered`);
    throw new Problem(
      "forbidden",
      `${agentId} was not enrolled by ${caller.agentId}: enroll it first, with its token.`,
    );
  }

  /** @throws Problem 403, 404, 409 */
  async function requireReadable(on: ReadTx, caller: Caller, id: string): Promise<SessionRow> {
    await agents.requireReader(on, caller);
    const row = await require(on, id);
    if (readsAll(caller) || isPartOf(caller, row)) return row;
    throw new Problem("forbidden", `Session ${id} is read by ${row.agentId}, by its orchestrator and by people.`);
  }

  /** The part of a list that a caller may see: all for people, its own for an orchestrator and an agent. @throws Problem 403, 409 */
  async function filterFor(on: ReadTx, caller: Caller, query: SessionFilter): Promise<SessionFilter> {
    const reader = await agents.requireReader(on, caller);
    return readsAll(caller) || reader === null ? query : ownFilter(caller, reader, query);
  }

  return { require, requireOrchestrator, requireOwn, requireEnrolled, requireReadable, filterFor };
}

/** Whether a caller is the orchestrator or the agent of a session. */
function isPartOf(caller: Caller, { agentId, orchestratorId }: SessionRow): boolean {
  if (!isAgent(caller)) return false;
  return caller.role === "orchestrator"
    ? orchestratorIdOf(caller.agentId) === orchestratorId
    : caller.agentId === agentId;
}

export const notYours = ({ id, orchestratorId }: SessionRow): Problem =>
  new Problem("forbidden", `Session ${id} belongs to orchestrator ${orchestratorId}.`);

/** The part of a list that an agent, or an orchestrator, may see. @throws Problem 403 */
function ownFilter(caller: Caller, reader: string, query: SessionFilter): SessionFilter {
  const own = caller.role === "orchestrator" ? { orchestrator: orchestratorIdOf(reader) } : { agent: reader };
  for (const [key, id] of Object.entries(own)) {
    const asked = query[key as "agent" | "orchestrator"];
    if (asked !== undefined && asked !== id)
      throw new Problem("forbidden", `This token sees the sessions of ${id} alone.`);
  }
  return { ...query, ...own };
}
