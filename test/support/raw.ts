import { connect, type Socket } from "node:net";
import { atEnd } from "./relay.ts";
import { inTime } from "./until.ts";

/** A connection of which every byte is the test's own. */
export interface RawConnection {
  socket: Socket;
  /** Bytes so far, as text. */
  text(): string;
  /** Resolves when the other end has closed. */
  closed: Promise<void>;
}

/** Connects, and sends a request head (`lines`) when given. With `reads: false` nothing is ever taken off the wire. */
export async function rawConnect(
  url: string,
  { lines = [], reads = true }: { lines?: string[]; reads?: boolean } = {},
): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => undefined);
  await inTime(new Promise<void>((resolve) => socket.once("connect", () => resolve())), "a connection");
  if (reads) socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  else socket.pause();
  atEnd(async () => {
    socket.destroy();
  });
  if (lines.length) socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return { socket, text: () => text, closed };
}
