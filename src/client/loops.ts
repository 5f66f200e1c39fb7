import { Loop, LoopList, type LoopQuery } from "../protocol/loops.ts";
import { type Caller, part, type Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** The verbs on what agents overdid: chains and threads that were paused. */
export function loopVerbs({ ask }: Caller) {
  return {
    /** For operators and viewers, newest first. */
    list(query: Query<typeof LoopQuery> = {}, call?: Call) {
      return ask({ method: "GET", path: "/v1/loops", query, answer: LoopList, repeatable: true }, call);
    },

    /** For operators: the chain goes on, and counts anew. */
    resume(rootId: number, call?: Call): Promise<Loop> {
      return ask({ method: "POST", path: `/v1/loops/${part(rootId)}/resume`, answer: Loop, repeatable: true }, call);
    },
  };
}
