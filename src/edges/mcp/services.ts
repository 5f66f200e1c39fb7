import type { Areas } from "../../core/core.ts";
import type { Commands } from "../../features/commands/commands.ts";
import type { Delegations } from "../../features/delegations/delegations.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";
import type { Traces } from "../../features/traces/traces.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Call } from "../../identity/auth/route.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import { type Envelopes, envelopesOf } from "../envelope/envelope.ts";

/** Areas whose verbs the tools call, under the same rules as the routes. */
export type McpAreas = Areas & {
  delegations: Delegations;
  traces: Traces;
  runs: Runs;
  commands: Commands;
  sessions: Sessions;
};

/** A caller that acts for an agent of its own. */
export type AgentCaller = Caller & { agentId: string };

/** One HTTP request of a client. */
export type HttpRequest = Pick<
  Call<unknown, unknown, unknown>,
  "caller" | "request" | "peer" | "checkStill" | "headers"
>;

/** One call of a tool: its caller, and the abilities of the client. */
export interface Turn {
  caller: AgentCaller;
  /** Aborted when the client has left or taken the call back. */
  signal: AbortSignal;
  /** Reports progress to a client that asked for it. */
  progress(done: number, total: number, message: string): void;
  /** Answer of the person at the client. `ask`: not asked yet; `unable`: the client cannot ask. */
  approval(question: string): "approved" | "declined" | "unable" | "ask";
}

/** Envelopes for one answer to this caller. */
export const envelopesFor = (areas: McpAreas, { caller }: Pick<Turn, "caller">): Envelopes =>
  envelopesOf(areas, caller.agentId);

/** Open delegations of each state that are read. */
const LISTED = 50;

/** Delegations that still owe an answer, newest first. */
export async function openDelegations(
  { delegations }: McpAreas,
  on: ReadTx,
  caller: Caller,
  who: { from: string } | { to: string },
): Promise<Delegation[]> {
  const pages = [];
  for (const status of ["pending", "claimed"] as const)
    pages.push(await delegations.service.list(on, caller, { ...who, status, limit: LISTED }));
  return pages.flatMap(({ items }) => items).sort((a, b) => b.messageId - a.messageId);
}

/** Runs a wait, and reports progress to the client every few seconds. */
export async function withProgress<T>(
  areas: McpAreas,
  turn: Turn,
  seconds: number,
  wait: () => Promise<T>,
): Promise<T> {
  if (seconds === 0) return wait();
  let passed = 0;
  let cancel: () => void = () => undefined;
  const tell = () => {
    cancel = areas.kernel.clock.after(PROGRESS_SECONDS * 1000, () => {
      passed += PROGRESS_SECONDS;
      if (passed < seconds) turn.progress(passed, seconds, "waiting");
      tell();
    });
  };
  tell();
  try {
    return await wait();
  } finally {
    cancel();
  }
}

const PROGRESS_SECONDS = 5;
