// An agent that takes runs and shows how it works on them. It counts the words of each task.
// Run it with Bun, or with Node 24: SIGNALBOX_TOKEN=sbx_... bun runner.ts
import { createClient, RunFailure, type RunHandle } from "signalbox/client";

const relay = createClient({
  url: process.env.SIGNALBOX_URL ?? "http://127.0.0.1:4747",
  token: process.env.SIGNALBOX_TOKEN ?? "",
});

/** The work itself. The text goes to whoever asked for the run; everything else is for those who watch it. */
function countWords(run: RunHandle): string {
  run.status("Counting");
  const call = run.tool.start("split", { text: run.turn.text });
  const words = (run.turn.text ?? "").split(/\s+/).filter(Boolean);
  run.tool.result(call, { words: words.length });
  if (words.length === 0) throw new RunFailure("refused", "the task has no words");
  run.say(`${words.length} words`);
  return `${words.length} words`;
}

// The server of runs finishes what it is at, then leaves.
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

// The client renews the lease, sends events in batches, and waits with growing delays while the relay is away. `run.signal` fires
// when somebody stops the run: pass it to everything that takes long.
await relay.runs.serve({
  signal: stop.signal,
  leaseSeconds: 60,
  resume: true,
  handler: countWords,
  onEvent: (event) => console.log(event.type, "run" in event ? event.run.id : ""),
});
