import type { QueryClient } from "@tanstack/react-query";
import type { InboxNews } from "../../protocol/inbox.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import { connection } from "./connection.ts";
import { followMail } from "./mail.ts";
import { readAgain } from "./read-again.ts";
import { followTrack } from "./tracks.ts";

/** Lists are read again at most this often, however much happens. */
const EVERY_MS = 1000;

/** First members of the keys of what an event changes. What a page shows of it is read again. */
const CHANGES: Record<string, readonly string[]> = {
  message: ["threads", "thread", "schedules", "channels", "late"],
  work: ["work", "thread", "attention", "agents", "schedules", "late", "projects"],
  task: ["work"],
  delegation: ["thread", "late"],
  run: ["runs", "run", "threads", "sessions", "since", "schedules", "late", "projects"],
  announcement: ["runs", "attention", "projects"],
  approval: ["approvals", "approval", "attention", "projects"],
  session: ["sessions", "session", "attention", "projects", "orchestrators"],
  presence: ["channels", "agents", "agent", "orchestrators", "attention", "holds"],
  hold: ["holds"],
  attention: ["attention", "projects"],
  bulk: ["bulk"],
  thread: ["threads", "thread", "explain"],
};

/** Keeps what is shown true: by the events of the lists, and at the beginning and after a break by reading everything again. */
export function followChanges(cache: QueryClient): void {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastAt = 0;

  function readStale(): void {
    timer = undefined;
    lastAt = Date.now();
    const names = new Set(stale);
    stale.clear();
    readAgain(cache, ({ queryKey }) => names.has(String(queryKey[0])));
  }

  connection.follow({ what: "lists" }, ({ event, data }) => {
    // Answers from before the follow began may be old already.
    if (event === "hello") return readAgain(cache, () => true);
    if (event === "inbox") return followMail(cache, data as InboxNews);
    for (const name of CHANGES[event] ?? []) stale.add(name);
    if (event === "session" && !followTrack(cache, data as SessionChange)) stale.add("tracks");
    if (timer === undefined) timer = setTimeout(readStale, Math.max(0, lastAt + EVERY_MS - Date.now()));
  });
  connection.start();
}
