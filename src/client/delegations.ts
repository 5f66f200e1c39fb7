import * as api from "../protocol/delegations.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Seconds that one call waits for the answer. */
const WAIT_SECONDS = 50;

/** Verbs on requests that owe an answer. */
export const delegationVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Sends a request. Problems: `unknown-target`, `budget-exceeded`, `too-deep`, `cycle`. */
  ask: (draft: api.DelegationDraft, call?: Keyed): Promise<api.Delegation> =>
    askOnce(api.delegate, { body: acting("from", draft, call) }, call),

  /** Returns a delegation; with `waitSeconds`, waits that long for its end. */
  get: (id: string, { waitSeconds, ...call }: Call & { waitSeconds?: number } = {}): Promise<api.Delegation> =>
    ask(api.getDelegation, { params: { id }, query: { waitSeconds } }, call),

  /** Resolves when a delegation has ended, at its deadline at the latest. */
  async wait(id: string, call: Call = {}): Promise<api.Delegation> {
    for (;;) {
      const delegation = await this.get(id, { ...call, waitSeconds: WAIT_SECONDS });
      if (delegation.endedAt !== null) return delegation;
    }
  },

  /** Lists the delegations that the caller may read, newest first. */
  list: (query: Query<typeof api.DelegationQuery> = {}, call?: Call) => ask(api.listDelegations, { query }, call),

  /** Answers a delegation, or refuses it with `error`; also late. Problems: `not-open`, `gone`. */
  answer: (id: string, body: api.DelegationResponse, call?: Keyed): Promise<api.Delegation> =>
    askOnce(api.answerDelegation, { params: { id }, body: acting("agentId", body, call) }, call),

  /** Reports progress to the requester, or asks back with `question`. */
  progress: (id: string, body: api.DelegationProgress, call?: Keyed): Promise<api.Delegation> =>
    askOnce(api.reportProgress, { params: { id }, body: acting("agentId", body, call) }, call),

  /** Cancels a delegation, with `tree` also those below it; for the requester and operators. */
  cancel: (id: string, body: api.DelegationCancel = {}, call?: Call): Promise<api.CancelledDelegations> =>
    ask(api.cancelDelegation, { params: { id }, body }, call),
});
