import { type Caller, isAgent, type Principal, readsAll } from "../../identity/auth/caller.ts";
import { type Answer, type Call, type Dialect, RawJson, type Route, type Witness } from "../../identity/auth/route.ts";
import type { Identity } from "../../identity/identity.ts";
import { readCookie } from "../../identity/sign-in/cookie.ts";
import type { Clock } from "../../kernel/clock.ts";
import { answerWith } from "../../kernel/db/commit.ts";
import { check, parseBody, parseSifted, readBody, readQuery } from "../../kernel/http/body.ts";
import { pass, readWatched, type Sieve } from "../../kernel/http/bytes.ts";
import { checkHead } from "../../kernel/http/head.ts";
import { placeOf } from "../../kernel/http/link.ts";
import type { RateLimit } from "../../kernel/http/rate-limit.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Peer, peerOf as peerAt } from "../../kernel/log/peers.ts";
import { Problem } from "../../protocol/problem.ts";
import { IdempotencyKey } from "../../protocol/wire.ts";
import type { Effect, Gate } from "./gate.ts";

/** Called with every request when its answer is ready. */
type Observe = (operationId: string, status: number, milliseconds: number) => void;

/** One request, and the facts that only this layer knows. */
interface HttpRequest {
  request: Request;
  params: Record<string, string>;
  /** Bun's server; null in an in-process call. */
  server: Pick<Bun.Server<unknown>, "timeout" | "requestIP"> | null;
}

/**
 * Longest silence of a long call: longer than any wait or keep-alive, and finite, to cut off a client that stopped
 * reading. Bun takes at most 255.
 */
const LONG_SECONDS = 240;
const INSTANCE = /^[^\p{Cc}]{1,128}$/u;
const REQUEST_ID = /^[\w.:-]{1,128}$/;
const SECURITY = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  vary: "Authorization, Cookie",
};

export type Handle = ReturnType<typeof createHandle>;

