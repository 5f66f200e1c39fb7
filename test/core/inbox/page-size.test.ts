import { expect, test } from "bun:test";
import { PAGE_BYTES } from "../../../src/kernel/pages.ts";
import { startCrew } from "../../support/work.ts";

const BODY = "x".repeat(200_000);

test.each([
  ["fresh from memory", false],
  ["from the database", true],
])("a page of an inbox ends at 4 MiB, %s, and the next goes on where it ended", async (_, restarted) => {
  const crew = await startCrew();
  const ids: number[] = [];
  for (let i = 0; i < 50; i++)
    ids.push((await crew.ask("POST", "/v1/messages", { to: "ann", body: BODY }, crew.boss)).body.id);
  if (restarted) await crew.restart();
  const seen: number[] = [];
  for (let more = true; more; ) {
    const path = `/v1/agents/ann/inbox?limit=500&after=${seen.at(-1) ?? 0}`;
    const { body } = await crew.ask("GET", path, undefined, crew.ann);
    expect(body.items.length * BODY.length).toBeLessThanOrEqual(PAGE_BYTES);
    expect(body.next).toBe(body.items.at(-1).id);
    seen.push(...body.items.map((item: { id: number }) => item.id));
    more = body.more;
  }
  expect(seen).toEqual(ids);
});
