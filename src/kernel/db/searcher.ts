import { Problem } from "../../protocol/problem.ts";
import type { SearchAnswer, SearchAsk, WorkerCall, WorkerReply } from "./worker-calls.ts";
import { startWorker } from "./worker-thread.ts";

export interface Searcher {
  /** @throws Problem 503 when it takes too long, or too many searches wait. */
  find(ask: Omit<SearchAsk, "milliseconds">): Promise<SearchAnswer>;
  close(): void;
}

/** Time after which a search answers with the hits so far. */
const LIMIT_MS = 1000;
/** Time after which a search is given up with its thread: a step of SQLite cannot be interrupted. */
const GIVEN_UP_MS = 5000;
const MAX_WAITING = 64;

interface Waiting {
  ask: SearchAsk;
  resolve(answer: SearchAnswer): void;
  reject(error: Error): void;
}

/** Runs full-text searches one at a time, in a thread of their own. */
export function createSearcher(file: string): Searcher {
  let worker: Worker | undefined;
  let calls = 0;
  let running: { id: number; waiting: Waiting; timer: ReturnType<typeof setTimeout> } | undefined;
  let queue: Waiting[] = [];
  let closed = false;

  function start(): Worker {
    const made = startWorker();
    made.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      if (data.id !== running?.id) return;
      if (data.error === undefined) end((waiting) => waiting.resolve(data.answer as SearchAnswer));
      else end((waiting) => waiting.reject(new Error(data.error)));
    };
    made.onerror = (event) => {
      if (worker === made) giveUp(new Error(event.message));
    };
    return made;
  }

  function end(answer: (waiting: Waiting) => void): void {
    if (!running) return;
    clearTimeout(running.timer);
    const { waiting } = running;
    running = undefined;
    answer(waiting);
    next();
  }

  function giveUp(error: Error): void {
    worker?.terminate();
    worker = undefined;
    end((waiting) => waiting.reject(error));
  }

  function next(): void {
    if (running || closed) return;
    const waiting = queue.shift();
    if (!waiting) return;
    worker ??= start();
    const id = ++calls;
    const timer = setTimeout(() => giveUp(tooLong()), GIVEN_UP_MS);
    running = { id, waiting, timer };
    const call: WorkerCall = { id, task: "search", file, ask: waiting.ask };
    worker.postMessage(call);
  }

  return {
    find(ask) {
      if (queue.length >= MAX_WAITING)
        return Promise.reject(
          new Problem("overloaded", `${MAX_WAITING} searches are waiting. Try again in a moment.`, {
            retryAfterSeconds: 2,
          }),
        );
      return new Promise((resolve, reject) => {
        queue.push({ ask: { ...ask, milliseconds: LIMIT_MS }, resolve, reject });
        next();
      });
    },
    close() {
      closed = true;
      const stopping = new Problem("stopping", "The relay is stopping.", { retryAfterSeconds: 1 });
      for (const waiting of queue) waiting.reject(stopping);
      queue = [];
      giveUp(stopping);
    },
  };
}

const tooLong = () =>
  new Problem("overloaded", "The search took too long. Look for rarer words, or for fewer prefixes.", {
    retryAfterSeconds: 5,
  });
