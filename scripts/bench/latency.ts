import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { untilQuiet } from "./child.ts";
import { follow, followAll } from "./follow.ts";
import { type Connection, expectSuccess, request, withLanes } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { openSocket } from "./socket.ts";
import { quantile } from "./stats.ts";
import { draft, pick, registerSpeakers, type Speaker } from "./traffic.ts";

const FOLLOWERS = 1000;
const SENDS_PER_SECOND = 100;
/** Most sends that are unanswered at a time. */
const LANES = 64;

/** From the moment a send is written to the moment its receiver has it, with a thousand agents connected. */
export const latency: Bench = {
  cells: ["sse-latency", "socket-latency"],
  ratios: [],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "latency"));
    const cells: Cell[] = [];
    if (room.wanted("sse-latency")) cells.push(await latencyCell(room, relay, "sse-latency", "SSE", followBySse));
    if (room.wanted("socket-latency")) {
      cells.push(await latencyCell(room, relay, "socket-latency", "WebSocket", followBySocket));
    }
    return cells;
  },
};

type Follow = (relay: Relay, speaker: Speaker, onMessage: (data: string) => void) => Promise<{ close(): void }>;
const followBySse: Follow = follow;
const followBySocket: Follow = openSocket;

async function latencyCell(room: Room, relay: Relay, name: string, by: string, open: Follow): Promise<Cell> {
  const speakers = await registerSpeakers(relay, FOLLOWERS, name);
  return {
    name,
    rows: [
      { name: `send to ${by} receipt, p50`, unit: "ms", atMost: 1 },
      { name: `send to ${by} receipt, p99`, unit: "ms", atMost: 5 },
    ],
    async measure() {
      const sent = new Map<string, number>();
      const samples: number[] = [];
      const received = (data: string) => {
        const at = sent.get(keyOf(data));
        if (at !== undefined) samples.push(performance.now() - at);
      };
      const followers = await followAll(speakers, (speaker) => open(relay, speaker, received));
      // Each follower is told of all that came after it.
      await untilQuiet(relay.pid);
      const count = SENDS_PER_SECOND * (room.milliseconds / 1000) * 2;
      await withLanes(relay.port, LANES, (lanes) => sendPaced(lanes, speakers, count, sent));
      await Bun.sleep(500);
      for (const follower of followers) follower.close();
      if (samples.length !== sent.size) throw new Error(`${sent.size} sent, ${samples.length} received`);
      return [quantile(samples, 0.5), quantile(samples, 0.99)];
    },
  };
}

const keyOf = (json: string): string => /"idempotencyKey":"([^"]*)"/.exec(json)?.[1] ?? "";

/** Sends at an even pace, noting when. A server that is behind with all lanes is waited for. */
async function sendPaced(
  lanes: readonly Connection[],
  speakers: readonly Speaker[],
  count: number,
  sent: Map<string, number>,
) {
  const idle = [...lanes];
  const start = performance.now();
  const busy = new Set<Promise<void>>();
  for (let n = 0; n < count; n += 1) {
    const body = draft(pick(speakers).id);
    const text = request("POST", "/v1/messages", pick(speakers).token, body);
    await Bun.sleep(Math.max(0, start + (n * 1000) / SENDS_PER_SECOND - performance.now()));
    while (idle.length === 0) await Promise.race(busy);
    const lane = idle.pop() as Connection;
    sent.set(keyOf(body), performance.now());
    const answer = lane
      .ask(text)
      .then(expectSuccess)
      .then(() => {
        busy.delete(answer);
        idle.push(lane);
      });
    busy.add(answer);
  }
  await Promise.all(busy);
}
