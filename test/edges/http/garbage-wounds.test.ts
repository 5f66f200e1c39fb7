import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Route } from "../../../src/identity/auth/route.ts";
import { report, stopwatch } from "../../support/bounded.ts";
import { checkReadable, createRange, injure, SEED } from "../../support/garbage-range.ts";
import { woundOf } from "../../support/wounds.ts";

setDefaultTimeout(180_000);

/** Rounds over all routes: one always, the others while there is time. */
const ROUNDS = 8;
const SECONDS = 1;
/** Wounds of a route in one round; bodies have more places to hurt. */
const woundsOf = ({ body }: Route): number => (body ? 7 : 3);
/** Rounds for a route that has refused nothing so far. */
const STUBBORN_ROUNDS = 20;

test("G9: a sound request with one thing wrong is answered, or refused and changes nothing", async () => {
  const range = createRange();
  const routes = await (await range.now()).world.relay.routes();
  const refusing = new Set<string>();
  let ran = 0;
  const hurt = (route: Route, seed: number) =>
    fc.assert(
      fc.asyncProperty(woundOf(route), async (wound) => {
        ran++;
        if ((await injure(range, route.operationId, wound)) >= 400) refusing.add(route.operationId);
      }),
      { seed, numRuns: woundsOf(route) },
    );

  const clock = stopwatch(SECONDS);
  for (let round = 0; round < ROUNDS && (round === 0 || clock.isRunning()); round++)
    for (const route of routes) {
      if (round > 0 && !clock.isRunning()) break;
      await hurt(route, SEED + round);
    }
  for (const route of routes)
    for (let round = ROUNDS; round < ROUNDS + STUBBORN_ROUNDS && !refusing.has(route.operationId); round++)
      await hurt(route, SEED + round);
  report("one thing wrong", ran);

  await checkReadable(await range.now());
  expect(routes.map(({ operationId }) => operationId).filter((id) => !refusing.has(id))).toEqual([]);
  expect(Reflect.has({}, "polluted")).toBe(false);
});
