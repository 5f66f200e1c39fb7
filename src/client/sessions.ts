import * as api from "../protocol/sessions.ts";
import { listSessionTracks, type SessionTrackQuery } from "../protocol/tracks.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on sessions: dialogues kept by agent CLIs. All but the reads are for the orchestrator that runs them. */
export const sessionVerbs = ({ ask }: Caller) => ({
  /** Lists sessions, newest first. */
  list: (query: Query<typeof api.SessionQuery> = {}, call?: Call) => ask(api.listSessions, { query }, call),

  /** Lists the states of live sessions, and of those that ended, over a time. */
  states: (query: Query<typeof SessionTrackQuery> = {}, call?: Call) => ask(listSessionTracks, { query }, call),

  get: (id: string, call?: Call): Promise<api.Session> => ask(api.getSession, { params: { id } }, call),

  /** Reports a session. With a lease it names the fence; an older one is refused as `claim-lost`. */
  put: (id: string, body: api.SessionDraft, call?: Call): Promise<api.Session> =>
    ask(api.putSession, { params: { id }, body }, call),

  /** Takes the lease of its native dialogue. `seenDead` takes one's own back; `force`, by an operator, frees it. */
  lease: (id: string, body: api.SessionLeaseDraft = {}, call?: Call): Promise<api.SessionLeased> =>
    ask(api.leaseSession, { params: { id }, body }, call),

  renew: (id: string, body: api.SessionFence, call?: Call): Promise<api.SessionLeased> =>
    ask(api.renewSession, { params: { id }, body }, call),

  /** Releases the lease: another orchestrator may take it. */
  release: (id: string, fence: number, call?: Call): Promise<api.Session> =>
    ask(api.releaseSession, { params: { id }, body: { fence } }, call),
});
