import createClient from "openapi-fetch";
import type { paths } from "./types.ts";

/** Seven calls of a client by openapi-typescript, which throws nothing by itself. */
export async function calls(url: string, token: string) {
  const api = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } });
  const builder = { path: { id: "builder" } };
  const registered = must(await api.PUT("/v1/agents/{id}", { params: builder, body: { name: "Builder" } }));
  const sent = must(
    await api.POST("/v1/messages", {
      body: { to: registered.id, body: "Build it.", claimable: true, payload: { branch: "main" } },
    }),
  );
  if (!("threadId" in sent)) throw new Error("stored for later");
  const message = { path: { id: sent.id } };
  const { claim, message: claimed } = must(
    await api.POST("/v1/messages/{id}/claim", { params: message, body: { agentId: "builder" } }),
  );
  must(
    await api.POST("/v1/messages/{id}/complete", { params: message, body: { token: claim.token, result: "Built." } }),
  );
  const inbox = must(
    await api.GET("/v1/agents/{id}/inbox", { params: { path: { id: "user" }, query: { after: 0, limit: 10 } } }),
  );
  const acked = must(
    await api.POST("/v1/agents/{id}/inbox/ack", { params: { path: { id: "user" } }, body: { upTo: inbox.head } }),
  );
  const story = must(await api.GET("/v1/messages/{id}/explain", { params: message }));
  return {
    branch: claimed.payload?.branch,
    results: inbox.items.map(({ body }) => body),
    cursor: acked.cursor,
    steps: story.facts.map(({ step }) => step),
  };
}

function must<T>({ data, error }: { data?: T; error?: { detail: string } }): T {
  if (data === undefined) throw new Error(error?.detail);
  return data;
}