/** The one way from a request to an answer: caller, rate limit, shapes, verb, answer or problem. */
export function createHandle(
  { kernel, identity, gate }: { kernel: Kernel; identity: Identity; gate: Gate },
  limit: RateLimit,
  observe: Observe,
) {
  const { clock, logger, connections } = kernel;
  const { auth, presence } = identity;
  const ids = idMaker(clock);

  /** @throws Problem 401 */
  function identify(request: Request, requestId: string, effect: Effect): Promise<Caller> | Caller {
    const header = request.headers.get("authorization");
    const secret = header === null ? readCookie(request) : /^Bearer +(\S+)$/i.exec(header)?.[1];
    if (!secret) throw new Problem("unauthorized", "Send Authorization: Bearer <token>.");
    const found = auth.authenticate(secret);
    const asCaller = (principal: Principal) => callerOf(request, requestId, effect, principal);
    return found instanceof Promise ? found.then(asCaller) : asCaller(found);
  }

  /** @throws Problem 401, 403, 422 */
  function callerOf(request: Request, requestId: string, effect: Effect, principal: Principal): Caller {
    const header = request.headers.get("authorization");
    if (principal.signIn !== (header === null))
      throw new Problem("unauthorized", "A browser's sign-in works as its cookie alone, and a token as a header.");
    if (principal.signIn) gate.checkSignedIn(request, effect);
    const instanceId = request.headers.get("signalbox-instance");
    if (instanceId !== null && !INSTANCE.test(instanceId))
      throw Problem.invalid(
        "Signalbox-Instance",
        "has to be an instance id: 1 to 128 characters, none of them control characters",
      );
    return { ...principal, instanceId, requestId };
  }

  /** undefined without a valid token: the route may identify the caller otherwise. @throws Problem 422 */
  async function identifyIfKnown(request: Request, requestId: string): Promise<Caller | undefined> {
    try {
      return await identify(request, requestId, "change");
    } catch (error) {
      if (error instanceof Problem && error.code === "unauthorized") return undefined;
      throw error;
    }
  }

  async function answer(route: Route, incoming: HttpRequest, headers: Record<string, string>): Promise<Response> {
    const { request, server } = incoming;
    const checkStill = () => call.caller && auth.checkStill(call.caller);
    const requireStill: Call<unknown, unknown, unknown>["requireStill"] = (tx) =>
      call.caller && readsAll(call.caller) ? auth.requireLive(tx, call.caller) : undefined;
    const call: Partial<Call<unknown, unknown, unknown>> = {
      ...{ request, headers, peer: () => peerOf(incoming), checkStill, requireStill },
    };
    if (connections.stopping()) throw new Problem("stopping", "The relay is stopping.", { retryAfterSeconds: 1 });
    checkHead(request);
    if (route.socket && mayBePage(request)) gate.check(request);
    let witness: Witness | undefined;
    let read: Uint8Array | Sieve | undefined;
    if (!route.open) {
      const requestId = headers["x-request-id"] ?? "";
      if (route.witness) {
        const params = route.params && check(route.params, incoming.params, "path");
        const known = { request, params, requestId, caller: await identifyIfKnown(request, requestId) };
        witness = await route.witness(known);
        read = await readWatched(route, request, witness).catch(refuseUnread(route, params, witness));
        call.caller = witness.caller();
      } else {
        const caller = identify(request, requestId, effectOf(route));
        call.caller = caller instanceof Promise ? await caller : caller;
      }
      Object.assign(headers, limit.take(call.caller.tokenId));
      if (isAgent(call.caller)) presence.touch(call.caller.agentId);
    }
    if (route.long) server?.timeout(request, LONG_SECONDS);
    call.params = route.params ? check(route.params, incoming.params, "path") : undefined;
    call.query = readQuery(route, request.url);
    if (route.idempotent) call.idempotencyKey = readKey(request);
    if (read && witness) Object.assign(call, await readKnown(route, call, read, witness));
    else call.body = await readBody(route, request, call.query);
    checkStill();
    const result = await route.run(call as Call<unknown, unknown, unknown>);
    return result instanceof Response ? result : toResponse(result, headers);
  }

  /** The body of a caller identified by it: whole, or the part that fits. */
  async function readKnown(
    route: Route,
    { request, params, caller }: Partial<Call<unknown, unknown, unknown>>,
    read: Uint8Array | Sieve,
    { sieve }: Witness,
  ) {
    const parsed = async () => {
      if (!(read instanceof Uint8Array)) return parseSifted(route, request as Request, read);
      try {
        return { bytes: read, body: await parseBody(route, request as Request, read) };
      } catch (error) {
        if (!isTooLarge(error) || !sieve) throw error;
        const sifting = await sieve();
        await pass(read, sifting.take);
        return parseSifted(route, request as Request, sifting);
      }
    };
    return parsed().catch(async (error) => {
      if (isTooLarge(error) && caller) await route.tooLarge?.(params, error, caller);
      throw error;
    });
  }

  /** Refuses a body that is too large to be read. It identifies no caller; a token does. */
  const refuseUnread = (route: Route, params: unknown, witness: Witness) => async (error: unknown) => {
    if (isTooLarge(error)) {
      const caller = witnessed(witness);
      if (caller) {
        limit.take(caller.tokenId);
        await route.tooLarge?.(params, error, caller);
      }
    }
    throw error;
  };

  function refuse(error: unknown, route: Route | undefined, headers: Record<string, string>): Response {
    const requestId = headers["x-request-id"] ?? "";
    const problem =
      error instanceof Problem ? error : new Problem("internal", "Something went wrong here; it was logged.");
    if (problem.status >= 500)
      logger.error({ err: problem.cause ?? error, requestId, operation: route?.operationId }, problem.message);
    return route?.dialect
      ? refusalResponse(route.dialect, problem, headers)
      : problemResponse(problem, requestId, headers);
  }

  return {
    /** Headers for an answer to this request; its id is the caller's, if that is a sound one. */
    headersFor(request: Request): Record<string, string> {
      const given = request.headers.get("x-request-id");
      return { ...SECURITY, "x-request-id": given && REQUEST_ID.test(given) ? given : ids() };
    },
    identify,
    /** Whether a page of the relay calls that shows a sign-in. */
    isSignedIn: (request: Request): boolean => readCookie(request) !== undefined && gate.isOwn(request),
    refuse,
    /** Logs an answered request, without its query: it may hold secrets. */
    note(
      request: Request,
      { status }: Response,
      headers: Record<string, string>,
      startedMs: number,
      operation?: string,
    ): void {
      if (!logger.isLevelEnabled("debug")) return;
      const fields = {
        requestId: headers["x-request-id"],
        method: request.method,
        path: placeOf(request).path,
        status,
      };
      logger.debug({ ...fields, ms: Math.round((clock.mono() - startedMs) * 10) / 10, operation }, "request");
    },
    now: clock.mono,
    async run(route: Route, incoming: HttpRequest): Promise<Response> {
      const started = clock.mono();
      const headers = this.headersFor(incoming.request);
      let response: Response;
      try {
        response = await answerWith(incoming.request, () => answer(route, incoming, headers));
      } catch (error) {
        response = refuse(error, route, headers);
      }
      observe(route.operationId, response.status, clock.mono() - started);
      this.note(incoming.request, response, headers, started, route.operationId);
      return response;
    },
  };
}

