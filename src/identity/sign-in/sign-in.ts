import { lateRoutes } from "../auth/late-routes.ts";
import type { AuthService } from "../auth/service.ts";
import type { Base } from "../base.ts";
import { createSignInService } from "./service.ts";

/** Browsers of people: links that sign them in, and their cookies. */
export function createSignIn(base: Base, auth: AuthService, publicUrl: string | undefined) {
  const service = createSignInService(base, auth);
  const paths = ["/v1/sign-in-links", "/v1/sign-in", "/v1/sign-out"];
  return {
    linkOfRelay: service.linkOfRelay,
    routes: lateRoutes(paths, async () =>
      (await import("./routes.ts")).signInRoutes(base.kernel.db, service, publicUrl),
    ),
  };
}
