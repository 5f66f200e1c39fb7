import { Elysia } from "elysia";
import type { Routes } from "../../identity/auth/late-routes.ts";
import { placeOf } from "../../kernel/http/link.ts";
import type { SocketHandler } from "../../kernel/http/socket-outlet.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ProblemCode } from "../../protocol/problem-codes.ts";
import type { Handle } from "./handle.ts";
import { createRouter } from "./router.ts";

/** Bun answers larger bodies by itself, with 413 and no text. Bodies between a route's limit and this get a problem. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const IDLE_SECONDS = 60;
/** A message of 256 KiB with payload and meta, as JSON with escapes. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Bun drops data beyond this silently, so the connection is closed instead. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

type Server = Parameters<Handle["run"]>[1]["server"];

/** The web application: every route through the one handler, and a problem for everything else. */
export function createApp(table: Routes, handle: Handle) {
  const app = new Elysia({
    // Not in development, whatever NODE_ENV says: there Bun answers an error with a page that shows the source.
    serve: { idleTimeout: IDLE_SECONDS, maxRequestBodySize: MAX_REQUEST_BYTES, development: false },
    websocket: {
      maxPayloadLength: MAX_FRAME_BYTES,
      backpressureLimit: MAX_BUFFERED_BYTES,
      closeOnBackpressureLimit: true,
      // A ping goes out in time for its pong: a client that vanished is closed after this long.
      idleTimeout: IDLE_SECONDS,
      sendPings: true,
      perMessageDeflate: false,
    },
  });
  const router = createRouter(table);
  function answer(request: Request, server: Server): Promise<Response> {
    const { path } = placeOf(request);
    const found = router.find(request.method, path);
    return found
      ? handle.run(found.route, { request, params: found.params, server })
      : answerLate(request, server, path);
  }

  /** Answers by a route that is loaded with its first request, or tells that there is none. */
  async function answerLate(request: Request, server: Server, path: string): Promise<Response> {
    const found = (await router.load(path)) && router.find(request.method, path);
    if (found) return handle.run(found.route, { request, params: found.params, server });
    const started = handle.now();
    const headers = handle.headersFor(request);
    const response = handle.refuse(notFound(path, router.methods(path), headers), undefined, headers);
    handle.note(request, response, headers, started);
    return response;
  }

  // Elysia reads the source text of each handler at its first request (35 ms for 130 of them), so it has a single one.
  app.all(
    "/*",
    ({ request, server }) => {
      const answering = answer(request, server);
      return request.method === "HEAD" ? answering.then(headOf) : answering;
    },
    // Elysia leaves the body alone: each route has its limit, and the token is checked first.
    { parse: "none" },
  );
  app.onError({ as: "global" }, ({ error, request }) => handle.refuse(error, undefined, handle.headersFor(request)));
  return app;
}

export type App = ReturnType<typeof createApp>;

/** Hands a connection over to a WebSocket handler; false when this is no WebSocket request, or there is no server. */
export function upgradeWith(app: App) {
  // Elysia serves every WebSocket with one dispatcher, which calls the methods of `ws.data`: ours.
  return (request: Request, data: SocketHandler, headers: Record<string, string>): boolean =>
    app.server?.upgrade(request, { data: data as never, headers }) ?? false;
}

/** The answer to HEAD. A stream is ended: reading it to find its length would never end. */
async function headOf(response: Response): Promise<Response> {
  const headers = new Headers(response.headers);
  if (headers.get("content-type")?.startsWith("text/event-stream")) await response.body?.cancel();
  else if (response.body) headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  return new Response(null, { status: response.status, headers });
}

/** 405 with `Allow` when the path is there for other methods, else 404. */
function notFound(path: string, methods: Set<string>, headers: Record<string, string>): Problem {
  const code: ProblemCode = methods.size ? "method-not-allowed" : "not-found";
  if (methods.size) headers.allow = [...methods].sort().join(", ");
  const place = path.slice(0, 300);
  return new Problem(
    code,
    methods.size ? `${place} takes ${headers.allow}.` : `There is no route ${place}. /docs lists all routes.`,
  );
}
