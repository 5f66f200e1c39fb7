import { lateRoutes } from "../auth/late-routes.ts";
import type { AuthService } from "../auth/service.ts";
import type { Base } from "../base.ts";
import { createPeopleService } from "./service.ts";

/** The people who sit at `user`. */
export function createPeople(base: Base, auth: AuthService) {
  const service = createPeopleService(base, auth);
  return {
    live: service.live,
    bySender: service.bySender,
    operators: service.operators,
    isOperator: service.isOperator,
    load: service.load,
    routes: lateRoutes(["/v1/people"], async () => (await import("./routes.ts")).peopleRoutes(base.kernel.db, service)),
  };
}
