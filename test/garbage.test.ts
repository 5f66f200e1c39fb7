import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { Route } from "../src/http/call.ts";
import { problemCodes } from "../src/http/openapi.ts";
import { PROBLEMS, ProblemBody } from "../src/problem.ts";
import { createDigest, type Digest } from "./support/digest.ts";
import { EXAMPLES, type Example } from "./support/examples.ts";
import { bytes, header, json, jsonText, text, urlPiece } from "./support/garbage.ts";
import { atEnd } from "./support/relay.ts";
import { inTime } from "./support/until.ts";
import { createWorld, WHO, type World } from "./support/world.ts";
import { allNear, type Wound, wounded, woundOf } from "./support/wounds.ts";

setDefaultTimeout(180_000);

/** With the same seed the same garbage is thrown. fast-check prints seed and path of what failed. */
const SEED = 20_260_301;
/** A world gets fuller with every request it accepts, and slower to look at. */
const RUNS_OF_A_WORLD = 300;
/** Whoever waits for an entry or for work leaves after this. */
const PATIENCE_MS = 15;

/** How long anything else may take. */
const ANSWER_MS = 5000;

interface Range {
  world: World;
  digest: Digest;
}

/** Worlds, one after the other; a new one when this one is full or something in it was spoilt. */
function createRange() {
  let current: Range | undefined;
  let runs = 0;
  return {
    spoil(): void {
      current = undefined;
    },
    async now(): Promise<Range> {
      if (current && runs++ < RUNS_OF_A_WORLD) return current;
      if (current) await checkReadable(current);
      runs = 0;
      const world = await createWorld();
      const digest = createDigest(join(world.config.dataDir, "signalbox.db"));
      atEnd(async () => digest.close());
      current = { world, digest };
      return current;
    },
  };
}

/** Sends it, and holds the answer against the properties. Answers the status. */
async function fire(
  { world, digest }: Range,
  request: Request,
  leave: AbortController,
  route?: Route,
): Promise<number> {
  const before = digest.take();
  const patience = setTimeout(() => leave.abort(), PATIENCE_MS);
  const response = await inTime(world.relay.app.handle(request), "an answer", ANSWER_MS).finally(() =>
    clearTimeout(patience),
  );
  if (response.status < 400) {
    await checkSuccess(response, route);
    return response.status;
  }
  const body: unknown = await response.json();
  const told = JSON.stringify(body).slice(0, 500);
  expect(response.status, told).toBeLessThan(500);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = ProblemBody.strict().parse(body);
  expect(problem.status, told).toBe(response.status);
  expect(problem.requestId, told).toBe(response.headers.get("x-request-id") ?? "");
  expect(problem.requestId, told).not.toBe("");
  // Only a lone surrogate is written as an escape.
  expect(JSON.stringify(body)).not.toMatch(/\\ud[89a-f]/);
  expect(route ? problemCodes(route) : Object.keys(PROBLEMS), told).toContain(problem.code);
  expect(digest.take(), `refused, and something changed: ${told}`).toBe(before);
  return response.status;
}

/** Garbage that was accepted after all is answered as the document says. */
async function checkSuccess(response: Response, route: Route | undefined): Promise<void> {
  const doc = route?.answers[response.status];
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) await response.body?.cancel();
  else {
    const said = await response.text();
    if (doc?.schema && !doc.type) doc.schema.parse(JSON.parse(said));
  }
}

const otherMethod = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
const routeNames = Object.keys(EXAMPLES);

function routeOf(world: World, operationId: string): Route {
  const route = world.relay.routes.find((candidate) => candidate.operationId === operationId);
  if (!route) throw new Error(`there is no ${operationId}`);
  return route;
}

/** What was accepted, however odd, comes back in the documented shape: nothing accepted spoils a list for everybody. */
async function checkReadable({ world }: Range): Promise<void> {
  const lists: Record<string, string> = {
    listAgents: "/v1/agents",
    listMessages: "/v1/messages",
    listTokens: "/v1/tokens",
    listTasks: "/v1/tasks",
    listIntegrations: "/v1/integrations",
    listActivity: "/v1/activity",
    readInbox: "/v1/agents/worker/inbox?after=0",
    listChannels: "/v1/channels",
    listBindings: "/v1/bindings",
  };
  for (const [operationId, path] of Object.entries(lists)) {
    const { status, body } = await world.ask("GET", `${path}${path.includes("?") ? "&" : "?"}limit=500`);
    expect(status, path).toBe(200);
    routeOf(world, operationId).answers[200]?.schema?.parse(body);
  }
}

