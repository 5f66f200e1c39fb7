import type { ServerWebSocket } from "bun";
import { type Encoded, frameOf, type Outlet } from "../log/outlet.ts";
import type { Peer } from "../log/peers.ts";
import type { Entry } from "../log/tail.ts";

/** Bytes waiting in the process for one socket before it counts as slow. */
const BUFFER_BYTES = 256 * 1024;

/** Methods that Elysia's dispatcher calls on `ws.data`. */
export interface SocketHandler {
  open(ws: ServerWebSocket<SocketHandler>): void;
  message(ws: ServerWebSocket<SocketHandler>, message: string | Buffer): void;
  drain(ws: ServerWebSocket<SocketHandler>): void;
  close(ws: ServerWebSocket<SocketHandler>, code: number, reason: string): void;
  pong(ws: ServerWebSocket<SocketHandler>): void;
}

/** Close codes of RFC 6455, and the relay's own from 4000 on. */
const CLOSE = {
  revoked: 4001,
  superseded: 4009,
  restarting: 1012,
  "too-slow": 1013,
  replaced: 1013,
  "too-big": 1009,
  "not-authorised": 4001,
} as const;

export interface SocketOutlet extends Outlet {
  /** Sends a frame at once. */
  push(frame: string): void;
  /** Sends a frame at the end of the turn: answers of one turn share one write to the kernel. */
  answer(frame: string): void;
  closeWith(reason: keyof typeof CLOSE): void;
  /** Turns reading on or off. While it is off, the client soon cannot send. */
  reads(on: boolean): void;
  /** Notes that the client has closed. */
  ended(): void;
  /** Notes that the client has taken or sent bytes. */
  moved(): void;
  /** `ended`: closed by the client; `cut`: closed by the relay. */
  state(): "open" | "ended" | "cut";
}

/** Outlet over one WebSocket. */
export function createSocketOutlet(ws: ServerWebSocket<SocketHandler>, peer: Peer | undefined): SocketOutlet {
  let hasMoved = false;
  let state: ReturnType<SocketOutlet["state"]> = "open";
  let answers: string[] = [];

  function flush(): void {
    const frames = answers;
    answers = [];
    sendAll(frames);
  }

  /** Sends frames by one write to the kernel. */
  function sendAll(frames: readonly string[]): void {
    const [only] = frames;
    if (state !== "open" || only === undefined) return;
    if (frames.length === 1) ws.sendText(only);
    else ws.cork(() => frames.forEach((frame) => void ws.sendText(frame)));
  }

  const outlet: SocketOutlet = {
    transport: "socket",
    peer,
    ready: () => state === "open" && ws.getBufferedAmount() < BUFFER_BYTES,
    settled: () => ws.getBufferedAmount() === 0,
    moves() {
      const moves = hasMoved || ws.getBufferedAmount() === 0;
      hasMoved = false;
      return moves;
    },
    moved() {
      hasMoved = true;
    },
    entries(entries: readonly Entry[]) {
      if (state === "open") sendAll(entries.map(frameOf));
    },
    send(event) {
      sendAll(event.frames);
    },
    push(frame) {
      if (state === "open") ws.sendText(frame);
    },
    answer(frame) {
      if (answers.push(frame) === 1) setImmediate(flush);
    },
    // Bun pings by itself; pongs show that the client is there.
    keepAlive: () => undefined,
    close(last?: Encoded) {
      if (last) outlet.send(last);
      outlet.closeWith(reasonOf(last));
    },
    closeWith(reason) {
      if (state !== "open") return;
      if (answers.length) flush();
      // Bun's idle timeout does not run while reading is off.
      outlet.reads(true);
      state = "cut";
      ws.close(CLOSE[reason], reason);
      outlet.onClosed();
    },
    reads(on) {
      if (state !== "open" || ws.isPaused === !on) return;
      if (on) ws.resume();
      else ws.pause();
    },
    ended() {
      if (state !== "open") return;
      state = "ended";
      outlet.onClosed();
    },
    state: () => state,
    onDrain: () => undefined,
    onClosed: () => undefined,
  };
  return outlet;
}

function reasonOf(last: Encoded | undefined): keyof typeof CLOSE {
  const reason = last ? (JSON.parse(last.json) as { reason?: string }).reason : undefined;
  return reason !== undefined && reason in CLOSE ? (reason as keyof typeof CLOSE) : "restarting";
}
