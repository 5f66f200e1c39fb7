import { expect, test } from "bun:test";
import { checkReadable, createRange, exampleOf, injure, routeNames } from "../../support/garbage-range.ts";
import { createNearWounds } from "../../support/wounds.ts";

test("G9: every member of every body takes only what it should", async () => {
  const range = createRange();
  const woundsOf = createNearWounds(2);
  let count = 0;
  for (const operationId of routeNames) {
    const body = (await exampleOf(operationId, (await range.now()).world))?.body;
    for (const wound of body === undefined ? [] : woundsOf(body)) {
      await injure(range, operationId, wound);
      count++;
    }
  }
  expect(count).toBeGreaterThan(500);
  await checkReadable(await range.now());
}, 600_000);
