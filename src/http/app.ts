import { Elysia } from "elysia";
import { PROBLEMS, Problem, type ProblemCode } from "../problem.ts";
import type { Method, Route } from "./call.ts";
import type { Handle } from "./handle.ts";
import { placeOf } from "./link.ts";
import type { SocketHandler } from "./socket-outlet.ts";

/** Bun answers larger bodies by itself, with 413 and no text; what lies between ours and this gets a problem. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const IDLE_SECONDS = 60;
/** A message of 256 KiB with payload and meta, as JSON with escapes. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Bun drops what goes beyond this without a word, so the connection is closed instead. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/** The web application: every route through the one handler, and a problem for everything else. */
export function createApp(routes: readonly Route[], handle: Handle) {
  const app = new Elysia({
    // Not in development, whatever NODE_ENV says: there Bun answers an error with a page that shows the source.
    serve: { idleTimeout: IDLE_SECONDS, maxRequestBodySize: MAX_REQUEST_BYTES, development: false },
    websocket: {
      maxPayloadLength: MAX_FRAME_BYTES,
      backpressureLimit: MAX_BUFFERED_BYTES,
      closeOnBackpressureLimit: true,
      idleTimeout: 120,
      sendPings: true,
      perMessageDeflate: false,
    },
  });
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    // Elysia answers HEAD by the route of GET.
    app.route(
      route.method,
      path,
      // Named one by one: Elysia reads this function's text to see what it has to prepare.
      ({ request, params, server }) => handle.run(route, { request, params: params as Record<string, string>, server }),
      // The body is read by us: with its own limit, after the token was looked at.
      { parse: "none" },
    );
  }
  app.onError({ as: "global" }, ({ error, request, code }) => {
    const headers = handle.headersFor(request);
    if (code === "NOT_FOUND") return handle.refuse(notFound(routes, request, headers), undefined, headers);
    if (code === "PARSE")
      return handle.refuse(new Problem("bad-request", "The request cannot be read."), undefined, headers);
    return handle.refuse(error, undefined, headers);
  });
  return app;
}

export type App = ReturnType<typeof createApp>;

/** Hands a connection over to a WebSocket handler; false when this is no WebSocket request, or there is no server. */
export function upgradeWith(app: App) {
  // Elysia serves every WebSocket with one dispatcher, which calls the methods of `ws.data`: ours.
  return (request: Request, data: SocketHandler, headers: Record<string, string>): boolean =>
    app.server?.upgrade(request, { data: data as never, headers }) ?? false;
}

/** 405 with `Allow` when the path is there for other methods, else 404. */
function notFound(routes: readonly Route[], request: Request, headers: Record<string, string>): Problem {
  const { path } = placeOf(request);
  const methods = new Set<Method | "HEAD">();
  for (const route of routes) if (matches(route.path, path)) methods.add(route.method);
  if (methods.has("GET")) methods.add("HEAD");
  const code: ProblemCode = methods.size ? "method-not-allowed" : "not-found";
  if (methods.size) headers.allow = [...methods].sort().join(", ");
  const what = methods.size ? `${path} takes ${headers.allow}` : `${PROBLEMS["not-found"][1]}: ${path}`;
  return new Problem(code, `${what.slice(0, 300)}.`);
}

function matches(pattern: string, pathname: string): boolean {
  const parts = pattern.split("/");
  const given = pathname.split("/");
  return (
    parts.length === given.length &&
    parts.every((part, i) => (part.startsWith("{") ? given[i] !== "" : part === given[i]))
  );
}
