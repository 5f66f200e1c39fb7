import { type Call, type Dialect, inDialect, route } from "../../identity/auth/route.ts";
import { lazy } from "../../kernel/lazy.ts";
import * as api from "../../protocol/mcp.ts";
import type { Problem } from "../../protocol/problem.ts";
import type { ProblemCode } from "../../protocol/problem-codes.ts";
import type { Gate } from "../http/gate.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ServerMaker, ToolOutcome } from "./server.ts";
import type { McpAreas } from "./services.ts";
import { createMcpSessions } from "./sessions.ts";

export type Mcp = ReturnType<typeof createMcp>;

/**
 * MCP: the tools, the endpoint, its three methods.
 * @param makeServer serves something else over the same endpoint: for the conformance tests, which want tools of their own
 */
export function createMcp(areas: McpAreas & { gate: Gate }, makeServer?: ServerMaker) {
  const { hooks, onError } = areas.kernel;
  /** A tool was called. */
  const called = hooks.event<[tool: string, outcome: ToolOutcome]>("mcp.called");
  const sessions = createMcpSessions(areas.kernel);
  // Loaded with the first client: the SDK and the tools would take a third of a start.
  const endpoint = lazy(async () => {
    const [{ createEndpoint }, { createServerMaker }] = await Promise.all([
      import("./endpoint.ts"),
      import("./server.ts"),
    ]);
    return createEndpoint(
      areas,
      sessions,
      makeServer ?? createServerMaker(areas, { called: called.announce, onError }),
    );
  });
  /** Adds the relay's headers to the protocol's answer. */
  const answering = (verb: keyof Endpoint) => async (call: Call<unknown, unknown, unknown>) => {
    const response = await (await endpoint())[verb](call);
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(call.headers)) if (!headers.has(name)) headers.set(name, value);
    return new Response(response.body, { status: response.status, headers });
  };

  return {
    called,
    dropAgent: sessions.dropAgent,
    bindings: inDialect(JSON_RPC, [
      route(api.mcpRequest, answering("post")),
      route(api.mcpStream, answering("get")),
      route(api.mcpEnd, answering("end")),
    ]),
  };
}

/** Refusals of the relay, in the protocol's words. */
const JSON_RPC: Dialect = {
  types: [],
  refusal: (problem) => ({
    status: problem.status,
    type: "application/json",
    body: { jsonrpc: "2.0", error: { code: CODES[problem.code] ?? -32_000, message: wordsOf(problem) }, id: null },
  }),
};
/** Codes of JSON-RPC 2.0; any other problem is a server's error. */
const CODES: Partial<Record<ProblemCode, number>> = { internal: -32_603, invalid: -32_602 };
const wordsOf = ({ code, message }: Problem): string => `${code}: ${message}`;
