import { createClient, createConfig } from "./client/index.ts";
import {
  ackInbox,
  claimMessage,
  completeClaim,
  explainMessage,
  readInbox,
  registerAgent,
  sendMessage,
} from "./sdk.gen.ts";

/** The same seven calls by functions of hey-api, which throw the problem when told to. */
export async function calls(url: string, token: string) {
  const client = createClient(createConfig({ baseUrl: url, auth: token }));
  const how = { client, throwOnError: true } as const;
  const registered = await registerAgent({ ...how, path: { id: "builder" }, body: { name: "Builder" } });
  const sent = await sendMessage({
    ...how,
    body: { to: registered.data.id, body: "Build it.", claimable: true, payload: { branch: "main" } },
  });
  if (!("threadId" in sent.data)) throw new Error("stored for later");
  const path = { id: sent.data.id };
  const { data: taken } = await claimMessage({ ...how, path, body: { agentId: "builder" } });
  await completeClaim({ ...how, path, body: { token: taken.claim.token, result: "Built." } });
  const { data: inbox } = await readInbox({ ...how, path: { id: "user" }, query: { after: 0, limit: 10 } });
  const { data: acked } = await ackInbox({ ...how, path: { id: "user" }, body: { upTo: inbox.head } });
  const { data: story } = await explainMessage({ ...how, path });
  return {
    branch: taken.message.payload?.branch,
    results: inbox.items.map(({ body }) => body),
    cursor: acked.cursor,
    steps: story.facts.map(({ step }) => step),
  };
}
