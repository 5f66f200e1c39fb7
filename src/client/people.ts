import * as api from "../protocol/people.ts";
import type { Caller, Query } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Verbs on people: those who sit at `user`. */
export const peopleVerbs = ({ ask }: Caller) => ({
  /** Adds or changes a person; for operators. Members left out keep their value. */
  put: (id: string, body: api.PersonDraft, call?: Call): Promise<api.Person> =>
    ask(api.putPerson, { params: { id }, body }, call),

  get: (id: string, call?: Call): Promise<api.Person> => ask(api.getPerson, { params: { id } }, call),

  /** Lists people by id, without deleted ones. */
  list: (query: Query<typeof api.PersonQuery> = {}, call?: Call) => ask(api.listPeople, { query }, call),

  /** Deletes a person and revokes their tokens; for operators. */
  delete: (id: string, call?: Call): Promise<void> => ask(api.deletePerson, { params: { id } }, call),
});
