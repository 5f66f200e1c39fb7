import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import type { LeftOut, Watcher } from "../../kernel/http/bytes.ts";
import { nextLink } from "../../kernel/http/link.ts";
import type { Peer } from "../../kernel/log/peers.ts";
import type { Contract, Parsed, Schema } from "../../protocol/contract.ts";
import type { Problem } from "../../protocol/problem.ts";
import type { List } from "../../protocol/wire.ts";
import type { Caller } from "./caller.ts";

/** JSON that is text already. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** Answer of a verb: a status, a body to be sent as JSON, and further headers. */
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
  /** The body as it came, where the route has a witness. */
  bytes?: Uint8Array | undefined;
  /** Amount left out of a body that was too large to be parsed. */
  leftOut?: LeftOut | undefined;
  /** The other end of the connection; undefined for an in-process call. */
  peer(): Peer | undefined;
  /** For a route that reads the body itself: whether the token still is, once it has it. @throws Problem 401 */
  checkStill(): void;
  /** In the write of a person: whether their token still lives, which may be revoked in this very commit. @throws Problem 401 */
  requireStill(tx: Tx): Promise<void> | undefined;
  /** Headers that every answer carries, for those that make their own Response. */
  headers: Record<string, string>;
}

export type CallOf<C> = C extends Contract<infer P, infer Q, infer B> ? Call<Parsed<P>, Parsed<Q>, Parsed<B>> : never;

/** A request of which it is not known yet who calls. */
export interface Unidentified<P> {
  request: Request;
  params: P;
  requestId: string;
  /** Caller named by the bearer token, when that is one of ours. */
  caller: Caller | undefined;
}

/** Sees all bytes of a body, and tells then who has sent it. */
export interface Witness extends Watcher {
  /** Asked once, after the last piece. @throws Problem 401 */
  caller(): Caller;
}

/** Another protocol's media types and form of refusals. */
export interface Dialect {
  /** Media types of bodies, beside application/json. */
  types: readonly string[];
  refusal(problem: Problem): { status: number; type: string; body: unknown };
}

/** Options of serving a contract, beside its verb. */
export interface Serving<P> {
  /** Finds the caller of a request that may show it by a signature instead of a token: asked before the body is read. @throws Problem 401, 403 */
  witness?(request: Unidentified<P>): Promise<Witness>;
  /** Told when the body of a known caller is refused because it is too large. */
  tooLarge?(params: P, problem: Problem, caller: Caller): Promise<void>;
}

type Run<P, Q, B> = (call: Call<P, Q, B>) => Promise<Answer | Response> | Answer | Response;

/** A contract and the verb that serves it. */
export type Route = Contract & Serving<unknown> & { run: Run<unknown, unknown, unknown>; dialect?: Dialect };

/** Serves a contract by one verb. */
export const route = <P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined>(
  contract: Contract<P, Q, B>,
  run: Run<Parsed<P>, Parsed<Q>, Parsed<B>>,
  serving: Serving<Parsed<P>> = {},
): Route => ({ ...contract, ...serving, run }) as Route;

/** Routes that belong to another protocol. */
export const inDialect = (dialect: Dialect, routes: readonly Route[]): Route[] =>
  routes.map((one) => ({ ...one, dialect }));

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });
/** 201 the first time; 200 with `Idempotent-Replayed` when the idempotency key had been used before. */
export const createdOnce = ({ made, replayed }: { made: unknown; replayed: boolean }): Answer =>
  replayed ? { status: 200, body: made, headers: { "idempotent-replayed": "true" } } : created(made);
/** A page of a list, with a link to the next one. */
export const pageOf = (list: Pick<List<unknown>, "nextPage">, request: Request): Answer => ({
  status: 200,
  body: list,
  headers: nextLink(request, list.nextPage),
});
export const noContent: Answer = { status: 204 };

interface Registered {
  row: unknown;
  created: boolean;
}

/** Makes routes whose verb is one read or one write: `open` runs it, `answer` shows its result. */
export const routeIn =
  <W, R>(open: (work: (on: W) => Promise<R>) => Promise<R>, answer: (result: R, request: Request) => Answer) =>
  <P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined>(
    contract: Contract<P, Q, B>,
    verb: (on: W, call: Call<Parsed<P>, Parsed<Q>, Parsed<B>>) => Promise<R>,
  ): Route =>
    route(contract, async (call) => answer(await open((on) => verb(on, call)), call.request));

/** As `routeIn`, for one write, which the token of a person has to outlive. */
export const routeWith =
  <R>({ write }: Pick<Db, "write">, answer: (result: R, request: Request) => Answer) =>
  <P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined>(
    contract: Contract<P, Q, B>,
    verb: (tx: Tx, call: Call<Parsed<P>, Parsed<Q>, Parsed<B>>) => Promise<R>,
  ): Route =>
    routeIn<Tx, R>(write, answer)(contract, (tx, call) => still(tx, call, () => verb(tx, call)));

/** Does a part of a write, for a person only while their token lives. @throws Problem 401 */
export function still<R>(
  tx: Tx,
  { requireStill }: Pick<Call<unknown, unknown, unknown>, "requireStill">,
  verb: () => Promise<R>,
): Promise<R> {
  const looked = requireStill(tx);
  return looked ? looked.then(verb) : verb();
}

/** The usual kinds of such routes. */
export const routesOn = (db: Pick<Db, "read" | "write">) => ({
  get: routeIn<ReadTx, unknown>(db.read, ok),
  list: routeIn<ReadTx, Pick<List<unknown>, "nextPage">>(db.read, pageOf),
  change: routeWith<unknown>(db, ok),
  register: routeWith<Registered>(db, ({ row, created }) => ({ status: created ? 201 : 200, body: row })),
  create: routeWith<{ made: unknown; replayed: boolean }>(db, createdOnce),
  remove: routeWith<unknown>(db, () => noContent),
});
