import type { Offers } from "../../core/inbox/deliveries.ts";
import type { Inbox } from "../../core/inbox/inbox.ts";
import type { Looks } from "../../core/inbox/poll.ts";
import type { Waits } from "../../core/inbox/waits.ts";
import type { Explainer } from "../../core/messages/explain.ts";
import type { Parents } from "../../core/messages/parents.ts";
import type { Readers } from "../../core/messages/readers.ts";
import type { Sender } from "../../core/messages/send.ts";
import type { Taking } from "../../core/work/claiming.ts";
import type { Claims } from "../../core/work/claims.ts";
import type { Delegations } from "../../features/delegations/service.ts";
import type { HistoryService } from "../../features/traces/history.ts";
import type { Roster } from "../../identity/agents/roster.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, Reading } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import { type Envelopes, openEnvelopes } from "../envelope/envelope.ts";

/** The services that tools call: the same verbs as the routes, under the same rules. */
export interface Desk {
  db: Pick<Db, "read" | "write">;
  agents: AgentService;
  roster: Roster;
  sender: Sender;
  claims: Claims;
  taking: Taking;
  inbox: Inbox;
  looks: Looks;
  waits: Waits;
  readers: Readers;
  offers: Offers;
  parents: Parents;
  explainer: Explainer;
  history: HistoryService;
  delegations: Delegations;
  clock: Clock;
}

/** A caller that acts for an agent of its own. */
export type AgentCaller = Caller & { agentId: string };

/** One call of a tool: who calls, and what its client can do meanwhile. */
export interface Turn {
  caller: AgentCaller;
  /** Aborted when the client has left or taken the call back. */
  signal: AbortSignal;
  /** Says that it goes on; does nothing when the client did not ask for that. */
  progress(done: number, total: number, message: string): void;
  /** What the person at the client said to it. `ask`: has yet to be asked; `unable`: the client cannot ask. */
  approval(question: string): "approved" | "declined" | "unable" | "ask";
}

/** Envelopes for one answer to this caller. */
export const envelopesFor = ({ roster, clock }: Desk, { caller }: Pick<Turn, "caller">): Envelopes =>
  openEnvelopes({
    reader: caller.agentId,
    kindOf: (id) => roster.get(id)?.kind,
    isElsewhere: roster.isElsewhere,
    now: clock.now(),
  });

/** As many open delegations are looked at, of each state. */
const LISTED = 50;

/** Those that still owe an answer, newest first. */
export async function openDelegations(
  { delegations }: Desk,
  on: Reading,
  caller: Caller,
  who: { from: string } | { to: string },
): Promise<Delegation[]> {
  const pages = [];
  for (const status of ["pending", "claimed"] as const)
    pages.push(await delegations.list(on, caller, { ...who, status }, undefined, LISTED));
  return pages.flatMap(({ items }) => items).sort((a, b) => b.messageId - a.messageId);
}

/** Runs a wait, telling the client every few seconds that it goes on. */
export async function whileTelling<T>(desk: Desk, turn: Turn, seconds: number, wait: () => Promise<T>): Promise<T> {
  if (seconds === 0) return wait();
  let passed = 0;
  let cancel: () => void = () => undefined;
  const tell = () => {
    cancel = desk.clock.after(PROGRESS_SECONDS * 1000, () => {
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
