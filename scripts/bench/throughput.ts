import { join } from "node:path";
import type { Bench, Cell } from "./bench.ts";
import { costOf } from "./cost.ts";
import { openPeers, PEER_CELLS, PEER_RATIOS } from "./peers/cells.ts";
import { startEcho, startRelay } from "./relay.ts";
import { batchCell, clientCell, echoCell, singleCell, socketCell, socketMailCell } from "./sends.ts";
import { registerSpeakers } from "./traffic.ts";
import { claimsCell, flowCell } from "./work.ts";

const OURS = {
  single: singleCell,
  client: clientCell,
  socket: socketCell,
  "socket-mail": socketMailCell,
  batch: batchCell,
  claims: claimsCell,
  flow: flowCell,
};

const ECHOES = ["echo", "plain"] as const;

/** Throughput of the relay, beside that of its framework alone and of others with the same work. */
export const throughput: Bench = {
  cells: [...ECHOES, ...Object.keys(OURS), ...PEER_CELLS],
  beside: [...ECHOES, ...PEER_CELLS],
  ratios: [
    {
      name: "durable send / echo",
      unit: "x",
      of: ["durable send, 64 in flight", "echo, 64 in flight"],
      atLeast: 0.4,
    },
    {
      name: "CPU of a durable send / of the plain echo",
      unit: "x",
      of: [costOf("durable send, 64 in flight"), costOf("plain, 64 in flight")],
      atMost: 3,
    },
    { name: "messages in batches of 100 / echo", unit: "x", of: ["durable batches of 100", "echo, 64 in flight"] },
    {
      name: "claim and complete / echo",
      unit: "x",
      of: ["claim and complete, 64 workers", "echo, 64 in flight"],
    },
    {
      name: "send, claim and complete / echo",
      unit: "x",
      of: ["send, claim and complete, 64 at once", "echo, 64 in flight"],
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
    const relay = await startRelay(room, join(room.folder, "throughput"));
    const speakers = await registerSpeakers(relay, 1000);
    const cells: Cell[] = [];
    for (const name of ECHOES)
      if (room.wanted(name)) cells.push(echoCell(name, room, await startEcho(name, room.folder), speakers));
    for (const [name, cell] of Object.entries(OURS)) {
      if (room.wanted(name)) cells.push(cell(room, relay, speakers));
    }
    return [...cells, ...(await openPeers(room))];
  },
};
