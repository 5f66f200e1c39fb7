import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { connection } from "./connection.ts";

/** Lists are read again at most this often, however much happens. */
const EVERY_MS = 1000;

/** First members of the keys of what an event changes. What a page shows of it is read again. */
const CHANGES: Record<string, readonly string[]> = {
  message: ["threads", "thread"],
  work: ["work", "thread", "attention", "agents"],
  task: ["work"],
  delegation: ["thread"],
  run: ["runs", "run", "threads", "sessions", "since"],
  announcement: ["runs", "attention"],
  approval: ["approvals", "approval", "attention"],
  session: ["sessions", "session", "attention"],
  presence: ["agents", "agent", "orchestrators", "attention"],
  attention: ["attention"],
  thread: ["threads", "thread", "explain"],
};

/** Keeps what is shown true: by the events of the lists, and after a break by reading everything again. */
export function followChanges(cache: QueryClient): void {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastAt = 0;

  function readAgain(): void {
    timer = undefined;
    lastAt = Date.now();
    const names = new Set(stale);
    stale.clear();
    const isStale = ({ queryKey }: { queryKey: QueryKey }) => names.has(String(queryKey[0]));
    void cache.invalidateQueries({ predicate: isStale });
  }

  connection.follow({ what: "lists" }, ({ event }) => {
    for (const name of CHANGES[event] ?? []) stale.add(name);
    if (timer === undefined) timer = setTimeout(readAgain, Math.max(0, lastAt + EVERY_MS - Date.now()));
  });
  connection.onBack(() => void cache.invalidateQueries());
  connection.start();
}
