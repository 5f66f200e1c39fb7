import * as api from "../protocol/loops.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on what agents overdid: chains and threads that were paused. */
export function loopVerbs({ ask }: Caller) {
  return {
    /** For operators and viewers, newest first. */
    list: (query: Query<typeof api.LoopQuery> = {}, call?: Call) => ask(api.listLoops, { query }, call),

    /** For operators: the chain goes on, and counts anew. */
    resume: (rootId: number, call?: Call): Promise<api.Loop> => ask(api.resumeLoop, { params: { rootId } }, call),
  };
}
