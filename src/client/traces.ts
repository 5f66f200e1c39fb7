import * as api from "../protocol/traces.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on traces: thoughts and actions of agents about messages. */
export const traceVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Adds traces to a message, in this order. The same key adds them once. */
  add: (id: number, body: api.TraceDraft[], call?: Keyed): Promise<api.TracesAdded> =>
    askOnce(api.addTraces, { params: { id }, query: acting<{ agentId?: string }>("agentId", {}, call), body }, call),

  /** Lists the traces of a message, oldest first. */
  list: (id: number, query: Query<typeof api.TraceQuery> = {}, call?: Call) =>
    ask(api.listTraces, { params: { id }, query }, call),

  /** Lists messages with their traces up to a level: newest page first, oldest first within a page. */
  history: (query: Query<typeof api.HistoryQuery> = {}, call?: Call) => ask(api.readHistory, { query }, call),
});
