// A worker with the client library. It counts the words of each message that it claims.
// Run it with Bun, or with Node 24: SIGNALBOX_TOKEN=sbx_... bun worker.ts
import { createClient } from "signalbox/client";

const relay = createClient({
  url: process.env.SIGNALBOX_URL ?? "http://127.0.0.1:4747",
  token: process.env.SIGNALBOX_TOKEN ?? "",
});

/** The work itself. Its text goes to the sender. An error fails the attempt, and the relay hands the work out again. */
function countWords(text: string): string {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length === 0) throw new Error("the message has no words");
  return `${words.length} words`;
}

// The worker finishes what it holds, then leaves.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

// The client renews the lease while the handler runs, and waits with growing delays while the relay is away.
await relay.work({
  signal: stop.signal,
  leaseSeconds: 60,
  resume: true,
  handler: (message) => countWords(message.body),
  onEvent: (event) => console.log(event.type, "message" in event ? event.message.id : ""),
});
