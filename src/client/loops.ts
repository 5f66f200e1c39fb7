import * as api from "../protocol/loops.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on loops: chains and threads of agents that were paused. */
export const loopVerbs = ({ ask }: Caller) => ({
  /** Lists loops, newest first; for operators and viewers. */
  list: (query: Query<typeof api.LoopQuery> = {}, call?: Call) => ask(api.listLoops, { query }, call),

  /** Resumes a chain, which counts from zero; for operators. */
  resume: (rootId: number, call?: Call): Promise<api.Loop> => ask(api.resumeLoop, { params: { rootId } }, call),
});
