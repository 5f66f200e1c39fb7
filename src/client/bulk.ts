import * as api from "../protocol/bulk.ts";
import type { Caller, Keyed, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on bulk actions: one action on everything that a filter matches. */
export const bulkVerbs = ({ ask, askOnce }: Caller) => ({
  /** Begins one. The answer comes at once; read it again for its progress. */
  create: (body: api.BulkDraft, call?: Keyed): Promise<api.Bulk> => askOnce(api.createBulk, { body }, call),

  /** Lists them, newest first. */
  list: (query: Query<typeof api.BulkQuery> = {}, call?: Call) => ask(api.listBulk, { query }, call),

  get: (id: string, call?: Call): Promise<api.Bulk> => ask(api.getBulk, { params: { id } }, call),

  /** Stops one; what was done stays done. */
  stop: (id: string, call?: Call): Promise<api.Bulk> => ask(api.stopBulk, { params: { id } }, call),
});
