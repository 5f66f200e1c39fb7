import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { residentBytes } from "./child.ts";
import { follow, followAll } from "./follow.ts";
import { type Relay, startRelay } from "./relay.ts";
import { openSocket } from "./socket.ts";
import { registerSpeakers, type Speaker } from "./traffic.ts";

const FIRST = 1000;
const ALL = 5000;

/** Cost of one idle follower: the slope between a thousand and five thousand of them, in a fresh process each time. */
export const memory: Bench = {
  cells: ["sse-memory", "socket-memory"],
  ratios: [],
  open: async (room) => [
    memoryCell(room, "sse-memory", "SSE", (relay, speaker) => follow(relay, speaker, () => {})),
    memoryCell(room, "socket-memory", "WebSocket", (relay, speaker) => openSocket(relay, speaker)),
  ],
};

type Open = (relay: Relay, speaker: Speaker) => Promise<{ close(): void }>;

function memoryCell(room: Room, name: string, by: string, open: Open): Cell {
  let round = 0;
  return {
    name,
    rows: [
      { name: `memory of an idle ${by} follower`, unit: "KiB", atMost: 16 },
      { name: `memory with 5,000 idle ${by} followers`, unit: "MiB" },
    ],
    async measure() {
      round += 1;
      const relay = await startRelay(room, join(room.folder, `${name}-${round}`));
      const speakers = await registerSpeakers(relay, ALL);
      const first = await followAll(speakers.slice(0, FIRST), (speaker) => open(relay, speaker));
      const before = await settled(relay.pid);
      const rest = await followAll(speakers.slice(FIRST), (speaker) => open(relay, speaker));
      const after = await settled(relay.pid);
      for (const follower of [...first, ...rest]) follower.close();
      await relay.stop();
      return [(after - before) / (ALL - FIRST) / 1024, after / 2 ** 20];
    },
  };
}

/** Memory after the garbage of opening had time to go. */
async function settled(pid: number): Promise<number> {
  await Bun.sleep(5000);
  return residentBytes(pid);
}