/** undefined when an accepted request before this one has changed what the example stands on. */
async function exampleOf(operationId: string, world: World): Promise<Example | undefined> {
  try {
    return await EXAMPLES[operationId]?.(world);
  } catch {
    return undefined;
  }
}

/** Makes the example's request with one thing wrong. Answers the status; 0 when there was no example to be had. */
async function injure(range: ReturnType<typeof createRange>, operationId: string, wound: Wound): Promise<number> {
  const here = await range.now();
  const route = routeOf(here.world, operationId);
  const example = await exampleOf(operationId, here.world);
  if (!example) {
    range.spoil();
    return 0;
  }
  const leave = new AbortController();
  const request = wounded(route, example, wound, here.world, leave.signal);
  const status = await fire(here, request, leave, wound.at === "path" ? undefined : route).catch((error: unknown) => {
    throw new Error(`${operationId} with ${JSON.stringify(wound)}`, { cause: error });
  });
  if (spoils(route, status)) range.spoil();
  return status;
}

/** What a deleted agent or a revoked token leaves behind would be missed by all that follows. */
const spoils = (route: Route, status: number): boolean => status < 300 && route.method === "DELETE";

test("every route has an example to start from", async () => {
  const { relay } = await createWorld();
  expect(relay.routes.map((route) => route.operationId).toSorted()).toEqual(routeNames.toSorted());
});

test("G9: a sound request with one thing wrong is answered, or refused and changes nothing", async () => {
  const range = createRange();
  const { routes } = (await range.now()).world.relay;
  const refused = new Map(routes.map(({ operationId }) => [operationId, 0]));
  const injury = fc.oneof(
    ...routes.map((route) => ({
      weight: route.body ? 3 : 1,
      arbitrary: fc.record({ operationId: fc.constant(route.operationId), wound: woundOf(route) }),
    })),
  );
  await fc.assert(
    fc.asyncProperty(injury, async ({ operationId, wound }) => {
      const status = await injure(range, operationId, wound);
      if (status >= 400) refused.set(operationId, (refused.get(operationId) ?? 0) + 1);
    }),
    { seed: SEED, numRuns: 45 * routes.length },
  );
  await checkReadable(await range.now());
  for (const [operationId, times] of refused) expect(times, `${operationId} refused nothing`).toBeGreaterThan(0);
  expect(Reflect.has({}, "polluted")).toBe(false);
});

test("G9: every member of every body takes only what it should", async () => {
  const range = createRange();
  for (const operationId of routeNames) {
    const body = (await exampleOf(operationId, (await range.now()).world))?.body;
    if (body === undefined) continue;
    for (const wound of allNear(body)) await injure(range, operationId, wound);
    await checkReadable(await range.now());
  }
});

test("G9: garbage all over, by anybody, is refused and changes nothing", async () => {
  const range = createRange();
  const shot = fc.record({
    operationId: fc.constantFrom(...routeNames),
    who: fc.constantFrom(...WHO),
    method: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: otherMethod }),
    piece: urlPiece,
    query: fc.array(fc.tuple(urlPiece, urlPiece), { maxLength: 2 }),
    headers: fc.array(header, { maxLength: 3 }),
    body: fc.oneof(json, bytes, fc.dictionary(text, json, { maxKeys: 4 })),
  });
  await fc.assert(
    fc.asyncProperty(shot, async ({ operationId, who, method, piece, query, headers, body }) => {
      const here = await range.now();
      const route = routeOf(here.world, operationId);
      const path = route.path.replaceAll(/\{\w+\}/g, () => piece);
      const search = query.length ? `?${query.map((pair) => pair.join("=")).join("&")}` : "";
      const leave = new AbortController();
      const init: RequestInit = { method: method ?? route.method, signal: leave.signal };
      const all = new Headers({ "content-type": "application/json" });
      const token = here.world.tokens[who];
      if (token !== undefined) all.set("authorization", `Bearer ${token}`);
      for (const given of headers) all.set(...given);
      if (!["GET", "HEAD"].includes(init.method ?? ""))
        init.body = body instanceof Uint8Array ? Uint8Array.from(body) : jsonText(body);
      const request = new Request(`http://localhost${path}${search}`, { ...init, headers: all });
      if (request.method === "HEAD") return void (await here.world.relay.app.handle(request));
      const status = await fire(here, request, leave);
      if (spoils(route, status)) range.spoil();
    }),
    { seed: SEED, numRuns: 2500 },
  );
  await checkReadable(await range.now());
  expect(Reflect.has({}, "polluted")).toBe(false);
});
