import { createSseParser } from "../../client/sse.ts";
import type { Drilled } from "./asking.ts";
import type { Story } from "./story.ts";

/** Follows a run from its beginning to its end, and comes back after the last part whenever the relay dies. */
export async function watchRun({ relay }: Drilled, { seen }: Story, runId: string, done: () => boolean): Promise<void> {
  const places: number[] = [];
  seen.set(runId, places);
  for (let isOver = false; !isOver && !done(); ) {
    const abort = new AbortController();
    const watch = setInterval(() => done() && abort.abort(), 50);
    try {
      const headers = { authorization: `Bearer ${relay.token()}`, "last-event-id": String(places.at(-1) ?? 0) };
      const url = `${relay.url()}/v1/runs/${runId}/events/stream`;
      isOver = await readAll(await fetch(url, { headers, signal: abort.signal }), places);
    } catch {
      // The relay is down, or died in the middle.
    } finally {
      clearInterval(watch);
    }
    if (!isOver) await Bun.sleep(20);
  }
}

/** @returns whether the run has ended */
async function readAll(response: Response, places: number[]): Promise<boolean> {
  const parser = createSseParser();
  for await (const chunk of response.body ?? [])
    for (const { type, data } of parser.feed(chunk)) {
      if (type === "part") places.push(JSON.parse(data).place);
      if (type === "bye") return JSON.parse(data).reason === "ended";
    }
  return false;
}
