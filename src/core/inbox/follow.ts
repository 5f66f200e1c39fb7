import { type ByeReason, byeEvent } from "../../kernel/log/connections.ts";
import { Follower, type Sink, type Source } from "../../kernel/log/follower.ts";
import type { Outlet } from "../../kernel/log/outlet.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";

/** One outlet, and the part of the log that goes into it. */
interface Following extends Pick<Sink<LogEntry>, "deliver" | "reset"> {
  source: Source<LogEntry>;
  outlet: Outlet<LogEntry>;
  /** Where it begins. */
  position: number;
  /** The outlet has passed bytes on to the kernel. */
  settle(): void;
  /** The outlet has room again. */
  drained?(): void;
  closed(): void;
}

/** Follows the log into an outlet, as fast as its client reads, until one of them closes. */
export function follow({ kernel, log }: Base, following: Following) {
  const { source, outlet, position, deliver, reset, settle, drained, closed } = following;
  let isClosed = false;
  const close = (reason: ByeReason): void => {
    if (!isClosed) outlet.close(byeEvent(reason, follower.position));
  };
  const sink: Sink<LogEntry> = {
    ready: () => outlet.ready(),
    deliver,
    reset,
    fail(error) {
      kernel.onError(error);
      close("restarting");
    },
  };
  const follower = new Follower(log, source, sink, position, kernel.clock.now);
  outlet.onDrain = () => {
    settle();
    if (isClosed) return;
    drained?.();
    follower.run();
  };
  outlet.onClosed = () => {
    isClosed = true;
    follower.close();
    closed();
  };
  return {
    follower,
    /** Closes it with a reason, and the place to resume from. */
    close,
    /** Begins to read, unless the client has left. */
    run(): void {
      if (!isClosed) follower.run();
    },
  };
}
