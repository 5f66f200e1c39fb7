import { z } from "zod";
import { contracts } from "./contract.ts";

/** Files of the documentation page. */
export const DOCS_FILES = [
  "start.js",
  "swagger-ui-bundle.js",
  "swagger-ui.css",
  "index.css",
  "favicon-32x32.png",
] as const;

const contract = contracts("Documents");

export const openApiDocument = contract("openApiDocument", "GET /openapi.json", {
  summary: "Get this document",
  open: true,
  answers: {
    200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) },
    304: { description: "Unchanged since the given ETag." },
  },
});

export const docsPage = contract("docsPage", "GET /docs", {
  summary: "Browse this document",
  open: true,
  answers: {
    200: { description: "A page.", type: "text/html", schema: z.string() },
    304: { description: "Unchanged since the given ETag." },
  },
});

export const docsFile = contract("docsFile", "GET /docs/{file}", {
  summary: "Get a file of that page",
  open: true,
  params: z.strictObject({ file: z.string().max(64).describe(DOCS_FILES.join(", ")) }),
  answers: {
    200: { description: "The file.", type: "*/*", schema: z.string() },
    304: { description: "Unchanged since the given ETag." },
  },
  problems: ["not-found"],
});
