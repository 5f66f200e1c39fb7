import {
  createMcpHandler,
  InMemoryServerEventBus,
  isLegacyRequest,
  legacyStatelessFallback,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { isAgent } from "../../identity/auth/caller.ts";
import { readBytes } from "../../kernel/http/bytes.ts";
import { parseText } from "../../kernel/http/json.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import { longNumbersIn } from "../../protocol/numbers.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Gate } from "../http/gate.ts";
import { createInFlight } from "./in-flight.ts";
import { mayFollow } from "./resources.ts";
import type { ServerMaker } from "./server.ts";
import type { AgentCaller, HttpRequest, McpAreas } from "./services.ts";
import { createSessionStreams } from "./session-streams.ts";
import type { McpSessions } from "./sessions.ts";
import { createUpdates, metered } from "./updates.ts";

const BODY_BYTES = 1024 * 1024;
const SESSION = "mcp-session-id";
const META = "io.modelcontextprotocol/";
const MAX_URIS = 64;
/** Most values of a message: the SDK checks each several times. */
const MAX_VALUES = 10_000;

const ClientInfo = z.object({ name: z.string(), title: z.string().optional(), version: z.string().optional() });
type ClientInfo = z.infer<typeof ClientInfo>;
const Rpc = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z.looseObject({ _meta: z.looseObject({}).optional() }).optional(),
});
type Rpc = z.infer<typeof Rpc>;

export type Endpoint = ReturnType<typeof createEndpoint>;

/**
 * MCP over Streamable HTTP, both eras: 2026-07-28, where every request stands alone, and 2025-11-25, whose sessions are rows.
 * Nothing is kept in memory between requests but open streams, so a restart costs a client its stream and nothing else.
 */
export function createEndpoint(areas: McpAreas & { gate: Gate }, sessions: McpSessions, makeServer: ServerMaker) {
  const { db, onError } = areas.kernel;
  const { agents, roster } = areas.identity;
  const { inbox, streams } = areas.core.inbox;
  const { gate } = areas;
  const inFlight = createInFlight();
  const sessionStreams = createSessionStreams(areas, sessions);
  const report = (error: Error) => {
    // Refusals of the protocol are the client's; faults of the relay are thrown by a handler, and reported there.
    if (!/^(Rejected|Unsupported|subscriptions\/listen refused)/.test(error.message)) onError(error, "mcp");
  };

  /** `POST /mcp`: one JSON-RPC message. */
  async function post(incoming: HttpRequest): Promise<Response> {
    const { request } = incoming;
    const caller = admitted(incoming);
    if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? ""))
      return refused(415, -32_000, "Unsupported Media Type: Content-Type must be application/json");
    const parsed = parse(await readBytes({ bodyLimit: BODY_BYTES }, request));
    incoming.checkStill();
    const body = withoutNulls(parsed?.value ?? undefined);
    if (parsed === undefined || body === undefined) return refused(400, -32_700, "Parse error: the body is not JSON");
    // A batch would count as one request for the rate limit.
    if (Array.isArray(body)) return refused(400, -32_600, "Invalid Request: batches are not taken");
    const message = Rpc.safeParse(body).data;
    const changed = refusedNumbers(parsed.text, message);
    if (changed) return changed;
    if (message) await enter(caller, message);
    // A message may name its revision; otherwise the SDK decides, also by the headers.
    const isNamed = message?.params?._meta?.[`${META}protocolVersion`] !== undefined;
    if (!message || isNamed || !(await isLegacyRequest(request, body)))
      return message?.method === LISTEN
        ? listen(incoming, caller, message)
        : modern(incoming, caller, body, message?.method);
    return legacy(incoming, caller, message);
  }

  /** @throws Problem 403 */
  function admitted({ caller, request }: HttpRequest): AgentCaller {
    gate.check(request);
    if (!isAgent(caller))
      throw new Problem(
        "forbidden",
        `MCP is for agents: make a token of role agent; this one is of role ${caller.role}.`,
      );
    return caller;
  }

  /** Connecting registers the agent of the token, if it is not there. */
  async function enter(caller: AgentCaller, { params }: Rpc): Promise<void> {
    if (roster.get(caller.agentId)) return;
    const info = ClientInfo.safeParse(params?._meta?.[`${META}clientInfo`] ?? params?.clientInfo).data;
    const { name, rig } = namesOf(info, caller.agentId);
    await db.write((tx) => agents.register(tx, caller, caller.agentId, { name, ...(rig ? { rig } : {}) }));
  }

  async function modern(
    { request }: HttpRequest,
    caller: AgentCaller,
    parsedBody: unknown,
    method: string | undefined,
  ) {
    const { signal } = request;
    const make = () => makeServer({ caller, signal, era: "modern", method });
    return createMcpHandler(make, { legacy: "reject", onerror: report }).fetch(request, { parsedBody });
  }

  /** `subscriptions/listen`: a bus for each stream, so that no client hears of another's resources. */
  async function listen(incoming: HttpRequest, caller: AgentCaller, message: Rpc): Promise<Response> {
    const { body, uris } = await ownUris(caller, message);
    const bus = new InMemoryServerEventBus(report);
    const { signal } = incoming.request;
    const make = () => makeServer({ caller, signal, era: "modern", method: LISTEN });
    const handler = createMcpHandler(make, { legacy: "reject", onerror: report, bus });
    const response = await handler.fetch(incoming.request, { parsedBody: body });
    if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
    const updates = createUpdates({
      wanted: () => uris,
      tell(uri) {
        meter.told();
        handler.notify.resourceUpdated(uri);
      },
      ready: () => meter.ready(),
      moves: () => meter.moves(),
      peer: incoming.peer(),
      keepAlive: () => undefined,
      end: () => void handler.close(),
    });
    const meter = metered(response.body, { drained: () => updates.onDrain(), closed: () => updates.close() });
    try {
      const facts = await db.read((on) => inbox.requireInbox(on, caller, caller.agentId));
      await streams.open(caller, facts, updates);
    } catch (error) {
      await handler.close();
      throw error;
    }
    return new Response(meter.stream, { status: response.status, headers: response.headers });
  }

  /** The message with only the URIs that the caller may follow: the acknowledgement names no others. */
  async function ownUris(caller: AgentCaller, message: Rpc): Promise<{ body: Rpc; uris: Set<string> }> {
    const wish = (message.params?.notifications ?? {}) as { resourceSubscriptions?: unknown };
    const given = Array.isArray(wish.resourceSubscriptions) ? wish.resourceSubscriptions.slice(0, MAX_URIS) : [];
    const uris = new Set<string>();
    for (const uri of given) if (typeof uri === "string" && (await mayFollow(areas, caller, uri))) uris.add(uri);
    if (!given.length) return { body: message, uris };
    const notifications = { ...wish, resourceSubscriptions: [...uris] };
    return { body: { ...message, params: { ...message.params, notifications } }, uris };
  }

  /** 2025-11-25: a session begins with `initialize`; its row is its whole state. */
  async function legacy(incoming: HttpRequest, caller: AgentCaller, message: Rpc): Promise<Response> {
    const { agentId } = caller;
    const begins = message.method === "initialize";
    const session = begins ? undefined : await requireSession(incoming, agentId);
    if (session instanceof Response) return session;
    const { method } = message;
    if (session && method === "notifications/cancelled") inFlight.cancel(session.id, message.params?.requestId);
    const flight = session && method === "tools/call" ? inFlight.begin(session.id, message.id) : undefined;
    const subscribe = session
      ? (uri: string, wanted: boolean) => db.write((tx) => sessions.subscribe(tx, agentId, session.id, uri, wanted))
      : undefined;
    const { signal } = incoming.request;
    const make = () => makeServer({ caller, signal, era: "legacy", method, subscribe, flight });
    const serve = legacyStatelessFallback(make, report);
    const response = await serve(incoming.request, { parsedBody: message });
    // The call was refused before it reached a tool, which would end it.
    if (!response.ok) flight?.end();
    if (!begins || !response.ok) return response;
    const id = await db.write((tx) => sessions.begin(tx, agentId));
    const headers = new Headers(response.headers);
    headers.set(SESSION, id);
    return new Response(response.body, { status: response.status, headers });
  }

  async function requireSession({ request }: HttpRequest, agentId: string) {
    const id = request.headers.get(SESSION);
    if (id === null) return refused(400, -32_000, "Bad Request: Mcp-Session-Id header is required");
    const session = await db.read((on) => sessions.find(on, agentId, id));
    return session ?? refused(404, -32_001, "Session not found");
  }

  /** `GET /mcp`: the stream of a session, with notices about its subscriptions. */
  async function get(incoming: HttpRequest): Promise<Response> {
    const caller = admitted(incoming);
    const { request } = incoming;
    if (!request.headers.get("accept")?.includes("text/event-stream"))
      return refused(406, -32_000, "Not Acceptable: Client must accept text/event-stream");
    const session = await requireSession(incoming, caller.agentId);
    if (session instanceof Response) return session;
    return sessionStreams.open(caller, session, incoming);
  }

  /** `DELETE /mcp`: the session ends, and its streams do. */
  async function end(incoming: HttpRequest): Promise<Response> {
    const caller = admitted(incoming);
    const session = await requireSession(incoming, caller.agentId);
    if (session instanceof Response) return session;
    await db.write((tx) => sessions.end(tx, caller.agentId, session.id));
    sessionStreams.close(session.id);
    return new Response(null, { status: 200 });
  }

  return { post, get, end };
}

