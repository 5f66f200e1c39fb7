import type { EventDraft } from "../../client/run-drafts.ts";
import type { EventsAppended, RunEventInput } from "../../protocol/run-events.ts";
import type { Answered } from "./asking.ts";
import { type Story, step } from "./story.ts";

/** Writes the events of one turn, and remembers what it said. */
export function createPen(
  story: Story,
  { run, turnId }: { run: { id: string }; turnId: string },
  append: (events: RunEventInput[]) => Promise<Answered<EventsAppended>>,
) {
  let seq = 0;
  let last: RunEventInput[] = [];
  story.said.set(turnId, "");

  /** Each request repeats the last event of the one before, as a client does that is not sure of it. */
  async function write(drafts: EventDraft[]): Promise<void> {
    const events = drafts.map((draft) => ({ ...draft, source: turnId, seq: seq++ }) as RunEventInput);
    const { next, missing } = await step(story, `events of ${run.id}`, append([...last, ...events]));
    if (next !== seq || missing)
      story.faults.push({ kind: "lost", what: `${turnId} wrote ${seq} events, and ${next} is expected next` });
    last = events.slice(-1);
  }

  return {
    write,
    async say(delta: string): Promise<void> {
      story.said.set(turnId, `${story.said.get(turnId)}${delta}`);
      const usage: EventDraft = { stream: "usage", data: { inputTokens: 1 } };
      await write([{ stream: "assistant", data: { delta } }, usage]);
    },
  };
}
