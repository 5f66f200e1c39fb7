import {
  inputRequired,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { harmlessLine } from "../../protocol/harmless.ts";
import { Problem } from "../../protocol/problem.ts";
import { VERSION } from "../../version.ts";
import { answer, delegate, status } from "./delegations.ts";
import { ETIQUETTE, INSTRUCTIONS } from "./etiquette.ts";
import { brief, history } from "./history.ts";
import type { Flight } from "./in-flight.ts";
import { inbox } from "./inbox.ts";
import { reply, send, who } from "./messages.ts";
import { mayFollow, RESOURCES, readResource, TEMPLATES } from "./resources.ts";
import { runs } from "./runs.ts";
import { type AgentCaller, envelopesFor, type McpAreas, type Turn } from "./services.ts";
import { definitionsOf, type Tool } from "./tool.ts";
import { claim, finish } from "./work.ts";

export const TOOLS: readonly Tool[] = [
  ...[brief, inbox, who, send, reply],
  ...[claim, finish, delegate, answer, runs, status, history],
];
export const DEFINITIONS = definitionsOf(TOOLS);
const byName = new Map(TOOLS.map((tool) => [tool.name, tool]));

const PROMPT = { name: "etiquette", description: "How to work with others on this relay." };

/** One request: its caller and its origin. */
export interface McpRequest {
  caller: AgentCaller;
  signal: AbortSignal;
  /** The method asked for: only its group of handlers is set up. */
  method: string | undefined;
  /** 2026-07-28 asks without sessions, and lets a call be answered with a question to the person. */
  era: "modern" | "legacy";
  /** Cancellation of this call by its session. */
  flight?: Flight | undefined;
  /** Stores a subscription of a session; none in the modern era. */
  subscribe?: ((uri: string, wanted: boolean) => Promise<boolean>) | undefined;
}

/** Makes the server of one request, which is thrown away after it. */
export type ServerMaker = (asked: McpRequest) => Server | McpServer;

export type ToolOutcome = "done" | "refused" | "asked";

/** Observers of calls and of their faults. */
export interface ToolObserver {
  called(tool: string, outcome: ToolOutcome): void;
  onError(error: unknown, stage: string): void;
}

/** The relay as an MCP server. A server keeps no state: every answer is read from the database. */
export function createServerMaker(areas: McpAreas, observer: ToolObserver): ServerMaker {
  return (asked) => {
    const server = new Server(
      { name: "signalbox", title: "Signalbox", version: VERSION },
      {
        instructions: INSTRUCTIONS,
        capabilities: {
          tools: { listChanged: false },
          resources: { listChanged: false, subscribe: true },
          prompts: { listChanged: false },
        },
      },
    );
    const group = asked.method?.split("/", 1)[0];
    if (group === "tools") serveTools(server, areas, asked, observer);
    if (group === "resources") serveResources(server, areas, asked);
    if (group === "prompts") servePrompts(server);
    return server;
  };
}

function servePrompts(server: Server): void {
  server.setRequestHandler("prompts/list", () => ({ prompts: [PROMPT] }));
  server.setRequestHandler("prompts/get", ({ params }) => {
    if (params.name !== PROMPT.name)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no prompt ${harmlessLine(params.name, 80)}`);
    return { messages: [{ role: "user", content: { type: "text", text: ETIQUETTE } }] };
  });
}

function serveTools(server: Server, areas: McpAreas, asked: McpRequest, observer: ToolObserver): void {
  server.setRequestHandler("tools/list", () => ({ tools: DEFINITIONS }));
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const tool = byName.get(params.name);
    try {
      if (!tool)
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${harmlessLine(params.name, 80)}`);
      const input = parsed(tool, params.arguments);
      const told = await tool.run(areas, turnOf(server, asked, context), input as never);
      observer.called(tool.name, told.asks === undefined ? "done" : "asked");
      if (told.asks !== undefined) return question(told.asks);
      return { content: [{ type: "text", text: told.text }], structuredContent: told.facts };
    } catch (error) {
      if (!tool || error instanceof ProtocolError) throw error;
      observer.called(tool.name, "refused");
      if (!(error instanceof Problem) || error.status >= 500) observer.onError(error, `tool ${tool.name}`);
      return { content: [{ type: "text", text: refusal(areas, asked, error) }], isError: true };
    } finally {
      asked.flight?.end();
    }
  });
}

