import { randomBytes } from "node:crypto";
import { type Call, type Route, route } from "../../identity/auth/route.ts";
import { etagOf, unlessKnown } from "../../kernel/http/etag.ts";
import { lazy } from "../../kernel/lazy.ts";
import * as api from "../../protocol/console.ts";
import { Problem } from "../../protocol/problem.ts";
import { type ConsolePack, encodedFor, loadPack } from "./pack.ts";

/** Everything from the relay alone. Libraries that make style elements get the page's nonce. */
const policyWith = (nonce: string): string =>
  [
    ...["default-src 'none'", "script-src 'self'", `style-src 'self' 'nonce-${nonce}'`, "img-src 'self' data: blob:"],
    ...["font-src 'self'", "connect-src 'self'", "worker-src 'self'", "manifest-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join("; ");

/** A name that changes with the content is kept for good. */
const FOR_GOOD = "public, max-age=31536000, immutable";

const icon = (size: number, more: object = {}) => ({
  ...{ src: `/assets/icon-${size}.png`, sizes: `${size}x${size}`, type: "image/png", ...more },
});

/** The console as an app. */
const MANIFEST = {
  ...{ id: "/", name: "Signalbox", short_name: "Signalbox", start_url: "/", scope: "/", display: "standalone" },
  ...{ background_color: "#101316", theme_color: "#101316" },
  icons: [icon(192), icon(512), icon(512, { purpose: "maskable" })],
};

/** The console: its page, at each of its addresses, and its files. */
export function consoleRoutes(): Route[] {
  const html = lazy(async () => textOf(await loadPack(), "index.html"));

  const page = async ({ headers }: Pick<Call<unknown, unknown, unknown>, "headers">): Promise<Response> => {
    const nonce = randomBytes(16).toString("base64url");
    const text = (await html()).replace("__NONCE__", nonce);
    return new Response(text, {
      headers: { ...headers, "content-security-policy": policyWith(nonce), "content-type": "text/html; charset=utf-8" },
    });
  };

  return [
    route(api.home, page),
    ...api.consolePages.map((contract) => route(contract, page)),
    route(api.consoleManifest, ({ headers }) => {
      const type = { "content-type": "application/manifest+json" };
      return new Response(JSON.stringify(MANIFEST), { headers: { ...headers, ...type, "cache-control": "no-cache" } });
    }),
    route(api.consoleWorker, async ({ headers }) => {
      const script = textOf(await loadPack(), "worker.js");
      // Nothing but its own script, and the icons of the notifications that it shows.
      const policy = { "content-security-policy": "default-src 'none'; img-src 'self'" };
      const type = { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" };
      return new Response(script, { headers: { ...headers, ...policy, ...type } });
    }),
    route(api.consoleFile, async ({ params, request, headers }) => {
      const file = (await loadPack())[`assets/${params.file}`];
      if (!file) throw new Problem("not-found", "There is no such file. Load the page again: the relay was updated.");
      const { bytes, encoding } = encodedFor(file, request.headers.get("accept-encoding") ?? "");
      return unlessKnown(request, bytes, {
        ...{ ...headers, etag: etagOf(bytes), "cache-control": FOR_GOOD, vary: "Accept-Encoding" },
        ...(encoding && { "content-encoding": encoding }),
        "content-type": file.type,
      });
    }),
  ];
}

function textOf(pack: ConsolePack, path: string): string {
  const file = pack[path];
  if (!file) throw new Error(`the console has no ${path}`);
  return new TextDecoder().decode(encodedFor(file, "").bytes);
}
