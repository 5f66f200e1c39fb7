import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { follow, followAll } from "./follow.ts";
import { connect, expectSuccess, request } from "./http-load.ts";
import { startRelay } from "./relay.ts";
import { median, quantile } from "./stats.ts";
import { draft, registerSpeakers } from "./traffic.ts";

const FOLLOWERS = 5000;
const BROADCASTS = 10;

/** One message to everybody: when the last of the connected agents has it, and what a bystander's request waits meanwhile. */
export const broadcast: Bench = {
  cells: ["broadcast"],
  ratios: [],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "broadcast"));
    const speakers = await registerSpeakers(relay, FOLLOWERS);
    const operator = { id: "user", token: relay.operatorToken };
    let arrived = () => {};
    await followAll(speakers, (speaker) => follow(relay, speaker, () => arrived()));
    const sender = await connect(relay.port);
    const bystander = await connect(relay.port);

    async function toLastReceiver(): Promise<number> {
      let missing = FOLLOWERS;
      const all = Promise.withResolvers<number>();
      const start = performance.now();
      arrived = () => {
        missing -= 1;
        if (missing === 0) all.resolve(performance.now() - start);
      };
      const answer = sender.ask(request("POST", "/v1/messages", operator.token, draft("broadcast")));
      expectSuccess(await answer);
      return await all.promise;
    }

    /** The slowest of a bystander's requests while `task` runs. */
    async function slowestRequestDuring<T>(task: Promise<T>): Promise<number> {
      let running = true;
      const done = task.finally(() => {
        running = false;
      });
      const waits: number[] = [];
      while (running) {
        const start = performance.now();
        expectSuccess(await bystander.ask(request("GET", "/v1/whoami", operator.token)));
        waits.push(performance.now() - start);
      }
      await done;
      return quantile(waits, 1);
    }

    return [
      {
        name: "broadcast",
        rows: [
          { name: "broadcast to 5,000 followers, last receiver", unit: "ms" },
          { name: "slowest other request during a broadcast", unit: "ms" },
        ],
        async measure() {
          const times: number[] = [];
          for (let n = 0; n < BROADCASTS; n += 1) {
            times.push(await toLastReceiver());
            await Bun.sleep(100);
          }
          const waits: number[] = [];
          for (let n = 0; n < BROADCASTS; n += 1) {
            waits.push(await slowestRequestDuring(toLastReceiver()));
            await Bun.sleep(100);
          }
          return [median(times), median(waits)];
        },
      },
    ];
  },
};
