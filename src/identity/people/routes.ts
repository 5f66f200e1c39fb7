import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/people.ts";
import { type Route, routesOn } from "../auth/route.ts";
import type { PeopleService } from "./service.ts";

/** The people of an installation. */
export function peopleRoutes(db: Db, people: PeopleService): Route[] {
  const { get, list, register, remove } = routesOn(db);
  return [
    register(api.putPerson, (tx, { caller, params, body }) => people.put(tx, caller, params.id, body)),
    list(api.listPeople, (on, { caller, query }) => people.list(on, caller, query)),
    get(api.getPerson, (on, { caller, params }) => people.get(on, caller, params.id)),
    remove(api.deletePerson, (tx, { caller, params }) => people.remove(tx, caller, params.id)),
  ];
}
