import type { ClaimedList } from "../../src/protocol/work.ts";
import type { Cell, Room } from "./bench.ts";
import { costed } from "./cost.ts";
import { type Connection, expectSuccess, ratePerSecond, request, withLanes } from "./http-load.ts";
import type { Relay } from "./relay.ts";
import { withCost } from "./sends.ts";
import { CLAIMABLE, draft, fill, pick, type Speaker } from "./traffic.ts";

const WORKERS = 64;
/** Whom the work is for: every speaker belongs to it. */
export const POOL = "cap:bench";

export interface Worker {
  lane: Connection;
  agent: Speaker;
}

/** The first speakers work; the others send, as nobody is offered what it sent to a group itself. */
export const staff = (speakers: readonly Speaker[], count = WORKERS) => ({
  agents: speakers.slice(0, count),
  senders: speakers.slice(count),
});

/** Gives each agent a connection, for as long as `use` takes. */
export const withWorkers = <T>(relay: Relay, agents: readonly Speaker[], use: (workers: Worker[]) => Promise<T>) =>
  withLanes(relay.port, agents.length, (lanes) =>
    use(agents.flatMap((agent, n) => lanes.slice(n, n + 1).map((lane) => ({ lane, agent })))),
  );

export const sendItem = (lane: Connection, senders: readonly Speaker[]) =>
  lane.ask(request("POST", "/v1/messages", pick(senders).token, draft(POOL, CLAIMABLE))).then(expectSuccess);

/** Claims the next item; undefined when there was none. */
export async function claimNext(worker: Worker, waitSeconds = 0): Promise<{ id: number; token: string } | undefined> {
  const { lane, agent } = worker;
  const body = `{"waitSeconds":${waitSeconds}}`;
  const answer = expectSuccess(await lane.ask(request("POST", `/v1/agents/${agent.id}/claims`, agent.token, body)));
  const [item] = (JSON.parse(answer.body.toString()) as ClaimedList).items;
  return item && { id: item.message.id, token: item.claim.token };
}

export async function complete({ lane, agent }: Worker, id: number, token: string) {
  const path = `/v1/messages/${id}/complete`;
  expectSuccess(await lane.ask(request("POST", path, agent.token, `{"token":"${token}"}`)));
}

/** A stock of open work is stored beforehand; 64 agents claim and complete it one by one. */
export function claimsCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Cell {
  const { agents, senders } = staff(speakers);
  const stock = Math.ceil(20_000 * room.scale);
  const workOff = async (worker: Worker) => {
    for (let item = await claimNext(worker); item; item = await claimNext(worker)) {
      await complete(worker, item.id, item.token);
    }
  };
  return {
    name: "claims",
    rows: withCost({ name: "claim and complete, 64 workers", unit: "items/s", atLeast: 8_000 }),
    async measure() {
      await fill(relay, senders, stock, () => draft(POOL, CLAIMABLE));
      return withWorkers(relay, agents, (workers) =>
        costed(relay, async () => {
          const start = performance.now();
          await Promise.all(workers.map(workOff));
          return stock / ((performance.now() - start) / 1000);
        }),
      );
    },
  };
}

/** Each of 64 agents sends an item, claims the oldest and completes it. */
export function flowCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Cell {
  const { agents, senders } = staff(speakers);
  const step = async (worker: Worker) => {
    await sendItem(worker.lane, senders);
    const item = await claimNext(worker);
    if (!item) throw new Error("an item was sent, and none could be claimed");
    await complete(worker, item.id, item.token);
  };
  return {
    name: "flow",
    rows: withCost({ name: "send, claim and complete, 64 at once", unit: "items/s", atLeast: 5_000 }),
    measure: () =>
      withWorkers(relay, agents, (workers) => costed(relay, () => ratePerSecond(workers, room.milliseconds, step))),
  };
}
