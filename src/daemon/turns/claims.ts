import { createBackoff } from "../../client/backoff.ts";
import { mayPass, RelayProblem, retryAfterOf } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { AgentLink } from "../link.ts";
import type { Services } from "../services.ts";
import { isHeld, untilTaken } from "./held.ts";

const LEASE_SECONDS = 600;
/** Wait before the first new attempt at work; it doubles with each. */
const AGAIN_MS = 5000;
const MOST_MS = 300_000;

/** A claim that is renewed. */
export interface Claim {
  /** Stops renewing it. */
  release(): void;
  /** Renews it now. @returns whether nobody else holds or has done the work */
  isOurs(): Promise<boolean>;
}

/** Leases of claimable messages, held while their turns work. */
export function createClaims(services: Services) {
  const { journal, link, time, life, log } = services;

  /** Renews a claim until `own` ends. A claim that is lost ends nothing: the result comes late. */
  async function keep(agent: AgentLink, id: number, token: string, own: AbortSignal): Promise<void> {
    const backoff = createBackoff(time);
    let waitMs = (LEASE_SECONDS * 1000) / 3;
    while (!own.aborted) {
      try {
        await time.sleep(waitMs, own);
        await agent.client.claims.renew(id, { token, leaseSeconds: LEASE_SECONDS }, { signal: own, retries: 0 });
        waitMs = (LEASE_SECONDS * 1000) / 3;
      } catch (error) {
        if (own.aborted) return;
        if (!mayPass(error))
          return log(`The claim of message ${id} was lost: ${error instanceof Error ? error.message : error}`);
        waitMs = Math.max(retryAfterOf(error), backoff.delay());
      }
    }
  }

  /** A claim that ran out and that nobody took is still ours: its result may come. */
  async function isOurs(agent: AgentLink, id: number, token: string): Promise<boolean> {
    try {
      await untilAnswered(time, () => agent.client.claims.renew(id, { token, leaseSeconds: LEASE_SECONDS }), life);
      return true;
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      const { state } = await untilAnswered(time, () => agent.client.messages.get(id), life);
      return state === "open" || state === "delayed";
    }
  }

  async function take(agent: AgentLink, id: number): Promise<string> {
    try {
      return (await agent.client.claims.claim(id, { leaseSeconds: LEASE_SECONDS })).claim.token;
    } catch (error) {
      // Claimed by this agent before a crash.
      if (!(error instanceof RelayProblem) || error.code !== "already-claimed") throw error;
      const { items } = await agent.client.claims.held();
      const mine = items.find(({ message }) => message.id === id);
      if (!mine) throw error;
      return mine.claim.token;
    }
  }

  return {
    /**
     * Claims the message of a turn where it is work, and renews that.
     * @throws RelayProblem when another agent has it, and the reason of the signal
     */
    async hold(turn: TurnRow, signal: AbortSignal): Promise<Claim | undefined> {
      const letter = turn.messageId === null ? undefined : journal.letters.get(turn.messageId, turn.agentId);
      if (!letter?.entry.claimable) return undefined;
      const agent = link.of(turn.agentId);
      const { id } = letter.entry;
      const { failures = 0 } = turn.plan;
      if (failures > 0) await time.sleep(Math.min(AGAIN_MS * 2 ** (failures - 1), MOST_MS), signal);
      // Work whose last attempt failed is open again after a while.
      const isLater = async (problem: RelayProblem): Promise<boolean> => {
        if (problem.code !== "not-open") return isHeld(problem);
        const { state } = await untilAnswered(time, () => agent.client.messages.get(id), life);
        return state === "delayed" || state === "open";
      };
      const token = await untilTaken(services, signal, () => untilAnswered(time, () => take(agent, id), life), isLater);
      const own = new AbortController();
      void keep(agent, id, token, own.signal);
      return { release: () => own.abort(), isOurs: () => isOurs(agent, id, token) };
    },
  };
}
