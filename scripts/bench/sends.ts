import { createClient } from "../../src/client/client.ts";
import type { Cell, Room, Row } from "./bench.ts";
import { costed, costRow } from "./cost.ts";
import { type Connection, expectSuccess, ratePerSecond, request, withLanes } from "./http-load.ts";
import type { Relay, Server } from "./relay.ts";
import { openSocket } from "./socket.ts";
import { batch, draft, pick, registerSpeakers, type Speaker } from "./traffic.ts";

const IN_FLIGHT = 64;
const BATCH = 100;
const BATCH_LANES = 16;

const send = (lane: Connection, speakers: readonly Speaker[]) =>
  lane.ask(request("POST", "/v1/messages", pick(speakers).token, draft(pick(speakers).id))).then(expectSuccess);

/** A rate, and the processor time of each operation. */
export const withCost = (row: Row): Row[] => [row, costRow(row)];

function sendCell(name: string, row: Row, room: Room, server: Server, speakers: readonly Speaker[]): Cell {
  const measure = (lanes: Connection[]) =>
    costed(server, () => ratePerSecond(lanes, room.milliseconds, (lane) => send(lane, speakers)));
  return { name, rows: withCost(row), measure: () => withLanes(server.port, IN_FLIGHT, measure) };
}

/** The same request as a durable send, to a server that only validates and answers. */
export const echoCell = (name: "echo" | "plain", room: Room, echo: Server, speakers: readonly Speaker[]): Cell =>
  sendCell(name, { name: `${name}, 64 in flight`, unit: "requests/s" }, room, echo, speakers);

export const singleCell = (room: Room, relay: Relay, speakers: readonly Speaker[]): Cell =>
  sendCell("single", { name: "durable send, 64 in flight", unit: "messages/s" }, room, relay, speakers);

export function batchCell(room: Room, relay: Relay, speakers: readonly Speaker[]): Cell {
  const sendBatch = (lane: Connection) => {
    const body = batch(BATCH, () => draft(pick(speakers).id));
    return lane.ask(request("POST", "/v1/messages/batch", pick(speakers).token, body)).then(expectSuccess);
  };
  return {
    name: "batch",
    rows: withCost({ name: "durable batches of 100", unit: "messages/s", atLeast: 20_000 }),
    measure: () =>
      withLanes(relay.port, BATCH_LANES, (lanes) =>
        costed(relay, async () => BATCH * (await ratePerSecond(lanes, room.milliseconds, sendBatch))),
      ),
  };
}

/** The typed client of one agent: what it is asked for in one turn of the event loop goes as one request. */
export const clientCell = (room: Room, relay: Relay, speakers: readonly Speaker[]): Cell => ({
  name: "client",
  rows: withCost({ name: "durable send by the typed client, 64 in flight", unit: "messages/s" }),
  measure() {
    const { messages } = createClient({ url: `http://127.0.0.1:${relay.port}`, token: pick(speakers).token });
    const sendOne = () => messages.send(JSON.parse(draft(pick(speakers).id)));
    return costed(relay, () => ratePerSecond([...Array(IN_FLIGHT).keys()], room.milliseconds, sendOne));
  },
});

/**
 * One WebSocket of one agent, with as many sends unanswered as the protocol allows. An agent with mail was handed it by its
 * socket, so each of its sends looks for its cause there; the senders over HTTP have read nothing, as the agent without. That one is in
 * no group: work for the group of all would go out over its socket meanwhile.
 */
const overSocket = (
  name: string,
  row: string,
  room: Room,
  relay: Relay,
  speakers: readonly Speaker[],
  quiet: boolean,
): Cell => ({
  name,
  rows: withCost({ name: row, unit: "messages/s" }),
  async measure() {
    const sender = quiet ? (await registerSpeakers(relay, 1, "quiet", () => ({})))[0] : undefined;
    const socket = await openSocket(relay, sender ?? pick(speakers));
    const sendFrame = () => socket.ask("send", `"message":${draft(pick(speakers).id)}`);
    const all = [...Array(IN_FLIGHT).keys()];
    const measured = await costed(relay, () => ratePerSecond(all, room.milliseconds, sendFrame));
    socket.close();
    return measured;
  },
});

export const socketCell = (room: Room, relay: Relay, speakers: readonly Speaker[]): Cell =>
  overSocket("socket", "durable send over one WebSocket, 64 in flight", room, relay, speakers, true);

export const socketMailCell = (room: Room, relay: Relay, speakers: readonly Speaker[]): Cell =>
  overSocket("socket-mail", "the same by an agent with mail", room, relay, speakers, false);
