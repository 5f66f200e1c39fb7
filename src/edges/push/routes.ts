import { ok, type Route, route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/push.ts";
import type { PushService } from "./service.ts";

/** Browsers that are told by push. */
export function pushRoutes(db: Db, push: PushService, publicKey: () => Promise<string>): Route[] {
  const { list, register, remove } = routesOn(db);
  return [
    route(api.getPushKey, async ({ caller }) => {
      push.requirePerson(caller);
      return ok({ key: await publicKey() });
    }),
    register(api.createPushSubscription, (tx, { caller, body }) => push.add(tx, caller, body)),
    list(api.listPushSubscriptions, (on, { caller }) => push.list(on, caller)),
    remove(api.deletePushSubscription, (tx, { caller, params }) => push.remove(tx, caller, params.id)),
  ];
}
