import { z } from "zod";
import { contract } from "./contract.ts";

/** Files of the documentation page. */
export const DOCS_FILES = [
  "start.js",
  "swagger-ui-bundle.js",
  "swagger-ui.css",
  "index.css",
  "favicon-32x32.png",
] as const;

const tag = "Documents";

export const home = contract({
  method: "GET",
  path: "/",
  operationId: "home",
  summary: "Send to the page of this document",
  tag,
  open: true,
  answers: { 307: { description: "Redirect to `/docs`." } },
});

export const openApiDocument = contract({
  method: "GET",
  path: "/openapi.json",
  operationId: "openApiDocument",
  summary: "This document",
  tag,
  open: true,
  answers: {
    200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) },
    304: { description: "Unchanged since the given ETag." },
  },
});

export const docsPage = contract({
  method: "GET",
  path: "/docs",
  operationId: "docsPage",
  summary: "This document, to be browsed",
  tag,
  open: true,
  answers: {
    200: { description: "A page.", type: "text/html", schema: z.string() },
    304: { description: "Unchanged since the given ETag." },
  },
});

export const docsFile = contract({
  method: "GET",
  path: "/docs/{file}",
  operationId: "docsFile",
  summary: "A file of that page",
  tag,
  open: true,
  params: z.strictObject({ file: z.string().max(64).describe(DOCS_FILES.join(", ")) }),
  answers: {
    200: { description: "The file.", type: "*/*", schema: z.string() },
    304: { description: "Unchanged since the given ETag." },
  },
  problems: ["not-found"],
});
