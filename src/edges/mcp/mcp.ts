import type { Messaging } from "../../core/core.ts";
import type { createReading } from "../../core/inbox/wiring.ts";
import type { Delegations } from "../../features/delegations/service.ts";
import type { HistoryService } from "../../features/traces/history.ts";
import { type Call, type Dialect, inDialect, type Route, route } from "../../identity/auth/route.ts";
import { lazy } from "../../kernel/lazy.ts";
import * as api from "../../protocol/mcp.ts";
import type { Problem, ProblemCode } from "../../protocol/problem.ts";
import type { Gate } from "../http/gate.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ServerMaker, Watch } from "./server.ts";
import type { Desk } from "./services.ts";
import type { McpSessions } from "./sessions.ts";

export interface McpParts {
  messaging: Messaging;
  reading: ReturnType<typeof createReading>;
  delegations: Delegations;
  history: HistoryService;
  sessions: McpSessions;
  gate: Gate;
  /** Serves something else over the same endpoint: for the conformance tests, which want tools of their own. */
  makeServer?: ServerMaker | undefined;
  onError(error: unknown, stage?: string): void;
}

/** Wires MCP: the tools, the endpoint, its three methods. */
export function createMcp(parts: McpParts) {
  const { messaging, reading, delegations, history, sessions, onError } = parts;
  const listeners: Watch["called"][] = [];
  const called: Watch["called"] = (tool, outcome) => {
    for (const listener of listeners) listener(tool, outcome);
  };
  const desk: Desk = { ...messaging, ...reading, delegations, history };
  // The SDK and the tools take a third of a start to load: they wait for the first client.
  const endpoint = lazy(async () => {
    const [{ createEndpoint }, { createServerMaker }, { mayFollow }] = await Promise.all([
      import("./endpoint.ts"),
      import("./server.ts"),
      import("./resources.ts"),
    ]);
    return createEndpoint({
      ...{ ...messaging, ...reading, sessions, onError },
      gate: parts.gate,
      makeServer: parts.makeServer ?? createServerMaker(desk, { called, onError }),
      mayFollow: (caller, uri) => mayFollow(desk, caller, uri),
    });
  });
  /** What the protocol answers carries our headers, too. */
  const answering = (verb: keyof Endpoint) => async (call: Call<unknown, unknown, unknown>) => {
    const response = await (await endpoint())[verb](call);
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(call.headers)) if (!headers.has(name)) headers.set(name, value);
    return new Response(response.body, { status: response.status, headers });
  };

  return {
    /** Told of each call of a tool, and how it went. */
    onCalled: (listener: Watch["called"]) => listeners.push(listener),
    bindings: (): Route[] =>
      inDialect(JSON_RPC, [
        route(api.mcpRequest, answering("post")),
        route(api.mcpStream, answering("get")),
        route(api.mcpEnd, answering("end")),
      ]),
  };
}

/** What is refused before the protocol is asked is said in its words, too. */
const JSON_RPC: Dialect = {
  types: [],
  refusal: (problem) => ({
    status: problem.status,
    type: "application/json",
    body: { jsonrpc: "2.0", error: { code: CODES[problem.code] ?? -32_000, message: wordsOf(problem) }, id: null },
  }),
};
/** Of JSON-RPC 2.0; what has none of its own there is a server's error. */
const CODES: Partial<Record<ProblemCode, number>> = { internal: -32_603, invalid: -32_602 };
const wordsOf = ({ code, message }: Problem): string => `${code}: ${message}`;
