import { join } from "node:path";
import type { Bench, Cell } from "./bench.ts";
import { openPeers, PEER_CELLS, PEER_RATIOS } from "./peers/cells.ts";
import { startEcho, startRelay } from "./relay.ts";
import { batchCell, echoCell, singleCell, socketCell } from "./sends.ts";
import { registerSpeakers } from "./traffic.ts";
import { claimsCell, flowCell } from "./work.ts";

const OURS = { single: singleCell, socket: socketCell, batch: batchCell, claims: claimsCell, flow: flowCell };

/** Throughput of the relay, beside that of its framework alone and of others with the same work. */
export const throughput: Bench = {
  cells: ["echo", ...Object.keys(OURS), ...PEER_CELLS],
  ratios: [
    {
      name: "durable send / echo",
      unit: "x",
      of: ["durable send, 64 in flight", "echo, 64 in flight"],
      atLeast: 0.4,
    },
    {
      name: "WebSocket send / HTTP send",
      unit: "x",
      of: ["durable send over one WebSocket, 64 in flight", "durable send, 64 in flight"],
      atLeast: 1.5,
    },
    ...PEER_RATIOS,
  ],
  async open(room) {
    const relay = await startRelay(join(room.folder, "throughput"));
    const speakers = await registerSpeakers(relay, 1000);
    const cells: Cell[] = [];
    if (room.wanted("echo")) cells.push(echoCell(room, await startEcho(room.folder), speakers));
    for (const [name, cell] of Object.entries(OURS)) {
      if (room.wanted(name)) cells.push(cell(room, relay, speakers));
    }
    return [...cells, ...(await openPeers(room))];
  },
};
