import { a2aVerbs } from "./a2a.ts";
import { agentVerbs } from "./agents.ts";
import { announcementVerbs } from "./announcements.ts";
import { approvalVerbs } from "./approvals.ts";
import { attentionVerbs } from "./attention.ts";
import { bulkVerbs } from "./bulk.ts";
import { createCaller } from "./caller.ts";
import { channelVerbs } from "./channels.ts";
import { claimVerbs } from "./claims.ts";
import { delegationVerbs } from "./delegations.ts";
import { fileVerbs } from "./files.ts";
import { type FollowOptions, follow } from "./follow.ts";
import { holdVerbs } from "./holds.ts";
import { inboxVerbs } from "./inbox.ts";
import { integrationVerbs } from "./integrations.ts";
import { jobVerbs } from "./jobs.ts";
import { limitVerbs } from "./limits.ts";
import { loopVerbs } from "./loops.ts";
import { messageVerbs } from "./messages.ts";
import { modelVerbs } from "./models.ts";
import { orchestratorVerbs } from "./orchestrators.ts";
import { pairVerbs } from "./pairs.ts";
import { peopleVerbs } from "./people.ts";
import { profileVerbs } from "./profiles.ts";
import { projectVerbs } from "./projects.ts";
import { pushVerbs } from "./push.ts";
import { relayVerbs } from "./relay.ts";
import { runs } from "./runs.ts";
import { scheduleVerbs } from "./schedules.ts";
import { followSession, type SessionFollowOptions } from "./session-follow.ts";
import { sessionVerbs } from "./sessions.ts";
import { signInVerbs } from "./sign-in.ts";
import { statsVerbs } from "./stats.ts";
import { taskVerbs } from "./tasks.ts";
import { threadVerbs } from "./threads.ts";
import { systemTiming, type Timing } from "./timing.ts";
import { tokenVerbs } from "./tokens.ts";
import { traceVerbs } from "./traces.ts";
import { createTransport, type Fetch } from "./transport.ts";
import { viewVerbs } from "./views.ts";
import { webhookVerbs } from "./webhooks.ts";
import { type WorkOptions, work } from "./work.ts";

// Entry of the package: passes on what callers name, catch or throw.
export type { Agent } from "../protocol/agents.ts";
export type { Delegation } from "../protocol/delegations.ts";
export type { Entry, Message } from "../protocol/messages.ts";
export type { ProblemCode } from "../protocol/problem-codes.ts";
export type { RunPart } from "../protocol/run-events.ts";
export type { Run } from "../protocol/runs.ts";
export type { Task } from "../protocol/tasks.ts";
export {
  Failure,
  NoAgent,
  RelayMismatch,
  RelayProblem,
  RelayUnreachable,
  Release,
  RunFailure,
  RunStopped,
} from "./errors.ts";
export type { FollowEvent, FollowOptions } from "./follow.ts";
export type { WorkHandler, WorkResult } from "./item.ts";
export { everyItem } from "./pages.ts";
export type { RunHandle, RunWord } from "./run-handle.ts";
export type { RunHandler, ServeEvent, ServeOptions } from "./run-serve.ts";
export type { Turn } from "./run-turn.ts";
export type { Call } from "./transport.ts";
export type { WorkEvent, WorkOptions } from "./work.ts";

export interface ClientOptions {
  /** Address of the relay: `http://127.0.0.1:4747`, with a path if a proxy gives it one. */
  url: string;
  token?: string;
  /** Agent to act for; by default the token's own. */
  agentId?: string;
  /** Registration that every call belongs to. A newer one ends this client: problem `superseded`. */
  instanceId?: string;
  /** Token of the running turn that every call belongs to (`RunHandle.token`): runs and delegations then hang below its run. */
  run?: string;
  fetch?: Fetch;
  /** For tests. */
  timing?: Partial<Timing>;
}

export type Client = ReturnType<typeof createClient>;

/**
 * Client of a relay for Bun, Node 20 and later, and browsers. Every verb rejects with `RelayProblem` (a refusal by the relay),
 * `RelayUnreachable` (no answer, and unknown whether a write happened), `RelayMismatch` (an answer that is not the relay's), or the
 * reason of its signal. While the relay is busy or does not answer, reads and writes that are safe to repeat are repeated with
 * growing waits.
 */
export function createClient({ fetch = (url, init) => globalThis.fetch(url, init), ...options }: ClientOptions) {
  const timing = { ...systemTiming, ...options.timing };
  const transport = createTransport({ ...options, fetch, timing });
  const caller = createCaller(transport, { ...options, timing });
  return {
    agents: agentVerbs(caller),
    messages: messageVerbs(caller),
    inbox: inboxVerbs(caller),
    claims: claimVerbs(caller),
    tasks: taskVerbs(caller),
    integrations: integrationVerbs(caller),
    schedules: scheduleVerbs(caller),
    sessions: {
      ...sessionVerbs(caller),
      /** Follows a session: as it is now, then each change. */
      follow: (id: string, options?: SessionFollowOptions) => followSession(caller, id, options),
    },
    profiles: profileVerbs(caller),
    holds: holdVerbs(caller),
    limits: limitVerbs(caller),
    jobs: jobVerbs(caller),
    models: modelVerbs(caller),
    webhooks: webhookVerbs(caller),
    projects: projectVerbs(caller),
    push: pushVerbs(caller),
    channels: channelVerbs(caller),
    files: fileVerbs(caller),
    traces: traceVerbs(caller),
    loops: loopVerbs(caller),
    orchestrators: orchestratorVerbs(caller),
    delegations: delegationVerbs(caller),
    pairs: pairVerbs(caller),
    runs: runs(caller),
    announcements: announcementVerbs(caller),
    approvals: approvalVerbs(caller),
    attention: attentionVerbs(caller),
    bulk: bulkVerbs(caller),
    views: viewVerbs(caller),
    threads: threadVerbs(caller),
    a2a: a2aVerbs(caller),
    people: peopleVerbs(caller),
    signIn: signInVerbs(caller),
    stats: statsVerbs(caller),
    tokens: tokenVerbs(caller),
    ...relayVerbs(caller),
    /** Follows an agent's inbox as one endless sequence of entries, each once and in order. */
    follow: (options?: FollowOptions) => follow(caller, options),
    /** Claims work and runs the handler for each item, until its signal fires. */
    work: (options: WorkOptions) => work(caller, options),
  };
}
