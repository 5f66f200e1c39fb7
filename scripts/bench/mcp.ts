import { join } from "node:path";
import type { Bench, Cell, Room } from "./bench.ts";
import { type Connection, expectSuccess, ratePerSecond, request, withLanes } from "./http-load.ts";
import { type Relay, startRelay } from "./relay.ts";
import { pick, registerSpeakers, type Speaker } from "./traffic.ts";

const IN_FLIGHT = 16;
const LOOK = { rest: "inbox poll, 16 in flight", mcp: "inbox tool, 16 in flight" };
const SEND = { rest: "send beside it, 16 in flight", mcp: "send tool, 16 in flight" };

/** The same verb by a REST call and by an MCP tool (2026-07-28, where each call stands alone). */
export const mcp: Bench = {
  cells: ["rest-inbox", "mcp-inbox", "rest-send", "mcp-send"],
  // Of rates: how many REST calls the time of one tool call is worth.
  ratios: [
    { name: "REST polls in an inbox tool call", unit: "x", of: [LOOK.rest, LOOK.mcp], atMost: 3 },
    { name: "REST sends in a send tool call", unit: "x", of: [SEND.rest, SEND.mcp], atMost: 3 },
  ],
  async open(room) {
    const relay = await startRelay(room, join(room.folder, "mcp"));
    const speakers = await registerSpeakers(relay, 100);
    const cell = (name: string, row: string, ask: (from: Speaker, to: Speaker) => string): Cell[] =>
      room.wanted(name) ? [rateCell(room, relay, speakers, { name, row, ask })] : [];
    const text = "the build passed but two checks still wait";
    return [
      ...cell("rest-inbox", LOOK.rest, ({ id, token }) => request("GET", `/v1/agents/${id}/inbox`, token)),
      ...cell("mcp-inbox", LOOK.mcp, ({ token }) => call(token, "inbox", {})),
      ...cell("rest-send", SEND.rest, ({ token }, to) =>
        request("POST", "/v1/messages", token, JSON.stringify({ to: to.id, body: text })),
      ),
      ...cell("mcp-send", SEND.mcp, ({ token }, to) => call(token, "send", { to: to.id, text })),
    ];
  },
};

interface Asking {
  name: string;
  row: string;
  ask(from: Speaker, to: Speaker): string;
}

function rateCell(room: Room, relay: Relay, speakers: readonly Speaker[], { name, row, ask }: Asking): Cell {
  // Writes go to one half, so that the inboxes of the other stay empty.
  const half = speakers.length / 2;
  const [readers, others] = [speakers.slice(0, half), speakers.slice(half)];
  const step = async (lane: Connection) => {
    const { body } = expectSuccess(await lane.ask(ask(pick(readers), pick(others))));
    if (body.includes('"isError":true')) throw new Error(body.toString());
  };
  return {
    name,
    rows: [{ name: row, unit: "calls/s" }],
    measure: () =>
      withLanes(relay.port, IN_FLIGHT, async (lanes) => [await ratePerSecond(lanes, room.milliseconds, step)]),
  };
}

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

function call(token: string, name: string, input: Record<string, unknown>): string {
  const params = { name, arguments: input, _meta: META };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  return (
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
    `Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n` +
    `Mcp-Name: ${name}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}
