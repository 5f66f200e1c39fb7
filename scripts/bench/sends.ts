import type { Cell, Room } from "./bench.ts";
import { type Connection, connectMany, expectSuccess, ratePerSecond, request } from "./http-load.ts";
import type { Relay, Server } from "./relay.ts";
import { openSocket } from "./socket.ts";
import { batch, draft, pick, type Speaker } from "./traffic.ts";

const IN_FLIGHT = 64;
const BATCH = 100;
const BATCH_LANES = 16;

const lanesTo = (server: Server, count = IN_FLIGHT) => connectMany(server.port, count);

const send = (lane: Connection, speakers: readonly Speaker[]) =>
  lane.ask(request("POST", "/v1/messages", pick(speakers).token, draft(pick(speakers).id))).then(expectSuccess);

/** The same request as a durable send, to a server that only validates and answers. */
export async function echoCell(room: Room, echo: Server, speakers: readonly Speaker[]): Promise<Cell> {
  const lanes = await lanesTo(echo);
  return {
    name: "echo",
    rows: [{ name: "echo, 64 in flight", unit: "requests/s" }],
    measure: async () => [await ratePerSecond(lanes, room.milliseconds, (lane) => send(lane, speakers))],
  };
}

export async function singleCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Promise<Cell> {
  const lanes = await lanesTo(relay);
  return {
    name: "single",
    rows: [{ name: "durable send, 64 in flight", unit: "messages/s" }],
    measure: async () => [await ratePerSecond(lanes, room.milliseconds, (lane) => send(lane, speakers))],
  };
}

export async function batchCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Promise<Cell> {
  const lanes = await lanesTo(relay, BATCH_LANES);
  const sendBatch = (lane: Connection) => {
    const body = batch(BATCH, () => draft(pick(speakers).id));
    return lane.ask(request("POST", "/v1/messages/batch", pick(speakers).token, body)).then(expectSuccess);
  };
  return {
    name: "batch",
    rows: [{ name: "durable batches of 100", unit: "messages/s", atLeast: 20_000 }],
    measure: async () => [BATCH * (await ratePerSecond(lanes, room.milliseconds, sendBatch))],
  };
}

/** One WebSocket of one agent, with as many sends unanswered as the protocol allows. */
export async function socketCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Promise<Cell> {
  const socket = await openSocket(relay, pick(speakers));
  const lanes = [...Array(IN_FLIGHT).keys()];
  const sendFrame = () => socket.ask("send", `"message":${draft(pick(speakers).id)}`);
  return {
    name: "socket",
    rows: [{ name: "durable send over one WebSocket, 64 in flight", unit: "messages/s" }],
    measure: async () => [await ratePerSecond(lanes, room.milliseconds, sendFrame)],
  };
}
