import type { Socket } from "bun";
import { request } from "./http-load.ts";
import type { Relay } from "./relay.ts";
import type { Speaker } from "./traffic.ts";

/** One open inbox stream. */
export interface Follower {
  close(): void;
}

/** Follows an agent's inbox by SSE. `onMessage` is given the data of each message event. */
export async function follow(relay: Relay, speaker: Speaker, onMessage: (data: string) => void): Promise<Follower> {
  return followPath(relay, speaker.token, `/v1/agents/${speaker.id}/inbox/stream`, (event, data) => {
    if (event === "message") onMessage(data);
    return event === "hello";
  });
}

/** Follows a stream by SSE, on a raw socket; open once `onEvent` answers true for the first time. */
export async function followPath(
  relay: Relay,
  token: string,
  path: string,
  onEvent: (event: string, data: string) => boolean,
): Promise<Follower> {
  const hello = Promise.withResolvers<void>();
  const take = eventReader((event, data) => {
    if (onEvent(event, data)) hello.resolve();
  });
  const socket: Socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: relay.port,
    socket: {
      data: (_, chunk) => take(chunk.toString("latin1")),
      close: () => hello.reject(new Error("the server closed the stream")),
    },
  });
  socket.write(request("GET", path, token));
  await hello.promise;
  return { close: () => void socket.end() };
}

/** Takes what arrives of a chunked answer apart into events. */
function eventReader(onEvent: (event: string, data: string) => void): (text: string) => void {
  let head: string | undefined = "";
  let coded = "";
  let events = "";

  return (text) => {
    if (head !== undefined) {
      head += text;
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
      coded = head.slice(end + 4);
      head = undefined;
    } else coded += text;
    const [plain, rest] = dechunk(coded);
    coded = rest;
    events += plain;
    for (let end = events.indexOf("\n\n"); end >= 0; end = events.indexOf("\n\n")) {
      const event = events.slice(0, end);
      events = events.slice(end + 2);
      onEvent(/^event: ?(.*)$/m.exec(event)?.[1] ?? "", /^data: ?(.*)$/m.exec(event)?.[1] ?? "");
    }
  };
}

/** Whole chunks of a chunked answer, and what is left of an unfinished one. */
function dechunk(coded: string): [plain: string, rest: string] {
  let plain = "";
  let rest = coded;
  for (;;) {
    const line = rest.indexOf("\r\n");
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.slice(0, line), 16);
    if (!(rest.length >= line + 2 + size + 2)) return [plain, rest];
    plain += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 2 + size + 2);
  }
}

/** Opens `one` for each speaker, a few at a time. */
export async function followAll<T>(speakers: readonly Speaker[], one: (speaker: Speaker) => Promise<T>): Promise<T[]> {
  const open: T[] = [];
  for (let n = 0; n < speakers.length; n += 50) open.push(...(await Promise.all(speakers.slice(n, n + 50).map(one))));
  return open;
}
