import {
  CancelledDelegations,
  Delegation,
  type DelegationCancel,
  type DelegationDraft,
  DelegationList,
  type DelegationProgress,
  type DelegationQuery,
  type DelegationResponse,
} from "../protocol/delegations.ts";
import { type Caller, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

/** With a key of the caller's own, a repeat by another process is recognised as well. */
type Keyed = Call & { idempotencyKey?: string };

/** How long one call waits for the answer. */
const WAIT_SECONDS = 50;

/** The verbs on requests that owe an answer. */
export function delegationVerbs({ ask, agentId }: Caller) {
  const pathOf = (id: string, verb = "") => `/v1/delegations/${part(id)}${verb}`;

  /** Under a key, what was not answered may be sent again. */
  function send(path: string, body: object, { idempotencyKey = randomKey(), ...call }: Keyed = {}) {
    const headers = { "idempotency-key": idempotencyKey };
    return ask({ method: "POST", path, body, headers, answer: Delegation, repeatable: true }, call);
  }
  const worker = (call?: Call) => {
    const named = call?.agentId ?? agentId;
    return named === undefined ? {} : { agentId: named };
  };

  return {
    /** Asks. Problems: `unknown-target`, `budget-exceeded`, `too-deep`, `cycle`. */
    ask(draft: DelegationDraft, call?: Keyed): Promise<Delegation> {
      const from = draft.from ?? call?.agentId ?? agentId;
      return send("/v1/delegations", { ...draft, ...(from && { from }) }, call);
    },

    /** As it is now; with `waitSeconds` as soon as it has ended, if that is sooner. */
    get(id: string, { waitSeconds, ...call }: Call & { waitSeconds?: number } = {}): Promise<Delegation> {
      const query = { waitSeconds };
      const answer = Delegation;
      return ask({ method: "GET", path: pathOf(id), query, answer, repeatable: true, waitSeconds }, call);
    },

    /** Comes back when it has ended, at its deadline at the latest. */
    async wait(id: string, call: Call = {}): Promise<Delegation> {
      for (;;) {
        const delegation = await this.get(id, { ...call, waitSeconds: WAIT_SECONDS });
        if (delegation.endedAt !== null) return delegation;
      }
    },

    /** What the caller may read, newest first. */
    list(query: Query<typeof DelegationQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/delegations", query, answer: DelegationList, repeatable: true }, call);
    },

    /** Answers, or says with `error` that it cannot be done; also late. Problems: `not-open`, `gone`. */
    answer: (id: string, body: DelegationResponse, call?: Keyed) =>
      send(pathOf(id, "/response"), { ...worker(call), ...body }, call),

    /** Tells the asker how far it is, or with `question` asks back. */
    progress: (id: string, body: DelegationProgress, call?: Keyed) =>
      send(pathOf(id, "/progress"), { ...worker(call), ...body }, call),

    /** By who asked, or an operator; with `tree` also what came of it. */
    cancel(id: string, body: DelegationCancel = {}, call?: Call): Promise<CancelledDelegations> {
      const path = pathOf(id, "/cancel");
      return ask({ method: "POST", path, body, answer: CancelledDelegations, repeatable: true }, call);
    },
  };
}
