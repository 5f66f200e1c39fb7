import * as api from "../protocol/traces.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on what agents think and do about messages. */
export function traceVerbs({ ask, askOnce, acting }: Caller) {
  return {
    /** Says what was thought and done about a message, in this order. Said again with the same key it is there once. */
    add: (id: number, body: api.TraceDraft[], call?: Keyed): Promise<api.TracesAdded> =>
      askOnce(api.addTraces, { params: { id }, query: acting<{ agentId?: string }>("agentId", {}, call), body }, call),

    /** Of one message, oldest first. */
    list: (id: number, query: Query<typeof api.TraceQuery> = {}, call?: Call) =>
      ask(api.listTraces, { params: { id }, query }, call),

    /** Messages with their traces up to a level: the newest page first, within a page oldest first. */
    history: (query: Query<typeof api.HistoryQuery> = {}, call?: Call) => ask(api.readHistory, { query }, call),
  };
}
