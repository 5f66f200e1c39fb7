import { expect, test } from "bun:test";
import { AGENT, startDaemon, until } from "../support/daemon.ts";

const SESSIONS = 50;
/** Calls of tools: two events each, so that a second's worth of 50 sessions comes at once. */
const EVENTS = 25;

test("every event of 50 sessions that speak at once reaches the relay, in order", async () => {
  const world = await startDaemon({ config: { sessions: SESSIONS } });
  const { ask } = world.relay;
  await ask("PUT", "/v1/agents/ada", { name: "Ada" });
  const ids: number[] = [];
  // Each message of another agent begins a dialogue of its own.
  for (let at = 0; at < SESSIONS; at++) ids.push(await world.say(`task ${at}`, { from: "ada" }));
  await until(() => world.fake.sessions.filter(({ isWorking }) => isWorking).length === SESSIONS);
  for (let event = 0; event < EVENTS; event++)
    for (const session of world.fake.sessions) session.turn.tool("look", {}, `event ${event}`);
  for (const session of world.fake.sessions) session.turn.finish("Done.");
  const wanted = Array.from({ length: EVENTS }, (_, event) => `event ${event}`);
  for (const id of ids) {
    await until(async () => (await world.run(id)).status === "ended");
    const { body } = await ask("GET", `/v1/runs/${(await world.run(id)).id}/events?limit=500`);
    const texts = [...JSON.stringify(body.items).matchAll(/event \d+/g)].map(([text]) => text);
    expect(texts).toEqual(wanted);
  }
  await until(async () => (await ask("GET", `/v1/messages?from=${AGENT}&limit=100`)).body.items.length === SESSIONS);
}, 60_000);
