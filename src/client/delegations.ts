import * as api from "../protocol/delegations.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** How long one call waits for the answer. */
const WAIT_SECONDS = 50;

/** The verbs on requests that owe an answer. */
export function delegationVerbs({ ask, askOnce, acting }: Caller) {
  return {
    /** Asks. Problems: `unknown-target`, `budget-exceeded`, `too-deep`, `cycle`. */
    ask: (draft: api.DelegationDraft, call?: Keyed): Promise<api.Delegation> =>
      askOnce(api.delegate, { body: acting("from", draft, call) }, call),

    /** As it is now; with `waitSeconds` as soon as it has ended, if that is sooner. */
    get: (id: string, { waitSeconds, ...call }: Call & { waitSeconds?: number } = {}): Promise<api.Delegation> =>
      ask(api.getDelegation, { params: { id }, query: { waitSeconds } }, call),

    /** Comes back when it has ended, at its deadline at the latest. */
    async wait(id: string, call: Call = {}): Promise<api.Delegation> {
      for (;;) {
        const delegation = await this.get(id, { ...call, waitSeconds: WAIT_SECONDS });
        if (delegation.endedAt !== null) return delegation;
      }
    },

    /** What the caller may read, newest first. */
    list: (query: Query<typeof api.DelegationQuery> = {}, call?: Call) => ask(api.listDelegations, { query }, call),

    /** Answers, or says with `error` that it cannot be done; also late. Problems: `not-open`, `gone`. */
    answer: (id: string, body: api.DelegationResponse, call?: Keyed): Promise<api.Delegation> =>
      askOnce(api.answerDelegation, { params: { id }, body: acting("agentId", body, call) }, call),

    /** Tells the asker how far it is, or with `question` asks back. */
    progress: (id: string, body: api.DelegationProgress, call?: Keyed): Promise<api.Delegation> =>
      askOnce(api.reportProgress, { params: { id }, body: acting("agentId", body, call) }, call),

    /** By who asked, or an operator; with `tree` also what came of it. */
    cancel: (id: string, body: api.DelegationCancel = {}, call?: Call): Promise<api.CancelledDelegations> =>
      ask(api.cancelDelegation, { params: { id }, body }, call),
  };
}
