import * as api from "../protocol/models.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on the models that agents can be told to use. */
export const modelVerbs = ({ ask, self }: Caller) => ({
  /** Replaces the models of the agent acted for. */
  put: async (report: api.ModelsReport, call?: Call): Promise<api.AgentModels> =>
    ask(api.putModels, { params: { id: await self(call) }, body: report }, call),

  /** Lists the models of all agents, by id. */
  list: (query: Query<typeof api.ModelQuery> = {}, call?: Call) => ask(api.listModels, { query }, call),
});
