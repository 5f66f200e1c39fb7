import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { z } from "zod";
import { problemCodes } from "../../../src/edges/http/openapi.ts";
import type { Route } from "../../../src/identity/auth/route.ts";
import { ProblemBody } from "../../../src/protocol/problem.ts";
import { PROBLEMS } from "../../../src/protocol/problem-codes.ts";
import { EXAMPLES, type Example, requestOf } from "../../support/examples.ts";
import { startRelay } from "../../support/relay.ts";
import { createWorld, type World } from "../../support/world.ts";

// Whatever JSON the document holds: what a test expects of it is what the test says.
// biome-ignore lint/suspicious/noExplicitAny: tests look into the document freely
type Loose = any;

let document: Promise<Loose> | undefined;

/** The document, read once for all tests of this file: its making takes 0.1 s of CPU. */
const readDocument = (): Promise<Loose> =>
  (document ??= startRelay().then(async ({ ask }) => (await ask("GET", "/openapi.json")).body));

interface Operation {
  method: string;
  path: string;
  spec: Loose;
}

function operationsOf(document: Loose): Operation[] {
  return Object.entries<Loose>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Loose>(methods).map(([method, spec]) => ({ method, path, spec })),
  );
}

/** Parses by the schema; what the schema does not know would be left away, and so be seen. */
function expectShape(schema: z.ZodType, body: unknown, what: string): void {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Error(`${what}: ${parsed.error.message}\n${JSON.stringify(body)}`);
  expect(parsed.data, what).toEqual(body);
}

/** Makes the call and checks its answer against what the route says it answers. */
async function tour(world: World, route: Route, example: Example) {
  const what = `${route.operationId} as ${example.who}`;
  const response = await world.relay.app.handle(requestOf(route, example, world));
  const type = response.headers.get("content-type") ?? "";
  if (response.status >= 400) {
    const problem = (await response.json()) as ProblemBody;
    expectShape(ProblemBody, problem, what);
    expect(problemCodes(route), what).toContain(problem.code);
    return { status: response.status, body: problem };
  }
  const doc = route.answers[response.status];
  if (!doc) throw new Error(`${what} answered ${response.status}, which is not documented`);
  if (doc.events) {
    expect(type, what).toStartWith("text/event-stream");
    await response.body?.cancel();
    return { status: response.status, body: undefined };
  }
  const text = await response.text();
  if (!doc.schema) expect(text, what).toBe("");
  else if (doc.type) expectShape(doc.schema, text, what);
  else expectShape(doc.schema, JSON.parse(text), what);
  return { status: response.status, body: doc.schema && !doc.type ? JSON.parse(text) : text };
}

