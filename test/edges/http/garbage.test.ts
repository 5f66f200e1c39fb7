import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Route } from "../../../src/identity/auth/route.ts";
import { assertBounded } from "../../support/bounded.ts";
import { bytes, header, json, jsonText, text, urlPiece } from "../../support/garbage.ts";
import { checkReadable, createRange, fire, routeNames, routeOf, SEED, spoils } from "../../support/garbage-range.ts";
import { createWorld, WHO } from "../../support/world.ts";

setDefaultTimeout(180_000);

test("every route has an example to start from", async () => {
  const { relay } = await createWorld();
  expect((await relay.routes()).map((route) => route.operationId).toSorted()).toEqual(routeNames.toSorted());
});

const otherMethod = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
const shot = fc.record({
  operationId: fc.constantFrom(...routeNames),
  who: fc.constantFrom(...WHO),
  method: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: otherMethod }),
  piece: urlPiece,
  query: fc.array(fc.tuple(urlPiece, urlPiece), { maxLength: 2 }),
  headers: fc.array(header, { maxLength: 3 }),
  body: fc.oneof(json, bytes, fc.dictionary(text, json, { maxKeys: 4 })),
});
type Shot = typeof shot extends fc.Arbitrary<infer T> ? T : never;

function requestOf(route: Route, token: string | undefined, given: Shot, signal: AbortSignal): Request {
  const path = route.path.replaceAll(/\{\w+\}/g, () => given.piece);
  const search = given.query.length ? `?${given.query.map((pair) => pair.join("=")).join("&")}` : "";
  const headers = new Headers({ "content-type": "application/json" });
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  for (const pair of given.headers) headers.set(...pair);
  const method = given.method ?? route.method;
  const { body } = given;
  const sent = body instanceof Uint8Array ? Uint8Array.from(body) : jsonText(body);
  const isBare = method === "GET" || method === "HEAD";
  return new Request(`http://localhost${path}${search}`, { method, signal, headers, ...(!isBare && { body: sent }) });
}

test("G9: garbage all over, by anybody, is refused and changes nothing", async () => {
  const range = createRange();
  await assertBounded(
    "garbage all over",
    shot,
    async (given) => {
      const here = await range.now();
      const route = await routeOf(here.world, given.operationId);
      const leave = new AbortController();
      const request = requestOf(route, here.world.tokens[given.who], given, leave.signal);
      if (request.method === "HEAD") return void (await here.world.relay.app.handle(request));
      const status = await fire(here, request, leave);
      if (spoils(route, status)) range.spoil();
    },
    { seed: SEED, atLeast: 400, atMost: 2500, seconds: 1 },
  );
  await checkReadable(await range.now());
  expect(Reflect.has({}, "polluted")).toBe(false);
});
