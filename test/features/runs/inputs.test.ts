import { expect, test } from "bun:test";
import { numbered } from "../../support/parts.ts";
import { startCrew } from "../../support/runs.ts";

test("a message that went into a model turn shows so in its story, as the furthest step of its recipient", async () => {
  const crew = await startCrew();
  const send = async (to: string) => (await crew.ask("POST", "/v1/messages", { to, body: "Look" }, crew.ada)).body.id;
  const [mine, queued, foreign] = [await send("bob"), await send("bob"), await send("cid")];
  const explain = async (id: number) => (await crew.ask("GET", `/v1/messages/${id}/explain`)).body;
  const run = await crew.run(crew.bob);
  const input = (state: string, ...messageIds: number[]) => ({ stream: "input", data: { messageIds, state } });
  const events = numbered([input("queued", mine, queued), input("started", mine, foreign, 999_999)]);
  expect((await crew.does(crew.bob, run, "events", events, run)).status).toBe(200);

  const story = await explain(mine);
  expect(story.facts.filter(({ step }: { step: string }) => step === "in-turn")).toMatchObject([
    { agentId: "bob", runId: run.id, turnId: run.turnId },
  ]);
  expect(story.recipients).toMatchObject([{ agentId: "bob", step: "in-turn" }]);
  expect(story.recipients[0].sentence).toContain("in a model turn at 12:00:00Z");
  expect(story.recipients[0].sentence).not.toContain("not offered");
  // Queued is not in a turn yet, and a message that the run's agent may not read is not noted.
  for (const id of [queued, foreign]) expect(JSON.stringify(await explain(id))).not.toContain('"step":"in-turn"');
  await crew.finish(crew.bob, run);
});
