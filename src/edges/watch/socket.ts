import type { ServerWebSocket } from "bun";
import { partForm } from "../../features/runs/ui-stream.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { check } from "../../kernel/http/body.ts";
import { checkNumbers, parseText } from "../../kernel/http/json.ts";
import { createSocketOutlet, type SocketHandler, type SocketOutlet } from "../../kernel/http/socket-outlet.ts";
import { byeEvent } from "../../kernel/log/connections.ts";
import type { Outlet } from "../../kernel/log/outlet.ts";
import type { Peer } from "../../kernel/log/peers.ts";
import { Problem } from "../../protocol/problem.ts";
import { WatchRequest } from "../../protocol/watch.ts";
import { createChannel } from "./channel.ts";
import { MAX_FOLLOWED } from "./follows.ts";
import type { Parts } from "./parts.ts";

/** Characters of a frame. A follow takes a hundredth of it. */
const MAX_FRAME = 4096;

type Frame = WatchRequest;
type Follow = Extract<Frame, { type: "follow" }>["follow"];

/** One page of the console: what it follows, and what its person looks at. */
export function createWatchSocket(parts: Parts, caller: Caller, peer: Peer | undefined): SocketHandler {
  const { kernel, core, runs, presence, follows } = parts;
  const channels = new Map<string, Outlet>();
  let outlet: SocketOutlet;
  let leave = (): void => undefined;
  const look = presence.add(caller);

  async function open(follow: Follow): Promise<string> {
    const of = nameOf(follow);
    if (channels.has(of)) return of;
    if (!follows.take(caller.tokenId))
      throw new Problem("too-many-streams", `This sign-in follows ${MAX_FOLLOWED} things already. Unfollow one.`);
    const channel = createChannel(outlet, of, () => {
      if (channels.get(of) === channel) channels.delete(of);
      follows.give(caller.tokenId);
    });
    channels.set(of, channel);
    try {
      if (follow.what === "run") {
        const opening = { caller, headers: {}, peer: () => peer, outlet: channel };
        await runs.parts.follow(opening, follow.id, { after: follow.after }, partForm);
      } else {
        const filter = follow.what === "thread" ? { thread: follow.id } : {};
        await core.inbox.watch.open(caller, { filter }, channel, follow.after);
      }
    } catch (error) {
      channel.close();
      throw error;
    }
    // The page left while it was opened.
    if (outlet.state() !== "open") channel.close();
    return of;
  }

  async function run(frame: Frame): Promise<{ of?: string }> {
    if (frame.type === "follow") return { of: await open(frame.follow) };
    if (frame.type === "unfollow") channels.get(frame.of)?.close();
    else if (frame.type === "focus") look.at(frame);
    else look.away();
    return {};
  }

  function take(text: string): void {
    let ref: Frame["ref"] | null = null;
    const refuse = (error: unknown): void => {
      const problem =
        error instanceof Problem ? error : new Problem("internal", "Something went wrong; it was logged.");
      if (problem !== error) kernel.onError(error);
      outlet.answer(JSON.stringify({ type: "problem", ref, problem: problem.body(caller.requestId) }));
    };
    try {
      const raw = parseText(text, "The frame");
      ref = refOf(raw);
      checkNumbers(text, raw);
      const frame = check(WatchRequest, raw, "") as Frame;
      run(frame).then(({ of }) => outlet.answer(JSON.stringify({ type: "ok", ref, of })), refuse);
    } catch (error) {
      refuse(error);
    }
  }

  function end(): void {
    leave();
    look.gone();
    for (const channel of [...channels.values()]) channel.close();
  }

  return {
    open(ws: ServerWebSocket<SocketHandler>) {
      outlet = createSocketOutlet(ws, peer);
      outlet.onClosed = end;
      const { connections } = kernel;
      const { tokenId, instanceId } = caller;
      leave = connections.add({
        ...{ id: connections.newId(), agentId: null, countsFor: null, tokenId, instanceId, outlet },
        close: (reason) => outlet.close(byeEvent(reason, 0)),
      });
    },
    message(_, message) {
      outlet.moved();
      if (message.length > MAX_FRAME) outlet.closeWith("too-big");
      else take(String(message));
    },
    drain() {
      outlet.moved();
      for (const channel of channels.values()) channel.onDrain();
    },
    close: () => outlet.ended(),
    pong: () => outlet.moved(),
  };
}

const nameOf = (follow: Follow): string => (follow.what === "lists" ? follow.what : `${follow.what}:${follow.id}`);

function refOf(raw: unknown): Frame["ref"] | null {
  const ref = typeof raw === "object" && raw !== null && "ref" in raw ? raw.ref : null;
  return typeof ref === "number" || (typeof ref === "string" && ref.length <= 128) ? ref : null;
}
