import { expect } from "bun:test";
import { join } from "node:path";
import { problemCodes } from "../../src/edges/http/openapi.ts";
import type { Route } from "../../src/identity/auth/route.ts";
import { ProblemBody } from "../../src/protocol/problem.ts";
import { PROBLEMS } from "../../src/protocol/problem-codes.ts";
import { createDigest, type Digest } from "./digest.ts";
import { EXAMPLES, type Example } from "./examples.ts";
import { atEnd } from "./relay.ts";
import { inTime } from "./until.ts";
import { createWorld, type World } from "./world.ts";
import { type Wound, wounded } from "./wounds.ts";

/** With the same seed the same garbage is thrown. fast-check prints seed and path of what failed. */
export const SEED = 20_260_301;
/** A world gets fuller with every request it accepts, and slower to look at. */
const RUNS_OF_A_WORLD = 150;
/** A caller that waits for an entry or for work leaves after this. */
const PATIENCE_MS = 15;

/** Made once: zod compiles a shape at its first use. */
const StrictProblem = ProblemBody.strict();

/** An answer that takes longer never comes: no busy machine is that slow. */
const ANSWER_MS = 60_000;

export interface Range {
  world: World;
  digest: Digest;
  /** An accepted request may have left work behind for the relay itself. */
  isSettled: boolean;
  /** Example of the last request, which was refused and so can be made again. */
  kept?: { operationId: string; example: Example } | undefined;
}

/** Worlds, one after the other; a new one when this one is full or something in it was spoilt. */
export function createRange() {
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
      current = { world, digest, isSettled: false };
      return current;
    },
  };
}

/** Sends it, and holds the answer against the properties. Answers the status. */
export async function fire(range: Range, request: Request, leave: AbortController, route?: Route): Promise<number> {
  const { world, digest } = range;
  if (!range.isSettled) await world.relay.settle();
  const before = digest.take();
  const patience = setTimeout(() => leave.abort(), PATIENCE_MS);
  const response = await inTime(world.relay.app.handle(request), "an answer", ANSWER_MS).finally(() =>
    clearTimeout(patience),
  );
  range.isSettled = response.status >= 400;
  if (response.status < 400) {
    await checkSuccess(response, route);
    return response.status;
  }
  const body: unknown = await response.json();
  const told = JSON.stringify(body).slice(0, 500);
  expect(response.status, told).toBeLessThan(500);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = StrictProblem.parse(body);
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

export const routeNames = Object.keys(EXAMPLES);

export async function routeOf(world: World, operationId: string): Promise<Route> {
  const route = (await world.relay.routes()).find((candidate) => candidate.operationId === operationId);
  if (!route) throw new Error(`there is no ${operationId}`);
  return route;
}

/** Accepted input, however odd, comes back in the documented shape: nothing accepted spoils a list for everybody. */
export async function checkReadable({ world }: Range): Promise<void> {
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
    (await routeOf(world, operationId)).answers[200]?.schema?.parse(body);
  }
}

/** undefined when an earlier accepted request has changed the example's state. */
export async function exampleOf(operationId: string, world: World): Promise<Example | undefined> {
  try {
    return await EXAMPLES[operationId]?.(world);
  } catch {
    return undefined;
  }
}

/** Makes the example's request with one thing wrong. Answers the status; 0 when there was no example to be had. */
export async function injure(
  range: ReturnType<typeof createRange>,
  operationId: string,
  wound: Wound,
): Promise<number> {
  const here = await range.now();
  const route = await routeOf(here.world, operationId);
  const kept = here.kept?.operationId === operationId ? here.kept.example : undefined;
  const example = kept ?? (await exampleOf(operationId, here.world));
  if (!example) {
    range.spoil();
    return 0;
  }
  const leave = new AbortController();
  const request = wounded(route, example, wound, here.world, leave.signal);
  const status = await fire(here, request, leave, wound.at === "path" ? undefined : route).catch((error: unknown) => {
    throw new Error(`${operationId} with ${JSON.stringify(wound)}`, { cause: error });
  });
  here.kept = status >= 400 ? { operationId, example } : undefined;
  if (spoils(route, status)) range.spoil();
  return status;
}

/** Later probes would miss a deleted agent or a revoked token. */
export const spoils = (route: Route, status: number): boolean => status < 300 && route.method === "DELETE";
