import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { withLanes } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { registerSpeakers, type Speaker } from "./traffic.ts";
import { claimNext, complete, sendItem, staff, type Worker, withWorkers } from "./work.ts";

const MANY = 1000;
const FEW = 10;

const row = (count: number) => `send, claim and complete one item, ${count.toLocaleString("en")} claimers waiting`;

/** Whether an item costs more when more agents wait for work: it is to wake one of them, not all. */
export const parked: Bench = {
  cells: ["parked-few", "parked-many"],
  ratios: [{ name: "an item with 1,000 waiting / with 10", unit: "x", of: [row(MANY), row(FEW)], atMost: 1.5 }],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "parked"));
    const speakers = await registerSpeakers(relay, MANY + 1);
    return [
      parkedCell(room, relay, "parked-few", FEW, speakers),
      parkedCell(room, relay, "parked-many", MANY, speakers),
    ];
  },
};

function parkedCell(room: Room, relay: Relay, name: string, count: number, speakers: readonly Speaker[]): Cell {
  const { agents, senders } = staff(speakers, count);
  const items = Math.ceil(1000 * room.scale);
  return {
    name,
    rows: [{ name: row(count), unit: "ms" }],
    measure: () =>
      withWorkers(relay, agents, async (workers) => {
        const crew = startWaiting(workers);
        await Bun.sleep(500);
        const start = performance.now();
        await withLanes(relay.port, 1, async ([lane]) => {
          for (let n = 0; lane && n < items; n += 1) {
            const done = crew.nextCompletion();
            await sendItem(lane, senders);
            await done;
          }
        });
        const perItem = (performance.now() - start) / items;
        crew.dismiss();
        return [perItem];
      }),
  };
}

/** Lets each worker wait for work, complete what it gets and wait again. */
function startWaiting(workers: readonly Worker[]) {
  let completion = Promise.withResolvers<void>();
  let dismissed = false;
  const work = async (worker: Worker) => {
    while (!dismissed) {
      const item = await claimNext(worker, 60);
      if (!item) continue;
      await complete(worker, item.id, item.token);
      completion.resolve();
    }
  };
  Promise.all(workers.map(work)).catch((error) => dismissed || completion.reject(error));
  return {
    nextCompletion() {
      completion = Promise.withResolvers<void>();
      return completion.promise;
    },
    /** Their connections are about to be closed under them. */
    dismiss() {
      dismissed = true;
    },
  };
}
