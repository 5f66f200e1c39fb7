import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { connect, expectSuccess, ratePerSecond, request } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { singleCell } from "./sends.ts";
import { quantile } from "./stats.ts";
import { pick, registerSpeakers, type Speaker } from "./traffic.ts";
import { claimNext, POOL, staff, type Worker, withWorkers } from "./work.ts";

const SOURCE = "bench";
const SEND = "plain send beside it, 64 in flight";
const EVENTS = "integration event to claimed task, 64 at once";
const TRIPS = "delegation round trips, 64 at once";

/** Features on top of the log: events that become claimed tasks, and requests that owe an answer. */
export const routing: Bench = {
  cells: ["sends", "events", "delegations"],
  ratios: [
    { name: "plain sends in a delegation round trip", unit: "x", of: [SEND, TRIPS], atMost: 3 },
    { name: "plain sends in an event that is claimed", unit: "x", of: [SEND, EVENTS] },
  ],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "routing"));
    const speakers = await registerSpeakers(relay, 1000);
    const cells: Cell[] = [];
    if (room.wanted("sends")) {
      const cell = singleCell(room, relay, speakers);
      cells.push({ ...cell, name: "sends", rows: [{ name: SEND, unit: "messages/s" }] });
    }
    if (room.wanted("events")) cells.push(await eventsCell(room, relay, speakers));
    if (room.wanted("delegations")) cells.push(delegationsCell(room, relay, speakers));
    return cells;
  },
};

/** Each of 64 agents has an alert posted, and claims the oldest task that came of one. */
async function eventsCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Promise<Cell> {
  const token = await integrationToken(relay);
  const { agents } = staff(speakers);
  let count = 0;
  const step = async (worker: Worker) => {
    const event = `{"title":"disk is full","severity":"error","dedupeKey":"k${count++}","payload":{"host":"db-1"}}`;
    expectSuccess(await worker.lane.ask(request("POST", `/v1/integrations/${SOURCE}/events`, token, event)));
    if (!(await claimNext(worker))) throw new Error("an event made a task, and none could be claimed");
  };
  return {
    name: "events",
    rows: [{ name: EVENTS, unit: "tasks/s" }],
    measure: () =>
      withWorkers(relay, agents, async (workers) => [await ratePerSecond(workers, room.milliseconds, step)]),
  };
}

async function integrationToken(relay: Relay): Promise<string> {
  const lane = await connect(relay.port);
  const ask = async (method: string, path: string, body: object) =>
    expectSuccess(await lane.ask(request(method, path, relay.operatorToken, JSON.stringify(body)))).body.toString();
  await ask("PUT", `/v1/integrations/${SOURCE}`, { mapping: "generic", verify: "token", target: POOL });
  const made = JSON.parse(await ask("POST", "/v1/tokens", { role: "integration", source: SOURCE })) as {
    token: string;
  };
  lane.close();
  return made.token;
}

/** Each of 64 agents asks another, who answers; the asker fetches the answer. */
function delegationsCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Cell {
  const { agents, senders } = staff(speakers);
  return {
    name: "delegations",
    rows: [
      { name: TRIPS, unit: "round trips/s" },
      { name: "delegation round trip, p50", unit: "ms" },
      { name: "delegation round trip, p99", unit: "ms" },
    ],
    async measure() {
      const took: number[] = [];
      const step = async ({ lane, agent }: Worker) => {
        const start = performance.now();
        const other = pick(senders);
        const asked = `{"to":"${other.id}","text":"how many tests fail?"}`;
        const { body } = expectSuccess(await lane.ask(request("POST", "/v1/delegations", agent.token, asked)));
        const path = `/v1/delegations/${(JSON.parse(body.toString()) as { id: string }).id}`;
        expectSuccess(await lane.ask(request("POST", `${path}/response`, other.token, `{"text":"none"}`)));
        expectSuccess(await lane.ask(request("GET", path, agent.token)));
        took.push(performance.now() - start);
      };
      const rate = await withWorkers(relay, agents, (workers) => ratePerSecond(workers, room.milliseconds, step));
      return [rate, quantile(took, 0.5), quantile(took, 0.99)];
    },
  };
}
