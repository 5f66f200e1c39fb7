import * as api from "../protocol/threads.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on threads, for people. `messages.thread` has the messages of one. */
export const threadVerbs = ({ ask }: Caller) => ({
  /** Lists threads, newest activity first. */
  list: (query: Query<(typeof api.listThreads)["query"] & object> = {}, call?: Call): Promise<api.ThreadList> =>
    ask(api.listThreads, { query }, call),

  /** Names a thread, archives it, or chooses whom it goes to. */
  change: (id: number, body: api.ThreadChange, call?: Call): Promise<api.ThreadSummary> =>
    ask(api.changeThread, { params: { id }, body }, call),

  /** Marks it as read up to a message, for the caller's person. */
  read: (id: number, upTo: number, call?: Call): Promise<api.ThreadSummary> =>
    ask(api.readThread, { params: { id }, body: { upTo } }, call),
});
