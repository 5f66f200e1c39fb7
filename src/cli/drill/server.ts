import { createClient } from "../../client/client.ts";
import { systemTiming } from "../../client/timing.ts";
import type { Drilled, Hand } from "./asking.ts";
import { waitForParent } from "./parent.ts";
import { answerOf, goOn, LAST, numberIn, type Story, THOUGHT } from "./story.ts";
import { watchRun } from "./watcher.ts";

/** The client waits up to 30 s before it tries again: long for a relay that lives for a second. */
const HASTE = 50;
const LEASE_SECONDS = 3600;

/** Runs the last agent of the chain as programs do: with the typed client, which takes its turns and repeats what was not answered. */
export async function runServer(drilled: Drilled, story: Story, { token }: Hand, done: () => boolean): Promise<void> {
  const { relay } = drilled;
  const sleep = (ms: number, signal?: AbortSignal) => systemTiming.sleep(ms / HASTE, signal);
  const client = createClient({ url: relay.url(), token, timing: { sleep } });
  const stop = new AbortController();
  const watch = setInterval(() => done() && stop.abort(), 50);
  const serving = client.runs.serve({
    ...{ leaseSeconds: LEASE_SECONDS, concurrency: 64, signal: stop.signal },
    async handler(handle) {
      const answer = answerOf(numberIn(handle.run.task), LAST);
      story.said.set(handle.turnId, answer);
      goOn(story, watchRun(drilled, story, handle.id, done));
      handle.event("lifecycle", { phase: "start" });
      handle.think(THOUGHT);
      for (const half of [answer.slice(0, 4), answer.slice(4)]) {
        handle.usage({ inputTokens: 1 });
        handle.say(half);
        await handle.flush();
        story.steps++;
      }
      await waitForParent(drilled, handle.run, LAST, done);
    },
    onEvent(event) {
      if (event.type !== "lost" || done()) return;
      const cause = event.cause instanceof Error ? event.cause.message : String(event.cause);
      story.faults.push({ kind: "lost", what: `the runner of ${event.run.id} lost its turn: ${cause}` });
    },
  });
  await serving.finally(() => clearInterval(watch));
}
