import type { z } from "zod";
import type { EventsAppended, RunEventInput, RunPartList, RunPartQuery } from "../protocol/run-events.ts";
import * as routes from "../protocol/run-routes.ts";
import type * as api from "../protocol/runs.ts";
import { type Caller, type Keyed, type Query, randomKey } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Call of a runner: `run` is the token of the running turn. */
export type RunnerCall = Call & { run: string };

/** One verb for each route of runs. Those of the runner need the token of its turn, and fail with `claim-lost` after it. */
export const runVerbs = ({ ask, askOnce, acting }: Caller) => ({
  /** Begins a run of the agent acted for (then it has a `token`), or asks another agent for one. */
  create: (draft: api.RunDraft, call?: Keyed): Promise<api.Run> =>
    askOnce(routes.createRun, { body: acting("agentId", draft, call) }, call),

  /** Takes the waiting turn of a run; `again` begins one in a run that was lost. A repeat gives the same token. */
  take: (id: string, body: api.RunStart = {}, call?: Call): Promise<api.RunStarted> =>
    ask(routes.startRun, { params: { id }, body, repeatable: !body.again }, call),

  /** Lists the runs that the caller may read, newest first. */
  list: (query: Query<typeof api.RunQuery> = {}, call?: Call) => ask(routes.listRuns, { query }, call),

  get: (id: string, call?: Call): Promise<api.Run> => ask(routes.getRun, { params: { id } }, call),

  /** A run with its descendants, and their usage in sum. */
  tree: (id: string, call?: Call): Promise<api.RunTree> => ask(routes.getRunTree, { params: { id } }, call),

  /** Text that tells the model of a run its role and rules. */
  prompt: (id: string, call?: Call) => ask(routes.getRunPrompt, { params: { id } }, call),

  /** Files that a run changed, each once. */
  diff: (id: string, call?: Call): Promise<api.RunDiff> => ask(routes.getRunDiff, { params: { id } }, call),

  /** Appends events up to the first gap. A repeat, known by source and seq, changes nothing. */
  append: (id: string, events: RunEventInput[], call: RunnerCall): Promise<EventsAppended> =>
    ask(routes.appendRunEvents, { params: { id }, body: { events } }, call),

  renew: (id: string, body: api.RunRenew, call: RunnerCall): Promise<api.RunRenewed> =>
    ask(routes.renewRun, { params: { id }, body }, call),

  /** Ends the running turn. Problem: `required-result`. */
  finish: (id: string, body: api.RunFinish, call: RunnerCall): Promise<api.Run> =>
    ask(routes.finishRun, { params: { id }, body }, call),

  /** Asks a run to stop, by default with the runs that it asked for. */
  abort: (id: string, body: api.RunAbort = {}, call?: Call): Promise<api.RunAborted> =>
    ask(routes.abortRun, { params: { id }, body }, call),

  /** Says something to a run. Its `id`, by default one of our own, makes a repeat the same. */
  tell: (id: string, body: api.RunMessage, call?: Call): Promise<api.RunTold> =>
    ask(routes.tellRun, { params: { id }, body: { id: randomKey(), ...body }, repeatable: true }, call),

  /** Lists stored parts, oldest first. `follow` goes on with those to come. */
  events: (id: string, query: Partial<z.output<typeof RunPartQuery>> = {}, call?: Call): Promise<RunPartList> =>
    ask(routes.listRunEvents, { params: { id }, query }, call),
});
