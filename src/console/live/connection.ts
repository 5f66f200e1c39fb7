import type { WatchFrame, WatchRequest } from "../../protocol/watch.ts";
import { deviceName } from "../push/device.ts";
import { feed } from "./feed.ts";

type Follow = Extract<WatchRequest, { type: "follow" }>["follow"];
type Event = Extract<WatchFrame, { type: "event" }>;

/** An event of something followed. `data` is as the streams over HTTP have it. */
export type Listener = (event: Pick<Event, "event" | "id" | "data">) => void;

interface Followed {
  follow: Follow;
  listeners: Set<Listener>;
  /** Place to go on from after a break. */
  at: number | undefined;
}

const SUBPROTOCOL = "signalbox.watch.v1";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** Close codes after which the sign-in is over. */
const OVER = 4001;

/** The one live connection of the page. It comes back by itself, and goes on where it was. */
function createConnection() {
  const followed = new Map<string, Followed>();
  const onBack = new Set<() => void>();
  let socket: WebSocket | undefined;
  let waitMs = FIRST_WAIT_MS;
  let hadOne = false;
  let refs = 0;
  let look: { threadId?: number } = {};

  const say = (frame: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...frame, ref: ++refs }));
  };

  const begin = ({ follow, at }: Followed): void =>
    say({ type: "follow", follow: at === undefined ? follow : { ...follow, after: at } });

  function open(): void {
    const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/v1/watch`;
    socket = new WebSocket(url, SUBPROTOCOL);
    socket.onopen = () => {
      waitMs = FIRST_WAIT_MS;
      feed.connected(true);
      for (const one of followed.values()) begin(one);
      tellFocus();
      // Lists may have changed in the break.
      if (hadOne) for (const tell of onBack) tell();
      hadOne = true;
    };
    socket.onmessage = ({ data }) => take(JSON.parse(String(data)) as WatchFrame);
    socket.onclose = ({ code }) => {
      feed.connected(false);
      socket = undefined;
      if (code === OVER) location.reload();
      else retry();
    };
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  function retry(): void {
    clearTimeout(timer);
    timer = setTimeout(open, waitMs * (0.5 + Math.random() / 2));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }

  function take(frame: WatchFrame): void {
    feed.heard();
    if (frame.type !== "event") return;
    const one = followed.get(frame.of);
    if (!one) return;
    if (frame.id !== undefined) one.at = frame.id;
    for (const tell of one.listeners) tell(frame);
  }

  function tellFocus(): void {
    if (document.visibilityState === "visible" && document.hasFocus())
      say({ type: "focus", ...look, device: deviceName() });
    else say({ type: "blur" });
  }

  /** A page that was asleep may hold a socket that is dead: a new one shows what is now. */
  function wake(): void {
    tellFocus();
    if (document.visibilityState !== "visible") return;
    if (feed.isSilent()) socket?.close();
    else if (socket === undefined) {
      waitMs = FIRST_WAIT_MS;
      clearTimeout(timer);
      open();
    }
  }

  return {
    start(): void {
      open();
      document.addEventListener("visibilitychange", wake);
      window.addEventListener("focus", wake);
      window.addEventListener("blur", tellFocus);
      window.addEventListener("online", wake);
    },

    /** Calls back with every event, from `after` on. Answers a function that ends it. */
    follow(follow: Follow, listener: Listener): () => void {
      const name = follow.what === "lists" ? follow.what : `${follow.what}:${follow.id}`;
      const had = followed.get(name);
      const one = had ?? { follow, listeners: new Set(), at: follow.after };
      followed.set(name, one);
      one.listeners.add(listener);
      if (!had) begin(one);
      return () => {
        one.listeners.delete(listener);
        if (one.listeners.size > 0 || followed.get(name) !== one) return;
        followed.delete(name);
        say({ type: "unfollow", of: name });
      };
    },

    /** Called after each break. */
    onBack(tell: () => void): () => void {
      onBack.add(tell);
      return () => void onBack.delete(tell);
    },

    /** Tells the relay again whether somebody looks: the device has another name now. */
    tellFocus,

    /** Tells the relay of the thread that is shown; undefined for none. */
    lookAt(threadId: number | undefined): void {
      look = threadId === undefined ? {} : { threadId };
      tellFocus();
    },
  };
}

export const connection = createConnection();
