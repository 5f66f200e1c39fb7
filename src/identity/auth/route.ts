import type { z } from "zod";
import type { Peer } from "../../kernel/log/peers.ts";
import type { Problem, ProblemCode } from "../../protocol/problem.ts";
import type { Caller } from "./caller.ts";

/** JSON that is text already. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** What a verb answers with: a status, a body to be sent as JSON, and further headers. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** One request, parsed. */
export interface Call<P, Q, B> {
  caller: Caller;
  params: P;
  query: Q;
  body: B;
  request: Request;
  /** The value of `Idempotency-Key`, unquoted. */
  idempotencyKey: string | undefined;
  /** The body as it came, where the route identifies its caller by it. */
  bytes?: Uint8Array | undefined;
  /** The other end of the connection; undefined for an in-process call. */
  peer(): Peer | undefined;
  /** For a route that reads the body itself: whether the token still is, once it has it. @throws Problem 401 */
  checkStill(): void;
  /** Headers that every answer carries, for those that make their own Response. */
  headers: Record<string, string>;
}

/** A request of which it is not known yet who calls. */
export interface Unidentified<P> {
  request: Request;
  params: P;
  /** The body as it came: what was signed. */
  bytes: Uint8Array;
  requestId: string;
  /** Whose bearer token came with it, when it is one of ours. */
  caller: Caller | undefined;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Schema = z.ZodType;
type Out<S> = S extends Schema ? z.output<S> : undefined;

/** What an answer looks like in the OpenAPI document. */
export interface AnswerDoc {
  description: string;
  schema?: Schema;
  /** application/json when left out. */
  type?: string;
  /** Of text/event-stream: what the data of each event is. */
  events?: Record<string, Schema>;
}

/** What goes over a WebSocket, for the OpenAPI document: one JSON value a frame. */
export interface SocketDoc {
  subprotocol: string;
  client: Schema;
  server: Schema;
}

/** How the routes of another protocol differ from ours: what bodies they take, and how a refusal is said in it. */
export interface Dialect {
  /** Media types of bodies, beside application/json. */
  types: readonly string[];
  refusal(problem: Problem): { status: number; type: string; body: unknown };
}

/** The one list that a body consists of. */
export interface Many {
  /** The member that holds it. */
  as: string;
  item: Schema;
  max: number;
}

export interface RouteSpec<P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined> {
  method: Method;
  /** With `{name}` for parameters, as in the OpenAPI document. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  /** Needs no token. */
  open?: boolean;
  /** Who calls, where that may show by what was signed instead of a token: asked before the body is parsed. @throws Problem 401 */
  identify?(request: Unidentified<Out<P>>): Promise<Caller>;
  /** Told when the body of a known caller is refused because it is too large. */
  tooLarge?(params: Out<P>, problem: Problem, caller: Caller): Promise<void>;
  /** May stay open longer than the idle timeout. */
  long?: boolean;
  params?: P;
  query?: Q;
  body?: B;
  /** A body that the schema takes, shown in the OpenAPI document. */
  example?: B extends Schema ? z.input<B> : never;
  /** Bytes; 1 MiB when left out. */
  bodyLimit?: number;
  /** Takes bytes of any type as they are; what they are. `run` reads them from the request. */
  raw?: string;
  /** A number beyond 2^53 comes in as its text, instead of being refused. */
  keepsNumbers?: boolean;
  /** An absent body counts as `{}`. */
  bodyOptional?: boolean;
  /** The body is one list: it may also come as one JSON value a line, and its items are checked one by one. */
  many?: Many;
  /** Belongs to another protocol. */
  dialect?: Dialect;
  idempotent?: boolean;
  socket?: SocketDoc;
  answers: Record<number, AnswerDoc>;
  problems?: ProblemCode[];
  run(call: Call<Out<P>, Out<Q>, Out<B>>): Promise<Answer | Response> | Answer | Response;
}

/** A route whose types have been settled. */
export type Route = Omit<RouteSpec<Schema, Schema, Schema>, "run" | "identify" | "tooLarge"> & {
  identify?(request: Unidentified<unknown>): Promise<Caller>;
  tooLarge?(params: unknown, problem: Problem, caller: Caller): Promise<void>;
  run(call: Call<unknown, unknown, unknown>): Promise<Answer | Response> | Answer | Response;
};

/** Declares a route: its path, its shapes, and the one verb it calls. */
export function route<
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(spec: RouteSpec<P, Q, B>): Route {
  return spec as unknown as Route;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });
/** 201 the first time; 200 with `Idempotent-Replayed` when the idempotency key had been used before. */
export const createdOnce = (body: unknown, replayed: boolean): Answer =>
  replayed ? { status: 200, body, headers: { "idempotent-replayed": "true" } } : created(body);