/** @throws Problem 422 */
function parsed(tool: Tool, given: unknown): unknown {
  const result = tool.input.safeParse(withoutNulls(tool, given ?? {}));
  if (result.success) return result.data;
  const errors = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "arguments"}: ${message}`);
  throw new Problem("invalid", errors.join("; "));
}

/** Drops `null` for optional arguments: clients of some languages write every member. */
function withoutNulls({ input }: Tool, given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const { shape } = input;
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== null || !shape[name]?.safeParse(undefined).success),
  );
}

/** The fault, for a model: its code, and the way out. */
function refusal(areas: McpAreas, turn: Pick<Turn, "caller">, error: unknown): string {
  if (!(error instanceof Problem)) return "internal: Something went wrong here; it was logged.";
  const { suggestions, errors, retryAfterSeconds } = error.extras;
  const isSaid = errors?.[0] && error.message.includes(errors[0].message);
  const places = isSaid ? [] : (errors ?? []).map(({ pointer, message }) => `${pointer} ${message}`);
  const names = (suggestions ?? []).filter((name) => PLAIN_NAME.test(name));
  const more = [
    ...(names.length ? [`Did you mean ${names.join(", ")}?`] : []),
    ...(places.length ? [places.join("; ")] : []),
    ...(retryAfterSeconds === undefined ? [] : [`Try again in ${retryAfterSeconds} s.`]),
  ];
  const text = harmlessLine([error.message, ...more].join(" "), 600);
  // Group names are words of others.
  return GROUP_NAME.test(text)
    ? envelopesFor(areas, turn).quote(`refused: ${error.code}`, text, 300)
    : `${error.code}: ${text}`;
}

const PLAIN_NAME = /^@?[\w:.-]{1,80}$/;
const GROUP_NAME = /\b(?:tag|label|cap):/;

const APPROVAL = "approval";
const Approval = z.object({ action: z.enum(["accept", "decline", "cancel"]), content: z.unknown().optional() });

const question = (message: string) =>
  inputRequired({
    inputRequests: {
      [APPROVAL]: inputRequired.elicit({
        message,
        requestedSchema: {
          type: "object",
          properties: { approve: { type: "boolean", title: "Send it", default: false } },
          required: ["approve"],
        },
      }),
    },
  });

function turnOf(server: Server, { caller, signal, era, flight }: McpRequest, { mcpReq }: ServerContext): Turn {
  const token = mcpReq._meta?.progressToken;
  return {
    caller,
    signal: AbortSignal.any([signal, mcpReq.signal, ...(flight ? [flight.signal] : [])]),
    progress(done, total, message) {
      if (token === undefined) return;
      const params = { progressToken: token, progress: done, total, message };
      // The client may have left meanwhile.
      void mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
    },
    approval() {
      const said = Approval.safeParse(mcpReq.inputResponses?.[APPROVAL]);
      if (said.success) {
        const { action, content } = said.data;
        return action === "accept" && (content as { approve?: unknown })?.approve === true ? "approved" : "declined";
      }
      return era === "modern" && server.getClientCapabilities()?.elicitation ? "ask" : "unable";
    },
  };
}

function serveResources(server: Server, areas: McpAreas, asked: McpRequest): void {
  server.setRequestHandler("resources/list", () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [...TEMPLATES] }));
  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    const text = await readOrNothing(areas, turnOf(server, asked, context), uri);
    if (text === undefined) throw new ResourceNotFoundError(uri);
    return { contents: [{ uri, mimeType: "text/plain", text }], ttlMs: 0, cacheScope: "private" };
  });
  const { subscribe } = asked;
  if (!subscribe) return;
  server.setRequestHandler("resources/subscribe", async ({ params: { uri } }) => {
    if (!(await mayFollow(areas, asked.caller, uri))) throw new ResourceNotFoundError(uri);
    if (!(await subscribe(uri, true)))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, "This session takes no more subscriptions");
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }) => {
    await subscribe(uri, false);
    return {};
  });
}

/** A resource that the caller may not read looks like a missing one. */
async function readOrNothing(areas: McpAreas, turn: Turn, uri: string): Promise<string | undefined> {
  try {
    return await readResource(areas, turn, uri);
  } catch (error) {
    if (error instanceof Problem && (error.status === 403 || error.status === 404)) return undefined;
    throw error instanceof Problem
      ? new ProtocolError(ProtocolErrorCode.InvalidParams, refusal(areas, turn, error))
      : error;
  }
}
