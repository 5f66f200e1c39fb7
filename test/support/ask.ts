import type { Answered } from "./relay.ts";
import type { TestServer } from "./server.ts";

interface How {
  token?: string;
  instance?: string;
  headers?: Record<string, string>;
}

/** One request to a server in its own process; the operator's token when none is given. */
export const asking =
  (server: Pick<TestServer, "url" | "operatorToken">) =>
  async (method: string, path: string, body?: unknown, how: How = {}): Promise<Answered> => {
    const headers: Record<string, string> = { authorization: `Bearer ${how.token ?? server.operatorToken}` };
    if (how.instance) headers["signalbox-instance"] = how.instance;
    if (body !== undefined) headers["content-type"] = "application/json";
    const init: RequestInit = { method, headers: { ...headers, ...how.headers } };
    if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(`${server.url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };

/** Registers a provider and makes it a token. */
export async function agentOn(ask: ReturnType<typeof asking>, id: string, fields: Record<string, unknown> = {}) {
  await ask("PUT", `/v1/agents/${id}`, { name: id, ...fields });
  const { token } = (await ask("POST", "/v1/tokens", { role: "agent", agentId: id })).body as { token: string };
  return { id, token };
}
