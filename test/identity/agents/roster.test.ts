import { expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";

test("hello names five hundred agents at most, those online first, and says how many there are", async () => {
  const { agent, ask, ...relay } = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const bob = await agent("bob");
  const many = Array.from({ length: 600 }, (_, i) => `w-${String(i).padStart(3, "0")}`);
  await Promise.all(
    many.map((id, i) => ask("PUT", `/v1/agents/${id}`, { name: id, status: i % 2 ? "online" : "offline" })),
  );
  const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, bob);
  const { agents, agentsTotal } = (await stream.first("hello")).data;
  expect(agentsTotal).toBe(603);
  expect(agents).toHaveLength(500);
  const statuses: string[] = agents.map((one: { status: string }) => one.status);
  expect(statuses.slice(0, 303)).toEqual(Array(303).fill("online"));
  expect(statuses.slice(303)).toEqual(Array(197).fill("offline"));
});

test("a storm of presence reaches every stream, each agent's last word once", async () => {
  const { agent, ask, clock, ...relay } = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const bob = await agent("bob");
  const many = Array.from({ length: 200 }, (_, i) => `w-${i}`);
  await Promise.all(many.map((id) => ask("PUT", `/v1/agents/${id}`, { name: id })));
  clock.advance(250);
  const streams = await Promise.all([1, 2, 3].map(() => openStream(`${url}/v1/agents/bob/inbox/stream`, bob)));
  for (const stream of streams) await stream.first("hello");
  for (const status of ["busy", "idle"])
    await Promise.all(many.map((id) => ask("POST", `/v1/agents/${id}/heartbeat`, { status })));
  clock.advance(250);
  for (const stream of streams) {
    await stream.until((so) => so.of("presence").length >= 200);
    const told = stream.of("presence").map((event) => [event.data.agentId, event.data.status]);
    expect(told.toSorted()).toEqual(many.map((id) => [id, "idle"]).toSorted());
  }
});
