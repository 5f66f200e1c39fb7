import type { RunRow, TurnRow } from "../../features/runs/row.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";

/** Queries on runs that announcements need. */
export interface RunBook {
  byId(on: ReadTx, id: string): Promise<RunRow | undefined>;
  /** Runs that a run asked for, oldest first. */
  findings(on: ReadTx, runId: string): Promise<RunRow[]>;
  /** The one run of an agent that runs; undefined if there are more. */
  /** The live run of the session, else the only running one of the agent. */
  workingFor(on: ReadTx, agentId: string, sessionId: string | null): Promise<RunRow | undefined>;
  /** Whether its running turn is making its context smaller, and hears nothing meanwhile. */
  isCompacting(on: ReadTx, run: RunRow): Promise<boolean>;
  /** Whether the caller runs it, or directs it: its requester, agents above it, operators. */
  follows(on: ReadTx, caller: Caller, run: RunRow): Promise<boolean>;
  turnsOf(on: ReadTx, runId: string, limit: number): Promise<TurnRow[]>;
}
