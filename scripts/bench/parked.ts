import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { connect } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { registerSpeakers, type Speaker } from "./traffic.ts";
import { claimNext, complete, hire, sendItem, type Worker } from "./work.ts";

const MANY = 1000;
const FEW = 10;

const row = (count: number) => `send, claim and complete one item, ${count.toLocaleString("en")} claimers waiting`;

/** Whether an item costs more when more agents wait for work: each is claimed by one of those parked. */
export const parked: Bench = {
  cells: ["parked-few", "parked-many"],
  ratios: [{ name: "1,000 waiting / 10 waiting", unit: "x", of: [row(MANY), row(FEW)], atMost: 1.5 }],
  async open(room) {
    const cells: Cell[] = [];
    for (const [name, count] of [
      ["parked-few", FEW],
      ["parked-many", MANY],
    ] as const) {
      if (!room.wanted(name)) continue;
      const relay = await startRelay(join(room.folder, name));
      cells.push(await parkedCell(room, relay, name, await registerSpeakers(relay, count + 1)));
    }
    return cells;
  },
};

async function parkedCell(room: Room, relay: Relay, name: string, speakers: readonly Speaker[]): Promise<Cell> {
  const { workers, senders } = await hire(relay, speakers, speakers.length - 1);
  const sender = await connect(relay.port);
  let finished: () => void = () => {};
  const working = true;
  const failed = Promise.withResolvers<never>();
  const work = async (worker: Worker) => {
    while (working) {
      const item = await claimNext(worker, 60);
      if (!item) continue;
      await complete(worker, item.id, item.token);
      finished();
    }
  };
  Promise.all(workers.map(work)).catch(failed.reject);
  await Bun.sleep(1000);
  return {
    name,
    rows: [{ name: row(workers.length), unit: "ms" }],
    async measure() {
      const items = Math.ceil(1000 * room.scale);
      const start = performance.now();
      for (let n = 0; n < items; n += 1) {
        const done = new Promise<void>((resolve) => {
          finished = resolve;
        });
        await sendItem(sender, senders);
        await Promise.race([done, failed.promise]);
      }
      return [(performance.now() - start) / items];
    },
  };
}
