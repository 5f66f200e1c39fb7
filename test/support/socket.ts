import { atEnd } from "./relay.ts";
import { inTime } from "./until.ts";

/** A frame from the server: what a test expects of it is what the test says. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
export type Frame = Record<string, any>;

/** An open WebSocket, and all that came over it. */
export interface TestSocket {
  ws: WebSocket;
  frames: Frame[];
  of(type: string): Frame[];
  /** The ids of the messages that came. */
  ids(): number[];
  until(isThere: (socket: TestSocket) => boolean, what?: string): Promise<void>;
  /** The first frame of this type, now or soon. */
  first(type: string): Promise<Frame>;
  say(frame: unknown): void;
  /** Sends a request and waits for the answer to it. */
  ask(frame: Frame): Promise<Frame>;
  /** How the connection ended. */
  closed: Promise<{ code: number; reason: string }>;
}

interface Opening {
  /** Left out: as a browser, which cannot set headers. */
  token?: string;
  instance?: string | undefined;
  protocols?: string[];
  /** The page that it comes from. */
  origin?: string;
}

/** Bun's WebSocket takes headers; the types of the DOM do not know that. */
const Client = WebSocket as unknown as new (url: string, options: Bun.WebSocketOptions) => WebSocket;

/** Connects and reads everything as it comes. */
export async function openSocket(url: string, { token, instance, protocols, origin }: Opening): Promise<TestSocket> {
  const headers: Record<string, string> = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (instance) headers["signalbox-instance"] = instance;
  if (origin) headers.origin = origin;
  const ws = new Client(url.replace(/^http/, "ws"), { headers, protocols: protocols ?? ["signalbox.v1"] });
  const waiting = new Set<() => void>();
  let refs = 0;
  const socket: TestSocket = {
    ws,
    frames: [],
    of: (type) => socket.frames.filter((frame) => frame.type === type),
    ids: () => socket.of("message").map((frame) => frame.message.id),
    until: (isThere, what = String(isThere)) =>
      inTime(
        new Promise<void>((resolve) => {
          const look = () => {
            if (!isThere(socket)) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
        what,
      ),
    async first(type) {
      await socket.until(() => socket.of(type).length > 0, `a ${type} frame`);
      return socket.of(type)[0] as Frame;
    },
    say: (frame) => ws.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    async ask(frame) {
      const ref = `ask-${++refs}`;
      socket.say({ ...frame, ref });
      await socket.until((so) => so.frames.some((one) => one.ref === ref), `an answer to ${frame.type}`);
      return socket.frames.find((one) => one.ref === ref) as Frame;
    },
    closed: new Promise((resolve) => {
      ws.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    }),
  };
  ws.addEventListener("message", ({ data }) => {
    socket.frames.push(JSON.parse(String(data)));
    for (const look of [...waiting]) look();
  });
  atEnd(async () => ws.close());
  await inTime(
    new Promise<void>((resolve, reject) => {
      ws.addEventListener("open", () => resolve());
      ws.addEventListener("error", () => reject(new Error(`no WebSocket at ${url}`)));
    }),
    "a WebSocket",
  );
  return socket;
}
