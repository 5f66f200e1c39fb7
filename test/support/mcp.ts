import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { atEnd, type TestRelay } from "./relay.ts";

export const ERAS = ["modern", "legacy"] as const;
export type Era = (typeof ERAS)[number];

export interface Answer {
  text: string;
  // The test decides the answer of a tool.
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  facts: any;
  isError: boolean;
}

/** An MCP client of one agent, in this process. */
export interface Peer {
  client: Client;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
}

export function answerOf(result: unknown): Answer {
  const { content, structuredContent, isError } = result as {
    content: { text: string }[];
    structuredContent?: unknown;
    isError?: boolean;
  };
  return { text: content[0]?.text ?? "", facts: structuredContent, isError: isError ?? false };
}

/** The SDK's own client, speaking to a relay in this process. */
export async function connect(
  relay: TestRelay,
  token: string,
  era: Era = "modern",
  how: { client?: Client; headers?: Record<string, string> } = {},
): Promise<Peer> {
  const mode = era === "modern" ? "auto" : "legacy";
  const client = how.client ?? new Client({ name: "probe", version: "1.0" }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), {
    requestInit: { headers: { authorization: `Bearer ${token}`, ...how.headers } },
    // Asked anew each time: the relay may have been restarted.
    fetch: async (url, init) => {
      const response = await relay.relay.app.handle(new Request(url, init));
      // As over a wire: who leaves takes no more of the answer.
      const body = response.body?.pipeThrough(new TransformStream(), init?.signal ? { signal: init.signal } : {});
      return new Response(body ?? null, response);
    },
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 50,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 50,
    },
  });
  await client.connect(transport);
  atEnd(() => client.close());
  return {
    client,
    call: async (name, args = {}) => answerOf(await client.callTool({ name, arguments: args })),
  };
}

/** A token of an agent that is not registered yet. */
export async function tokenFor(relay: TestRelay, agentId: string): Promise<string> {
  return (await relay.ask("POST", "/v1/tokens", { role: "agent", agentId })).body.token;
}

/** One JSON-RPC message of the modern era, by hand. */
export function rpc(relay: TestRelay, token: string, body: unknown, headers: Record<string, string> = {}) {
  const { method, params } = body as { method?: string; params?: { name?: string; uri?: string } };
  const named = params?.name ?? params?.uri;
  return relay.ask("POST", "/mcp", body, {
    token,
    headers: {
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      ...(method ? { "mcp-method": method } : {}),
      ...(named ? { "mcp-name": named } : {}),
      ...headers,
    },
  });
}

export const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "probe", version: "1.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
