import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";
import { recordStatements } from "../../support/statements.ts";

const GROUPS = 90;

/** An agent that was a member of many groups one after the other, and the message and task each had for it then. */
async function withPast() {
  const recorder = recordStatements();
  const relay = await startRelay();
  const { ask } = relay;
  const ann = await relay.agent("ann");
  const mine: number[] = [];
  for (let i = 0; i < GROUPS; i++) {
    await ask("PATCH", "/v1/agents/ann", { tags: [`g${i}`] });
    mine.push((await ask("POST", "/v1/messages", { to: `tag:g${i}`, body: "needle for members" })).body.id);
    await ask("POST", "/v1/messages", { to: `tag:g${(i + 40) % GROUPS}`, body: "needle for others" });
  }
  const task = { title: "mine", target: `tag:g${GROUPS - 1}` };
  mine.push((await ask("POST", "/v1/tasks", task)).body.messageId);
  await relay.relay.settle();
  return { ...relay, ann, mine, recorder };
}

describe("an agent that belonged to very many groups", () => {
  test("an agent that belonged to very many groups finds what was for it while it belonged, and nothing else, without a query for each group", async () => {
    const { ask, ann, mine, recorder } = await withPast();
    const idsOf = (items: { id: number }[]) => items.map((item) => item.id).sort((a, b) => a - b);
    const asked = async (path: string) => {
      let body: Awaited<ReturnType<typeof ask>>["body"];
      await recorder.during(async () => {
        body = (await ask("GET", path, undefined, ann)).body;
      });
      expect(recorder.count()).toBeLessThan(GROUPS);
      return body;
    };
    expect(idsOf((await asked("/v1/messages?limit=500")).items)).toEqual(mine);
    expect(idsOf((await asked("/v1/agents/ann/inbox?after=0&limit=500")).items)).toEqual(mine);
    expect(idsOf((await asked("/v1/history?limit=500")).items)).toEqual(mine);
    const needles = mine.slice(0, GROUPS);
    expect(idsOf((await asked("/v1/messages?q=needle&limit=500")).items)).toEqual(needles);
    expect((await asked("/v1/tasks")).items.map((task: { title: string }) => task.title)).toEqual(["mine"]);
    const first = await asked("/v1/messages?q=needle&limit=10");
    const second = await asked(`/v1/messages?q=needle&limit=10&page=${first.nextPage}`);
    expect(idsOf([...second.items, ...first.items])).toEqual(needles.slice(-20));
  });
});
