import type { LinkedAbort } from "./abort.ts";
import { agentVerbs } from "./agents.ts";
import type { Caller } from "./caller.ts";
import { endsAgent, mayPass } from "./errors.ts";

const BEAT_MS = 25_000;

/**
 * Keeps the agent online with a heartbeat every 25 s until `life` ends. Ends `life` itself when this client is no longer the agent.
 * Never rejects.
 */
export async function stayOnline(caller: Caller, agentId: string, life: LinkedAbort): Promise<void> {
  const { heartbeat } = agentVerbs(caller);
  while (!life.signal.aborted) {
    try {
      await caller.timing.sleep(BEAT_MS, life.signal);
      await heartbeat({}, { agentId, signal: life.signal, retries: 0 });
    } catch (error) {
      if (life.signal.aborted) return;
      if (endsAgent(error)) life.abort(error);
      // A viewer may not send heartbeats. The stream meets every other lasting failure too.
      else if (!mayPass(error)) return;
    }
  }
}
