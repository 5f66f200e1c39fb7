import type { Route } from "../../identity/auth/route.ts";
import type { Front } from "./front.ts";
import { restRoutes } from "./rest-routes.ts";
import { rpcRoutes } from "./rpc-routes.ts";

/** Both bindings of the protocol. The OpenAPI document leaves them out: their description is the protocol's. */
export function bindingRoutes(front: Front): Route[] {
  return [...rpcRoutes(front), ...restRoutes(front)];
}
