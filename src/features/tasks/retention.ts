import type { Areas } from "../../core/core.ts";
import type { Slice, Sweep } from "../../core/retention/sweeps.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { EndedPlace, TaskStore } from "./store.ts";

const SLICE = 50;
const EVENTS = 200;
const BEGINNING: EndedPlace = { endedAt: 0, id: "" };

/** Deletes ended tasks whose message is gone. Work that is open, claimed or dead keeps its message, and so its task. */
export function taskSweeps({ core }: Areas, store: TaskStore): Sweep[] {
  const { rows: works } = core.work;

  async function sweep(tx: Tx, { before, from, limit }: Slice) {
    const ended = await store.endedBefore(tx, before, (from as EndedPlace | undefined) ?? BEGINNING, limit);
    let room = EVENTS;
    let reached: EndedPlace = BEGINNING;
    for (const { id, endedAt, messageId } of ended) {
      if (room === 0) break;
      reached = { id, endedAt: endedAt ?? 0 };
      if (messageId !== null && (await works.byId(tx, messageId))) continue;
      room -= await store.removeEventsOf(tx, id, room);
      // The rest of a long history goes by its age.
      await store.remove(tx, id);
    }
    return ended.length === limit || room === 0 ? { from: reached } : 0;
  }

  return [
    { name: "tasks", limit: SLICE, sweep },
    {
      name: "tasks.events",
      limit: EVENTS,
      sweep: (tx, { before, limit }) => store.removeEventsBefore(tx, before, limit),
    },
  ];
}
