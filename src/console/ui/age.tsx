import { useSyncExternalStore } from "react";
import { feed } from "../live/feed.ts";

/** `4 s`, `12 min`, `1 h 5`, `3 d`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60}` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** Time since, counting on while the feed is live: what is old does not pretend to know. */
export function Age({ since, className = "" }: { since: string; className?: string }) {
  const now = useSyncExternalStore(feed.onTick, feed.now);
  return (
    <time
      dateTime={since}
      title={new Date(since).toLocaleString()}
      className={`font-mono text-small whitespace-nowrap text-ink2 ${className}`}
    >
      {ageText(now - Date.parse(since))}
    </time>
  );
}
