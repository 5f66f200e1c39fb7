import type { z } from "zod";
import type { ProblemCode } from "./problem-codes.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Schema = z.ZodType;
/** A shape after parsing; undefined where a contract has none. */
export type Parsed<S> = S extends Schema ? z.output<S> : undefined;

/** One successful answer. */
export interface AnswerDoc {
  description: string;
  schema?: Schema;
  /** application/json when left out. */
  type?: string;
  /** Data of each event of a text/event-stream, by the event's name. */
  events?: Record<string, Schema>;
}
export type Answers = Record<number, AnswerDoc>;

/** Frames of a WebSocket: one JSON value each. */
interface SocketDoc {
  subprotocol: string;
  client: Schema;
  server: Schema;
}

/** The one list that a body consists of. */
export interface Many {
  /** The member that holds it. */
  as: string;
  item: Schema;
  max: number;
  /** The list may also be the body itself. */
  bare?: boolean;
  /** Items are checked and answered each by itself: always, or where the query says `atomic=false`. */
  apart?: "always" | "unless-atomic" | undefined;
}

/** Everything that a contract says of an operation, beside its name and its place. */
interface Details<
  P extends Schema | undefined = Schema | undefined,
  Q extends Schema | undefined = Schema | undefined,
  B extends Schema | undefined = Schema | undefined,
  A extends Answers = Answers,
> {
  summary: string;
  description?: string;
  /** Needs no token. */
  open?: boolean;
  /** May stay open longer than the idle timeout. */
  long?: boolean;
  params?: P;
  query?: Q;
  body?: B;
  /** A body that the schema takes, shown in the OpenAPI document. */
  example?: unknown;
  /** Bytes; 1 MiB when left out. */
  bodyLimit?: number;
  /** Bytes of a body beyond that: what the server needs of it is read piece by piece. */
  largest?: number;
  /** Takes bytes of any type as they are; this text describes them. */
  raw?: string;
  /** A number beyond 2^53 comes in as its text, instead of being refused. */
  keepsNumbers?: boolean;
  /** An absent body counts as `{}`. */
  bodyOptional?: boolean;
  /** The body is one list: it may also come as one JSON value a line, and its items are checked one by one. */
  many?: Many;
  /** Takes an `Idempotency-Key` header. */
  idempotent?: boolean;
  /** A repeat changes nothing more, so clients send it again when no answer came. Reads need not say so. */
  repeatable?: boolean;
  socket?: SocketDoc;
  answers: A;
  problems?: readonly ProblemCode[];
}

/** One operation of the API: the server serves it, the client calls it, the OpenAPI document describes it. */
export interface Contract<
  P extends Schema | undefined = Schema | undefined,
  Q extends Schema | undefined = Schema | undefined,
  B extends Schema | undefined = Schema | undefined,
  A extends Answers = Answers,
> extends Details<P, Q, B, A> {
  operationId: string;
  method: Method;
  /** With `{name}` for parameters, as in the OpenAPI document. */
  path: string;
  tag: string;
}

/** Declares the operations of one group, each by its name, its place and the rest. */
export const contracts =
  (tag: string) =>
  <
    A extends Answers,
    P extends Schema | undefined = undefined,
    Q extends Schema | undefined = undefined,
    B extends Schema | undefined = undefined,
  >(
    operationId: string,
    place: `${Method} /${string}`,
    details: Details<P, Q, B, A> & { example?: B extends Schema ? z.input<B> : never },
  ): Contract<P, Q, B, A> => {
    const [method, path] = place.split(" ") as [Method, string];
    return { ...details, operationId, method, path, tag };
  };

/** Parts of a contract on one thing that has a place: the answer shows it, or a part of it. */
export const at = <P extends Schema, S extends Schema>(params: P, schema: S, description: string) => ({
  params,
  answers: { 200: { description, schema } },
  problems: ["forbidden", "not-found"] as readonly ProblemCode[],
});

/** Parts of a contract on a list. */
export const paged = <Q extends Schema, S extends Schema>(query: Q, schema: S, description = "A page.") => ({
  query,
  answers: { 200: { description, schema } },
  problems: ["forbidden"] as readonly ProblemCode[],
});

/** Parts of a contract that ends one thing. */
export const gone = <P extends Schema>(params: P, description = "Gone.") => ({
  params,
  answers: { 204: { description } },
  problems: ["forbidden", "not-found"] as readonly ProblemCode[],
});

/** Answers to making a thing: `fresh` for a new one, `known` for one that was there or was made with the same key. */
export const made = <S extends Schema>(schema: S, fresh: string, known: string) => ({
  201: { description: fresh, schema },
  200: { description: known, schema },
});
