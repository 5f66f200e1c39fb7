import { type Route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/profiles.ts";
import type { ProfileService } from "./service.ts";

/** Profiles of agents. */
export function profileRoutes(db: Db, profiles: ProfileService): Route[] {
  const { get, list, register, remove } = routesOn(db);
  return [
    list(api.listProfiles, (on, { caller, query }) => profiles.list(on, caller, query)),
    get(api.getProfile, (on, { caller, params }) => profiles.get(on, caller, params.name)),
    register(api.putProfile, (tx, { caller, params, body }) => profiles.put(tx, caller, params.name, body)),
    remove(api.deleteProfile, (tx, { caller, params }) => profiles.remove(tx, caller, params.name)),
  ];
}
