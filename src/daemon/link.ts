import { agentVerbs } from "../client/agents.ts";
import { approvalVerbs } from "../client/approvals.ts";
import { type Caller, createCaller } from "../client/caller.ts";
import { claimVerbs } from "../client/claims.ts";
import { delegationVerbs } from "../client/delegations.ts";
import { RelayProblem } from "../client/errors.ts";
import { fileVerbs } from "../client/files.ts";
import { inboxVerbs } from "../client/inbox.ts";
import { limitVerbs } from "../client/limits.ts";
import { messageVerbs } from "../client/messages.ts";
import { orchestratorVerbs } from "../client/orchestrators.ts";
import { profileVerbs } from "../client/profiles.ts";
import type { Ears, Listener } from "../client/run-ear.ts";
import { runVerbs } from "../client/run-verbs.ts";
import { sessionVerbs } from "../client/sessions.ts";
import { tokenVerbs } from "../client/tokens.ts";
import { createTransport, type Fetch } from "../client/transport.ts";
import { untilAnswered } from "../client/until-answered.ts";
import type { Entry } from "../protocol/messages.ts";
import { RunControl } from "../protocol/run-control.ts";
import type { Journal } from "./journal/journal.ts";
import type { DaemonTime } from "./time.ts";

export interface LinkOptions {
  url: string;
  token: string;
  instanceId: string;
  fetch: Fetch;
  time: DaemonTime;
  journal: Journal;
  life: AbortSignal;
}

/** Verbs of the client that a daemon calls. The shapes of the others would stay in its memory. */
const clientOf = (caller: Caller) => ({
  agents: agentVerbs(caller),
  approvals: approvalVerbs(caller),
  claims: claimVerbs(caller),
  delegations: delegationVerbs(caller),
  files: fileVerbs(caller),
  inbox: inboxVerbs(caller),
  limits: limitVerbs(caller),
  messages: messageVerbs(caller),
  orchestrators: orchestratorVerbs(caller),
  profiles: profileVerbs(caller),
  sessions: sessionVerbs(caller),
  tokens: tokenVerbs(caller),
});

/** Connection for one of the daemon's agents: calls in its name, by the orchestrator's token. */
export interface AgentLink {
  id: string;
  client: ReturnType<typeof clientOf>;
  caller: Caller;
  verbs: ReturnType<typeof runVerbs>;
}

export type Link = ReturnType<typeof createLink>;

/** Connections to the relay: the orchestrator's own, and one in the name of each agent. */
export function createLink({ url, token, instanceId, fetch, time, journal, life }: LinkOptions) {
  const callerOf = (agentId?: string) => {
    const options = { url, token, instanceId, fetch, timing: time, ...(agentId !== undefined && { agentId }) };
    return createCaller(createTransport(options), options);
  };
  const box = clientOf(callerOf());
  const links = new Map<string, AgentLink>();
  /** Agents that were made sure of. */
  const sure = new Set<string>();

  /** Registers an agent, unless it is the orchestrator's already. @throws RelayProblem 403 for one of somebody else */
  async function enroll(id: string): Promise<void> {
    try {
      await box.inbox.read({ limit: 1 }, { agentId: id });
    } catch (error) {
      if (!(error instanceof RelayProblem) || (error.status !== 403 && error.status !== 404)) throw error;
      await box.agents.register(id, { name: id, reach: "mid-turn" });
    }
  }

  return {
    box,
    /** Makes sure that an agent is registered under the orchestrator's prefix. Its own token is never used. */
    async agent(id: string, provider: string): Promise<void> {
      if (sure.has(id)) return;
      await untilAnswered(time, () => enroll(id), life);
      journal.write(() => journal.agents.put({ id, provider }));
      sure.add(id);
    },
    /** Connection for an agent of the journal. */
    of(id: string): AgentLink {
      const open = links.get(id);
      if (open) return open;
      const caller = callerOf(id);
      const made: AgentLink = { id, client: clientOf(caller), caller, verbs: runVerbs(caller) };
      links.set(id, made);
      return made;
    },
  };
}

/** Ears of the runs of all agents, fed by the daemon's one stream. */
export interface Hub extends Ears {
  /** Hands a message of the stream to the runs that listen. */
  tell(agentId: string, entry: Entry): void;
}

export function createHub(): Hub {
  const listeners = new Map<string, Set<Listener>>();
  return {
    async listen(agentId, listener) {
      const all = listeners.get(agentId) ?? new Set();
      listeners.set(agentId, all.add(listener));
      return () => void all.delete(listener);
    },
    tell(agentId, entry) {
      const { data } = RunControl.safeParse(entry.payload);
      if (!data) return;
      const control = { ...data.run, files: (data.files ?? []).map(({ fileId }) => fileId) };
      for (const { heard } of [...(listeners.get(agentId) ?? [])]) heard({ messageId: entry.id, control });
    },
  };
}
