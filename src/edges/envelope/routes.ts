import { AgentPath } from "../../core/messages/routes.ts";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import { Digest, DigestQuery } from "../../protocol/digest.ts";
import { createDigests, type DigestParts } from "./digests.ts";

/** The text that wakes an agent through its harness. */
export function wakeRoutes(parts: DigestParts): Route[] {
  const digests = createDigests(parts);
  return [
    route({
      method: "GET",
      path: "/v1/agents/{id}/inbox/digest",
      operationId: "readDigest",
      summary: "Read an agent's unread messages as one text for a model",
      description:
        "Urgent ones first, then the oldest, each in an envelope that says who wrote it; the rest folded by thread. Moves " +
        "nothing: acknowledge up to `ack` once the model has the text.",
      tag: "Inbox",
      params: AgentPath,
      query: DigestQuery,
      answers: { 200: { description: "The text, and what is in it.", schema: Digest } },
      problems: ["forbidden", "not-found", "gone", "superseded", "ahead-of-log"],
      run: async ({ caller, params, query }) => ok(await digests.read(caller, params.id, query)),
    }),
  ];
}
