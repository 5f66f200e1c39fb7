import { setDefaultTimeout, test } from "bun:test";
import { eachBounded } from "../../support/bounded.ts";
import { checkReadable, createRange, exampleOf, injure, routeNames } from "../../support/garbage-range.ts";
import { allNear } from "../../support/wounds.ts";

setDefaultTimeout(180_000);

test("G9: every member of every body takes only what it should", async () => {
  const range = createRange();
  const cases: { operationId: string; wound: ReturnType<typeof allNear>[number] }[] = [];
  for (const operationId of routeNames) {
    const body = (await exampleOf(operationId, (await range.now()).world))?.body;
    for (const wound of body === undefined ? [] : allNear(body)) cases.push({ operationId, wound });
  }
  await eachBounded("members of bodies", cases, ({ operationId, wound }) => injure(range, operationId, wound), {
    stride: 8,
    seconds: 1,
  });
  await checkReadable(await range.now());
});
