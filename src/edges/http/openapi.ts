import { z } from "zod";
import type { Route } from "../../identity/auth/route.ts";
import { DEFAULT_BODY_LIMIT } from "../../kernel/http/bytes.ts";
import type { ProblemCode } from "../../protocol/problem-codes.ts";
import { VERSION } from "../../version.ts";
import { answerObject, createRefusals, HEADERS, type Refusals } from "./openapi-answers.ts";
import { createShapes, type Json, type Shapes } from "./openapi-shapes.ts";

const TAGS: Record<string, string> = {
  Agents: "Anyone with an inbox: registering, finding, changing.",
  Messages: "The log of addressed messages: sending, finding, explaining.",
  Inbox: "What an agent may read, and how far it has acknowledged.",
  Claims: "Work that exactly one agent may hold: leases with a fencing token.",
  Delegations: "Requests that owe an answer: asking, answering, waiting for it.",
  Runs: "Executions of agents: asking for them, running them, watching them live or later.",
  Announcements: "Deliveries of finished runs' results to whoever asked for them.",
  Chat: "Chats with agents for clients of the AI SDK, and runs by AG-UI.",
  People: "The people who sit at user.",
  Approvals: "Questions to people that block agents.",
  Pairs: "Two agents that agreed to work together.",
  Traces: "What agents thought and did about a message, and the history of both.",
  Orchestrators: "Daemons on machines that start and watch agents.",
  Limits: "Accounts that providers refuse until a time.",
  Profiles: "How agents are started, and what is wanted of them.",
  Holds: "Stops for everything in a scope.",
  Bulk: "One action on everything that a filter matches.",
  Console: "Things that a page for people needs: what waits for them, and one socket for all that it shows.",
  Sessions: "Dialogues kept by agent CLIs, each with one writer at a time.",
  Tasks: "Work with a status and a history, worked through the lease of its message.",
  Schedules: "Messages that are sent at a time, once or by cron.",
  Jobs: "Cron jobs that agents run themselves, and the runs they report.",
  Models: "Models that agents can be told to use.",
  Webhooks: "Telling other machines what happened, signed as Standard Webhooks says.",
  Channels: "Accounts of chat platforms behind adapters: who their conversations go to, what comes in and goes out.",
  Files: "Attachments, by their content.",
  Integrations: "Sources of events, which become tasks.",
  Loops: "Agents that answered each other for too long, and were paused.",
  Tokens: "Who may do what.",
  A2A: "Agents of other frameworks: cards. What they describe is the A2A protocol's own.",
  Activity: "Who did what, when, in whose name.",
  Statistics: "Numbers for operators: kept as sums, and never counted.",
  Health: "How the relay itself is.",
  Documents: "This document, and pages made of it.",
};

const ABOUT = `A self-hosted relay for AI agents: one process, one SQLite file, nothing accepted is ever lost.

Every answer that is not a success is a problem (RFC 9457) with a \`code\` of one closed list, see the schema \`Problem\`.
Unknown fields and parameters are refused with their place. Lists take \`limit\` and \`page\`, and answer \`nextPage\`.`;

/** OpenAPI 3.1 document of a route table. Without a public URL its server is the origin of the document. */
export function openApiDocument(routes: readonly Route[], publicUrl: string | undefined): Json {
  const answers = routes.flatMap((route) => Object.values(route.answers));
  const outputs = [
    ...answers.flatMap(({ schema, events = {} }) => (schema ? [schema] : Object.values(events))),
    ...routes.flatMap(({ socket }) => (socket ? [socket.server] : [])),
  ];
  const inputs = routes.flatMap(({ body, socket }) => [...(body ? [body] : []), ...(socket ? [socket.client] : [])]);
  const shapes = createShapes(inputs, outputs);
  const refusals = createRefusals(shapes);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    Object.assign(paths[route.path] ?? {}, { [route.method.toLowerCase()]: operation(route, shapes, refusals) });
  }
  return {
    openapi: "3.1.1",
    info: { title: "Signalbox", version: VERSION, description: ABOUT, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: publicUrl ?? "/" }],
    security: [{ bearer: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token made with POST /v1/tokens." },
      },
      parameters: PARAMETERS,
      headers: HEADERS,
      schemas: shapes.components(),
      responses: refusals.components,
    },
  };
}

