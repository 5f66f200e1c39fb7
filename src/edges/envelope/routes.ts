import { ok, type Route, route, routesOn } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import * as api from "../../protocol/digest.ts";
import { getRunPrompt } from "../../protocol/run-routes.ts";
import type { Letters } from "./letters-of.ts";
import type { Prompts } from "./run-prompt.ts";
import type { DigestService } from "./service.ts";

interface Services {
  digests: DigestService;
  letters: Letters;
  prompts: Prompts;
}

/** Texts for models: the digest that wakes an agent through its harness, one message, and the prompt that begins a run. */
export function textRoutes(db: Db, { digests, letters, prompts }: Services): Route[] {
  return [
    route(api.readDigest, async ({ caller, params, query }) => ok(await digests.read(caller, params.id, query))),
    route(api.readLetter, async ({ caller, params, query }) => ok(await letters.read(caller, params.id, query))),
    routesOn(db).get(getRunPrompt, (on, { caller, params }) => prompts.of(on, caller, params.id)),
  ];
}
