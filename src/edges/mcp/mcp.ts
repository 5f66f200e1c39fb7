import type { Messaging } from "../../core/core.ts";
import type { createReading } from "../../core/inbox/wiring.ts";
import type { Delegations } from "../../features/delegations/service.ts";
import type { HistoryService } from "../../features/traces/history.ts";
import { type Call, type Dialect, type Route, route } from "../../identity/auth/route.ts";
import { lazy } from "../../kernel/lazy.ts";
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

const ANSWERS = { 200: { description: "JSON-RPC, as JSON or as Server-Sent Events." } };

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
  const shared = { path: "/mcp", tag: "MCP", long: true, dialect: JSON_RPC, answers: ANSWERS };

  return {
    /** Told of each call of a tool, and how it went. */
    onCalled: (listener: Watch["called"]) => listeners.push(listener),
    /** Streamable HTTP: one path, three methods. They speak JSON-RPC, and so are no part of the OpenAPI document. */
    bindings: (): Route[] => [
      route({
        ...{ ...shared, method: "POST", operationId: "mcpRequest", summary: "One JSON-RPC message" },
        run: answering("post"),
      }),
      route({
        ...{ ...shared, method: "GET", operationId: "mcpStream", summary: "The notifications of a session" },
        run: answering("get"),
      }),
      route({
        ...{ ...shared, method: "DELETE", operationId: "mcpEnd", summary: "End a session" },
        run: answering("end"),
      }),
    ],
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
