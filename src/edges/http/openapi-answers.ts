import { z } from "zod";
import type { Route } from "../../identity/auth/route.ts";
import type { AnswerDoc } from "../../protocol/contract.ts";
import { ProblemBody } from "../../protocol/problem.ts";
import { PROBLEMS, type ProblemCode } from "../../protocol/problem-codes.ts";
import type { Json, Shapes } from "./openapi-shapes.ts";

const TEXT = { type: "string" };

/** Headers of answers. */
export const HEADERS = {
  RequestId: { description: "Names this request, in the relay's log too.", schema: TEXT },
  RateLimit: { description: "Where requests are limited: how many are left.", schema: TEXT },
  Link: { description: 'Where the list goes on, rel="next" (RFC 8288).', schema: TEXT },
  IdempotentReplayed: { description: "true: this key was used before.", schema: { type: "string", const: "true" } },
  RetryAfter: { description: "Seconds.", schema: { type: "integer" } },
  WwwAuthenticate: { description: "Bearer.", schema: TEXT },
};

const headerRef = (name: keyof typeof HEADERS): Json => ({ $ref: `#/components/headers/${name}` });

/** One answer that is a success. */
export function answerObject(route: Route, status: string, doc: AnswerDoc, shapes: Shapes): Json {
  const headers: Json = { "X-Request-Id": headerRef("RequestId") };
  if (!route.open) Object.assign(headers, { RateLimit: headerRef("RateLimit") });
  if (route.idempotent && status === "200") headers["Idempotent-Replayed"] = headerRef("IdempotentReplayed");
  const query = route.query instanceof z.ZodObject ? route.query.shape : {};
  if (route.method === "GET" && "page" in query) headers.Link = headerRef("Link");
  const { description, schema, type = "application/json", events } = doc;
  const shape = events ? eventStream(events, shapes) : schema && shapes.output(schema);
  return { description, headers, ...(shape && { content: { [type]: { schema: shape } } }) };
}

/** A stream as the sequence of its events, each with the text of its data (HTML Standard, section 9.2). */
function eventStream(events: Record<string, z.ZodType>, shapes: Shapes): Json {
  // Streams of other protocols have events of one kind, without name and id.
  const isOurs = Object.keys(events).length > 1;
  const kinds = Object.entries(events).map(([event, schema]) => ({
    type: "object",
    properties: {
      ...(isOurs &&
        event === "message" && {
          id: { type: "string", description: "The message's id: the place to resume from." },
        }),
      event: { const: event },
      data: { type: "string", contentMediaType: "application/json", contentSchema: shapes.output(schema) },
    },
    required: isOurs ? ["event", "data"] : ["data"],
  }));
  return {
    type: "array",
    description: "Events in order; a comment every 15 s.",
    items: kinds.length === 1 ? kinds[0] : { oneOf: kinds },
  };
}

export type Refusals = ReturnType<typeof createRefusals>;

/** Problem answers: those with the same status and codes are written once. */
export function createRefusals(shapes: Shapes) {
  const components: Json = {};
  return {
    components,
    of(codes: readonly ProblemCode[]): Json {
      const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
      return Object.fromEntries(
        [...byStatus].map(([status, same]) => [status, refusal(components, same, shapes.output(ProblemBody))]),
      );
    },
  };
}

function refusal(components: Json, codes: readonly ProblemCode[], problem: Json): Json {
  const sorted = codes.toSorted();
  const name = sorted.join(".");
  const [status] = PROBLEMS[sorted[0] ?? "internal"];
  const headers: Json = { "X-Request-Id": headerRef("RequestId") };
  if (status === 429 || status === 503) headers["Retry-After"] = headerRef("RetryAfter");
  if (status === 401) headers["WWW-Authenticate"] = headerRef("WwwAuthenticate");
  const schema = {
    allOf: [problem, { properties: { code: { enum: sorted } } }],
  };
  components[name] ??= {
    description: sorted.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(" "),
    headers,
    content: { "application/problem+json": { schema } },
  };
  return { $ref: `#/components/responses/${name}` };
}