describe("the OpenAPI document", () => {
  test("the OpenAPI document passes redocly's strict rules", async () => {
    const lint = Bun.spawn([process.execPath, "scripts/openapi.ts", "--lint"], {
      ...{ cwd: join(import.meta.dir, "../../.."), stdout: "pipe", stderr: "pipe" },
    });
    const said = (await new Response(lint.stdout).text()) + (await new Response(lint.stderr).text());
    expect(await lint.exited, said).toBe(0);
  });

  test("every operation of the OpenAPI document has a name of its own, a summary, a known tag, a success and a refusal", async () => {
    const document = await readDocument();
    const operations = operationsOf(document);
    const tags = new Set(document.tags.map((tag: { name: string }) => tag.name));
    for (const { method, path, spec } of operations) {
      const what = `${method} ${path}`;
      expect(spec.operationId, what).toMatch(/^[a-z][A-Za-z]+$/);
      expect(spec.summary, what).toBeTruthy();
      expect(spec.tags, what).toHaveLength(1);
      expect(tags, what).toContain(spec.tags[0]);
      const statuses = Object.keys(spec.responses);
      expect(
        statuses.some((status) => /^(2|101|307)/.test(status)),
        what,
      ).toBe(true);
      expect(
        statuses.some((status) => status.startsWith("4")),
        what,
      ).toBe(true);
    }
    const names = operations.map(({ spec }) => spec.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  test("the OpenAPI document holds every route, and nothing else", async () => {
    const { relay } = await startRelay();
    const operations = operationsOf(await readDocument());
    const written = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const routes = await relay.routes();
    expect(written.toSorted()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted());
  });

  test("every reference in the OpenAPI document leads somewhere, and every named schema is used", async () => {
    const document = await readDocument();
    const references = new Set(
      JSON.stringify(document)
        .matchAll(/"\$ref":"#\/([^"]+)"/g)
        .map(([, place]) => place),
    );
    for (const place of references) {
      const found = place?.split("/").reduce((at: Loose, key) => at?.[key], document);
      expect(found, place).toBeDefined();
    }
    for (const name of Object.keys(document.components.schemas))
      expect(references, name).toContain(`components/schemas/${name}`);
  });

  test("the problem codes of the OpenAPI document are one closed list", async () => {
    const { components } = await readDocument();
    expect(components.schemas.Problem.properties.code.enum).toEqual(Object.keys(PROBLEMS));
  });

  test("the server of the OpenAPI document is the public URL, else wherever it was read", async () => {
    const publicUrl = "https://relay.example.org";
    const open = await startRelay({ publicUrl });
    expect((await open.ask("GET", "/openapi.json")).body.servers).toEqual([{ url: publicUrl }]);
    const plain = await startRelay();
    expect((await plain.ask("GET", "/openapi.json")).body.servers).toEqual([{ url: "/" }]);
  });

  test("what a caller may leave out is not required, and what has a default is always answered", async () => {
    const { schemas } = (await readDocument()).components;
    expect(schemas.MessageDraft.required).toEqual(["to", "body"]);
    expect(schemas.MessageDraft.additionalProperties).toBe(false);
    expect(schemas.Message.required).toContain("state");
    expect(schemas.Message.additionalProperties).toBeUndefined();
  });
});

describe("the document that clients are generated from", () => {
  test("every body in the OpenAPI document has an example that its schema takes", async () => {
    const { relay } = await startRelay();
    const operations = operationsOf(await readDocument());
    const shown = new Map(operations.map(({ spec }) => [spec.operationId, spec.requestBody?.content]));
    for (const { operationId, body, example } of await relay.routes()) {
      if (!body) continue;
      expect(shown.get(operationId)["application/json"].example, operationId).toEqual(example);
      expect(body.safeParse(example).error?.message, operationId).toBeUndefined();
    }
  });

  test("the example of sending a message is sent as it stands", async () => {
    const { ask } = await startRelay();
    const { paths } = await readDocument();
    const { example } = paths["/v1/messages"].post.requestBody.content["application/json"];
    expect((await ask("POST", "/v1/messages", example)).status).toBe(201);
  });

  test("a result may be text, and payload and meta hold any members", async () => {
    const { schemas } = (await readDocument()).components;
    expect(schemas.Complete.properties.result.anyOf).toEqual([
      { type: "string", maxLength: 262_144 },
      { $ref: "#/components/schemas/Result" },
    ]);
    for (const name of ["payload", "meta"])
      expect(schemas.MessageDraft.properties[name].anyOf[0], name).toMatchObject({ additionalProperties: true });
    const closed = JSON.stringify(schemas).match(/\{"type":"object"(,"description":"[^"]*")?\}/g);
    expect(closed, "an object type without members").toBeNull();
  });

  test("the frames of the WebSocket are schemas, each by its type", async () => {
    const document = await readDocument();
    const socket = document.paths["/v1/agents/{id}/socket"].get["x-websocket"];
    const typesOf = (place: { $ref: string }): string[] => {
      const { anyOf = [], oneOf = [], properties } = "$ref" in place ? schemaAt(document, place.$ref) : place;
      return properties ? [properties.type.const] : [...anyOf, ...oneOf].flatMap(typesOf);
    };
    expect(typesOf(socket.clientFrame).toSorted()).toEqual(
      ["ack", "auth", "claim", "complete", "fail", "heartbeat", "release", "renew", "send"].toSorted(),
    );
    expect(typesOf(socket.serverFrame).toSorted()).toEqual(
      ["bye", "hello", "message", "ok", "open", "presence", "problem", "reset"].toSorted(),
    );
  });
});

const schemaAt = (document: Loose, reference: string): Loose =>
  reference
    .slice(2)
    .split("/")
    .reduce((at: Loose, key) => at?.[key], document);

describe("answers are as documented", () => {
  test("answers of every operation are as documented, to its example", async () => {
    const world = await createWorld();
    for (const route of await world.relay.routes()) {
      const make = EXAMPLES[route.operationId];
      if (!make) throw new Error(`there is no example of ${route.operationId}`);
      const { status, body } = await tour(world, route, await make(world));
      // There is no server in this process to hand the connection over.
      if (route.socket) expect(status).toBe(426);
      else if (route.answers[307]) expect(status, route.operationId).toBe(307);
      else expect(status, `${route.operationId}: ${JSON.stringify(body)}`).toBeLessThan(300);
    }
  });

  test("answers of every operation to its example by others are as documented", async () => {
    const world = await createWorld();
    for (const route of await world.relay.routes()) {
      const example = await EXAMPLES[route.operationId]?.(world);
      if (!example) continue;
      for (const who of ["viewer", "enroll", "nobody", "stranger"] as const)
        await tour(world, route, { ...example, who });
    }
  });

  test("answers of 200 to a repeated key, 202 to a later message, and 422 to another one with the same key are as documented", async () => {
    const world = await createWorld();
    const route = await routeOf(world, "sendMessage");
    const example: Example = { who: "agent", body: { to: "sender", body: "x" }, headers: { "idempotency-key": "k" } };
    expect((await tour(world, route, example)).status).toBe(201);
    expect((await tour(world, route, example)).status).toBe(200);
    expect((await tour(world, route, { ...example, body: { to: "sender", body: "y" } })).status).toBe(422);
    const later = { to: "sender", body: "x", deliverAt: "2026-12-31T00:00:00Z" };
    expect((await tour(world, route, { who: "agent", body: later })).status).toBe(202);
  });

  test("lists that go on say so in the body and in Link", async () => {
    const world = await createWorld();
    for (const path of ["/v1/agents", "/v1/tokens", "/v1/activity"]) {
      const { body, headers } = await world.ask("GET", `${path}?limit=1`);
      expect(body.nextPage, path).toBeString();
      expect(headers.get("link"), path).toBe(`<${path}?limit=1&page=${encodeURIComponent(body.nextPage)}>; rel="next"`);
    }
  });
});

describe("the documents that anybody may read", () => {
  const publicPaths = [
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
  ];

  test("a caller that has a document already is told so", async () => {
    const { relay } = await startRelay();
    for (const path of publicPaths) {
      const first = await relay.app.handle(new Request(`http://localhost${path}`));
      const etag = first.headers.get("etag") ?? "";
      expect(first.status, path).toBe(200);
      expect(etag, path).toMatch(/^".+"$/);
      const given = { "if-none-match": `"other", W/${etag}` };
      const again = await relay.app.handle(new Request(`http://localhost${path}`, { headers: given }));
      expect(again.status, path).toBe(304);
      expect(await again.text(), path).toBe("");
    }
  });

  test("HEAD of a document answers what GET does, without the body", async () => {
    const { relay } = await startRelay();
    for (const path of [...publicPaths, "/healthz", "/readyz"]) {
      const get = await relay.app.handle(new Request(`http://localhost${path}`));
      const head = await relay.app.handle(new Request(`http://localhost${path}`, { method: "HEAD" }));
      expect(head.status, path).toBe(200);
      expect(head.headers.get("content-type"), path).toBe(get.headers.get("content-type"));
      expect(head.headers.get("content-length"), path).toBe(String((await get.arrayBuffer()).byteLength));
      expect(await head.text(), path).toBe("");
    }
  });

  test("the page of the interface has no script of its own and may load from this origin alone", async () => {
    const { ask } = await startRelay();
    const page = await ask("GET", "/docs");
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|style=|https?:/);
    expect(page.headers.get("content-security-policy")).toMatch(
      /default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect((await ask("GET", "/docs/start.js")).body).not.toMatch(/https?:/);
    expect((await ask("GET", "/docs/")).headers.get("location")).toBe("../docs");
  });

  test("a file of the page that is not on the list is not there", async () => {
    const { ask } = await startRelay();
    for (const name of [
      "package.json",
      "swagger-ui-bundle.js.map",
      "..%2f..%2fpackage.json",
      "%2e%2e%2fdocs.ts",
      "constructor",
    ])
      expect((await ask("GET", `/docs/${name}`)).status, name).toBe(404);
  });
});

async function routeOf(world: World, operationId: string): Promise<Route> {
  const route = (await world.relay.routes()).find((candidate) => candidate.operationId === operationId);
  if (!route) throw new Error(`there is no ${operationId}`);
  return route;
}
