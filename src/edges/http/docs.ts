import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import icon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import style from "swagger-ui-dist/index.css" with { type: "file" };
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import swagger from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { type Route, route } from "../../identity/auth/route.ts";
import { etagOf, unlessKnown } from "../../kernel/http/etag.ts";
import { placeOf } from "../../kernel/http/link.ts";
import * as api from "../../protocol/documents.ts";
import { Problem } from "../../protocol/problem.ts";
import { FOLDER } from "../../root.ts";
import page from "./docs-page/index.html" with { type: "file" };
import start from "./docs-page/start.js" with { type: "file" };
import { openApiDocument } from "./openapi.ts";

/** Paths of the page's own files and of Swagger UI's, as the bundler gives them: nothing else is ever read, whatever a path says. */
const FILES: Record<(typeof api.DOCS_FILES)[number], { type: string; path: string }> = {
  "start.js": { type: "text/javascript; charset=utf-8", path: start },
  "swagger-ui-bundle.js": { type: "text/javascript; charset=utf-8", path: swagger },
  "swagger-ui.css": { type: "text/css; charset=utf-8", path: swaggerStyle },
  "index.css": { type: "text/css; charset=utf-8", path: style },
  "favicon-32x32.png": { type: "image/png", path: icon },
};

/** Paths in a bundle are relative to its folder. */
const bytesOf = (path: string) => readFile(resolve(FOLDER, path));

/** Content from the relay alone, no inline script. Swagger UI's style sheet draws its arrows as data: images. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The OpenAPI document of `routes` and these, and pages to browse it; for everybody, without a token. */
export function docsRoutes(routes: () => Promise<Route[]>, publicUrl: string | undefined): Route[] {
  const own: Route[] = [documentRoute(() => document), pageRoute(), fileRoute()];
  const document = cached(async () =>
    Buffer.from(JSON.stringify(openApiDocument([...(await routes()), ...own], publicUrl))),
  );
  return own;
}

function documentRoute(document: () => Cached): Route {
  return route(api.openApiDocument, ({ request, headers }) => document()(request, headers, "application/json"));
}

function pageRoute(): Route {
  const answer = cached(() => bytesOf(String(page)));
  return route(api.docsPage, ({ request, headers }) => {
    // The page names its files relative to /docs.
    if (placeOf(request).path.endsWith("/")) return { status: 308, headers: { location: "../docs" } };
    return answer(request, { ...headers, "content-security-policy": PAGE_POLICY }, "text/html; charset=utf-8");
  });
}

function fileRoute(): Route {
  const files = new Map(
    Object.entries(FILES).map(([name, { path, type }]) => [name, { type, bytes: cached(() => bytesOf(path)) }]),
  );
  return route(api.docsFile, ({ params, request, headers }) => {
    const file = files.get(params.file);
    if (!file) throw new Problem("not-found", "There is no such file.");
    return file.bytes(request, headers, file.type);
  });
}

/** Answers with bytes made once: whole, or 304 for a client that has them. */
type Cached = (request: Request, headers: Record<string, string>, type: string) => Promise<Response>;

function cached(make: () => Promise<Uint8Array<ArrayBuffer>>): Cached {
  let made: Promise<{ bytes: Uint8Array<ArrayBuffer>; etag: string }> | undefined;
  const load = async () => {
    const bytes = await make();
    return { bytes, etag: etagOf(bytes) };
  };
  return async (request, headers, type) => {
    made ??= load();
    const { bytes, etag } = await made;
    // The browser keeps the bytes and revalidates each time: a new version shows at once.
    return unlessKnown(request, bytes, { ...headers, etag, "cache-control": "no-cache", "content-type": type });
  };
}