function peerOf({ request, server }: HttpRequest): Peer | undefined {
  const address = server?.requestIP(request);
  return address ? peerAt(address) : undefined;
}

/** Caller shown by the bytes so far; undefined for none. */
function witnessed(witness: Witness): Caller | undefined {
  try {
    return witness.caller();
  } catch {
    return undefined;
  }
}

const effectOf = ({ method, long }: Route): Effect => (method !== "GET" ? "change" : long ? "stream" : "read");

const isTooLarge = (error: unknown): error is Problem => error instanceof Problem && error.code === "too-large";

/** Browsers let a page of any origin open a WebSocket, always say its origin, and let it set no header. */
const mayBePage = ({ headers }: Request): boolean => headers.has("origin") || !headers.has("authorization");

/** An sf-string (`"key"`) or the bare key. @throws Problem 422 */
function readKey(request: Request): string | undefined {
  const given = request.headers.get("idempotency-key");
  if (given === null) return undefined;
  const quoted = /^"(.*)"$/s.exec(given)?.[1];
  const bare = quoted ?? given;
  if (bare.includes(quoted === undefined ? ", " : '", "'))
    throw Problem.invalid("Idempotency-Key", "is given twice; a key with a comma in it has to be in quotes");
  const parsed = IdempotencyKey.safeParse(bare);
  if (!parsed.success) throw Problem.invalid("Idempotency-Key", parsed.error.issues[0]?.message ?? "is not acceptable");
  return parsed.data;
}

function toResponse({ status, body, headers: more }: Answer, headers: Record<string, string>): Response {
  if (more) Object.assign(headers, more);
  if (body === undefined) return new Response(null, { status, headers });
  headers["content-type"] ??= "application/json";
  const text = body instanceof RawJson ? body.text : typeof body === "string" ? body : JSON.stringify(body);
  return new Response(text, { status, headers });
}

export function problemResponse(problem: Problem, requestId: string, headers: Record<string, string>): Response {
  headers["content-type"] = "application/problem+json";
  addRefusalHeaders(problem, headers);
  return new Response(JSON.stringify(problem.body(requestId)), { status: problem.status, headers });
}

/** The refusal in the form of another protocol. */
function refusalResponse(dialect: Dialect, problem: Problem, headers: Record<string, string>): Response {
  const { status, type, body } = dialect.refusal(problem);
  headers["content-type"] = type;
  addRefusalHeaders(problem, headers);
  return new Response(JSON.stringify(body), { status, headers });
}

function addRefusalHeaders(problem: Problem, headers: Record<string, string>): void {
  if (problem.code === "unauthorized") headers["www-authenticate"] = 'Bearer realm="signalbox"';
  if (problem.extras.retryAfterSeconds !== undefined) headers["retry-after"] = String(problem.extras.retryAfterSeconds);
  // The rest of a body that is too large is not read.
  if (problem.code === "too-large") headers.connection = "close";
}

/** Ids that are unique to this run of the relay: when it started, and a count. */
function idMaker(clock: Clock): () => string {
  const run = clock.now().toString(36);
  let count = 0;
  return () => `req_${run}_${(++count).toString(36)}`;
}
