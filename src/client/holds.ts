import * as api from "../protocol/holds.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on holds: stops for everything in a scope. */
export const holdVerbs = ({ ask, askOnce }: Caller) => ({
  /** Holds everything in a scope; for operators and members. Nothing in it begins until it is lifted. */
  create: (body: api.HoldDraft, call?: Keyed): Promise<api.Hold> => askOnce(api.createHold, { body }, call),

  /** Lists holds, newest first. */
  list: (query: Query<typeof api.HoldQuery> = {}, call?: Call) => ask(api.listHolds, { query }, call),

  /** Returns a hold, with what was seen to stop. */
  get: (id: string, call?: Call): Promise<api.Hold> => ask(api.getHold, { params: { id } }, call),

  /** Lifts a hold: its work begins again in steps. */
  lift: (id: string, call?: Call): Promise<api.Hold> => ask(api.liftHold, { params: { id } }, call),
});