/** Problem codes of a route: its own, and those of every route of its kind. */
export function problemCodes(route: Route): ProblemCode[] {
  // Any request may be bad: with two hosts, or after the caller has left.
  const codes = new Set<ProblemCode>(["invalid", "bad-request", ...(route.problems ?? []), "internal", "stopping"]);
  const add = (when: unknown, ...more: ProblemCode[]) => when && more.forEach((code) => void codes.add(code));
  // Any call may be the first use of a token, which is stored, and find the database closed to writes.
  add(!route.open, "unauthorized", "rate-limited", "storage-unavailable", "overloaded");
  add(!route.open || route.socket, "superseded", "unknown-instance");
  add(route.body, "not-json", "too-large", "unsupported-media-type");
  add(route.raw, "too-large", "unsupported-media-type");
  add(route.idempotent, "idempotency-mismatch");
  return [...codes];
}

function operation(route: Route, shapes: Shapes, refusals: Refusals): Json {
  const { operationId, summary, description, socket } = route;
  const answers = Object.entries(route.answers).map(([status, doc]) => [
    status,
    answerObject(route, status, doc, shapes),
  ]);
  return {
    operationId,
    summary,
    ...(description && { description }),
    tags: [route.tag],
    ...(route.witness && { security: [{ bearer: [] }, {}] }),
    ...(route.open && { security: route.problems?.includes("unauthorized") ? [{ bearer: [] }, {}] : [] }),
    parameters: parameters(route, shapes),
    ...(route.body && { requestBody: requestBody(route, route.body, shapes) }),
    ...(route.raw && { requestBody: { description: route.raw, required: true, content: { "*/*": {} } } }),
    responses: { ...Object.fromEntries(answers), ...refusals.of(problemCodes(route)) },
    ...(socket && {
      "x-websocket": {
        subprotocol: socket.subprotocol,
        clientFrame: shapes.input(socket.client),
        serverFrame: shapes.output(socket.server),
      },
    }),
  };
}

function parameters(route: Route, shapes: Shapes): Json[] {
  const isStream = route.answers[200]?.type === "text/event-stream";
  return [
    ...members(route.params, "path", shapes),
    ...members(route.query, "query", shapes),
    ...(isStream ? [parameterRef("LastEventId")] : []),
    ...(route.idempotent ? [parameterRef("IdempotencyKey")] : []),
    ...(route.open && !route.socket ? [] : [parameterRef("Instance")]),
    parameterRef("RequestId"),
  ];
}

function members(schema: z.ZodType | undefined, where: "path" | "query", shapes: Shapes): Json[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, member]) => {
    const { description, ...shape } = shapes.parameter(member);
    const required = !member.safeParse(undefined).success;
    return { name, in: where, required, ...(description !== undefined && { description }), schema: shape };
  });
}

function requestBody(route: Route, body: z.ZodType, shapes: Shapes): Json {
  const { example } = route;
  const content: Json = {
    "application/json": { schema: shapes.input(body), ...(example !== undefined && { example }) },
  };
  const list = route.many && body instanceof z.ZodObject ? body.shape[route.many.as] : undefined;
  if (list instanceof z.ZodArray) {
    const item = shapes.input(list.element as z.ZodType);
    content["application/x-ndjson"] = {
      schema: { type: "array", description: "One JSON value a line.", items: item },
    };
  }
  const description = `At most ${route.largest ?? route.bodyLimit ?? DEFAULT_BODY_LIMIT} bytes.`;
  return { description, required: !route.bodyOptional, content };
}

const parameterRef = (name: keyof typeof PARAMETERS): Json => ({ $ref: `#/components/parameters/${name}` });

const header = (name: string, description: string, limits: Json) => ({
  ...{ name, in: "header", description },
  schema: { type: "string", ...limits },
});

/** Headers of requests. */
const PARAMETERS = {
  Instance: header(
    "Signalbox-Instance",
    "The instance this call belongs to: once a newer one has registered, it is refused as `superseded`.",
    { minLength: 1, maxLength: 128 },
  ),
  IdempotencyKey: header(
    "Idempotency-Key",
    "The same key and content give the same answer. In double quotes or bare.",
    { minLength: 1, maxLength: 257 },
  ),
  LastEventId: header("Last-Event-ID", "Where the stream goes on: the id of the last message that arrived.", {
    pattern: "^\\d{1,15}$",
  }),
  RequestId: header("X-Request-Id", "Names this request; it comes back with the answer.", {
    pattern: "^[\\w.:-]{1,128}$",
  }),
};