const LISTEN = "subscriptions/listen";

/** undefined for text that is no JSON. @throws Problem 413 */
function parse(bytes: Uint8Array): { text: string; value: unknown } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, value: parseText(text, "The message", MAX_VALUES) };
  } catch (error) {
    if (error instanceof Problem && error.code === "too-large") throw error;
    return undefined;
  }
}

/** Refuses a message with numbers that parsing has changed; undefined when there are none. */
function refusedNumbers(text: string, message: Rpc | undefined): Response | undefined {
  const found = longNumbersIn(text);
  const [first] = found;
  if (!first) return undefined;
  const error = { code: -32_602, message: `invalid: ${first.pointer} ${first.message}` };
  const id = found.some(({ pointer }) => pointer === "/id") ? null : (message?.id ?? null);
  return Response.json({ jsonrpc: "2.0", error, id });
}

/** Drops `null` for `params` and its arguments: clients of some languages write every member. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { params, ...rest } = body as { params?: unknown };
  if (params === undefined || params === null) return rest;
  if (typeof params !== "object" || (params as { arguments?: unknown }).arguments !== null) return body;
  const { arguments: _, ...others } = params as { arguments: null };
  return { ...rest, params: others };
}

/** A refusal before the SDK is asked, as JSON-RPC. */
const refused = (status: number, code: number, message: string): Response =>
  Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });

/** Names of a client, in its own words, made one harmless line. */
function namesOf(info: ClientInfo | undefined, agentId: string): { name: string; rig: string | undefined } {
  const name = info && harmlessLine(info.title ?? info.name, 60);
  const version = info?.version ? ` ${harmlessLine(info.version, 30)}` : "";
  return name ? { name, rig: `${name}${version}` } : { name: agentId, rig: undefined };
}
