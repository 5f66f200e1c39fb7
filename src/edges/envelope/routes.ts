import { ok, type Route, route } from "../../identity/auth/route.ts";
import * as api from "../../protocol/digest.ts";
import type { DigestService } from "./service.ts";

/** The text that wakes an agent through its harness. */
export function digestRoutes(digests: DigestService): Route[] {
  return [route(api.readDigest, async ({ caller, params, query }) => ok(await digests.read(caller, params.id, query)))];
}
