import type { Relay } from "./relay.ts";
import type { Speaker } from "./traffic.ts";

/** Bun's own, which takes headers. */
const BunWebSocket = WebSocket as unknown as new (url: string, options: Bun.WebSocketOptions) => WebSocket;

export interface AgentSocket {
  /** Sends one frame and waits for its answer. `fields` is the rest of the frame, as JSON. */
  ask(type: string, fields: string): Promise<void>;
  close(): void;
}

/** An agent's socket. `onMessage` is given each message frame as it came. */
export async function openSocket(
  relay: Relay,
  speaker: Speaker,
  onMessage: (frame: string) => void = () => {},
): Promise<AgentSocket> {
  const url = `ws://127.0.0.1:${relay.port}/v1/agents/${speaker.id}/socket`;
  const headers = { Authorization: `Bearer ${speaker.token}` };
  const socket = new BunWebSocket(url, { protocols: ["signalbox.v1"], headers });
  const opened = Promise.withResolvers<void>();
  // Frames are carried out and answered in order, so that no answer has to be parsed to know whose it is.
  const unanswered: PromiseWithResolvers<void>[] = [];
  let refs = 0;

  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const type = /^\{"type":"(\w+)"/.exec(data)?.[1];
    if (type === "message") onMessage(data);
    else if (type === "hello") opened.resolve();
    else if (type === "ok" || type === "problem") {
      const waiting = unanswered.shift();
      if (type === "ok") waiting?.resolve();
      else waiting?.reject(new Error(data));
    } else if (type === undefined) throw new Error(`a frame that does not begin with its type: ${data}`);
  };
  socket.onclose = ({ code, reason }) => {
    const error = new Error(`the socket closed: ${code} ${reason}`);
    opened.reject(error);
    for (const waiting of unanswered.splice(0)) waiting.reject(error);
  };
  await opened.promise;
  return {
    ask(type, fields) {
      const waiting = Promise.withResolvers<void>();
      unanswered.push(waiting);
      refs += 1;
      socket.send(`{"type":"${type}","ref":${refs},${fields}}`);
      return waiting.promise;
    },
    close: () => socket.close(),
  };
}
