import { ok, type Route, route } from "../../identity/auth/route.ts";
import * as api from "../../protocol/digest.ts";
import { createDigests, type DigestParts } from "./digests.ts";

/** The text that wakes an agent through its harness. */
export function wakeRoutes(parts: DigestParts): Route[] {
  const digests = createDigests(parts);
  return [route(api.readDigest, async ({ caller, params, query }) => ok(await digests.read(caller, params.id, query)))];
}
