import {
  History,
  type HistoryQuery,
  type TraceDraft,
  TraceList,
  type TraceQuery,
  TracesAdded,
} from "../protocol/traces.ts";
import { type Caller, part, type Query } from "./caller.ts";
import { randomKey } from "./messages.ts";
import type { Call } from "./transport.ts";

const pathOf = (messageId: number) => `/v1/messages/${part(messageId)}/traces`;

/** The verbs on what agents think and do about messages. */
export function traceVerbs({ ask, agentId }: Caller) {
  return {
    /** Says what was thought and done about a message, in this order. Said again with the same key it is there once. */
    add(
      messageId: number,
      traces: TraceDraft[],
      { idempotencyKey = randomKey(), ...call }: Call & { idempotencyKey?: string } = {},
    ): Promise<TracesAdded> {
      const query = { agentId: call.agentId ?? agentId };
      const headers = { "idempotency-key": idempotencyKey };
      const answer = TracesAdded;
      return ask(
        { method: "POST", path: pathOf(messageId), query, headers, body: traces, answer, repeatable: true },
        call,
      );
    },

    /** Of one message, oldest first. */
    list(messageId: number, query: Query<typeof TraceQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: pathOf(messageId), query, answer: TraceList, repeatable: true }, call);
    },

    /** Messages with their traces up to a level: the newest page first, within a page oldest first. */
    history(query: Query<typeof HistoryQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/history", query, answer: History, repeatable: true }, call);
    },
  };
}
