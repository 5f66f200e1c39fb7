import type { Areas } from "../../core/core.ts";
import { CAUTION } from "../../core/retention/retention.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { EndedPlace, TaskStore } from "./store.ts";

const RETAIN = "tasks.retention";
/** Looked at and deleted in one write. */
const SLICE = 50;
const EVENTS = 200;
const FIRST_MS = 90_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BEGINNING: EndedPlace = { endedAt: 0, id: "" };

/**
 * Tasks go when they ended before the retention time and their message is gone; steps of histories when they are older.
 * What a live task points to needs no keeping here: open, claimed and dead work stays by itself.
 */
export function createTaskRetention({ kernel, core }: Areas, store: TaskStore, days: number) {
  const { due, clock } = kernel;
  const { rows: works } = core.work;

  async function retain(tx: Tx, row: DueRow): Promise<void> {
    // After a jump of the clock everything may look old: messages wait for a day, and so do tasks.
    const isCareful = (await due.find(tx, CAUTION, "log")) !== undefined;
    const next = isCareful ? undefined : await run(tx, (row.data.after as EndedPlace | undefined) ?? BEGINNING);
    await due.schedule(tx, RETAIN, "tasks", clock.now() + (next ? 0 : HOUR_MS), next ? { after: next } : {});
  }

  /** One slice; answers where to go on, or undefined at the end. */
  async function run(tx: Tx, after: EndedPlace): Promise<EndedPlace | undefined> {
    const before = clock.now() - days * DAY_MS;
    const ended = await store.endedBefore(tx, before, after, SLICE);
    let room = EVENTS;
    let reached = after;
    for (const { id, endedAt, messageId } of ended) {
      if (room === 0) break;
      reached = { id, endedAt: endedAt ?? 0 };
      if (messageId !== null && (await works.byId(tx, messageId))) continue;
      room -= await store.removeEventsOf(tx, id, room);
      // What is left of a long history goes with the steps that are old by themselves.
      await store.remove(tx, id);
    }
    const old = await store.removeEventsBefore(tx, before, EVENTS);
    return ended.length === SLICE || room === 0 || old === EVENTS ? reached : undefined;
  }

  return {
    planRetention: (tx: Tx, now: number): Promise<void> => due.schedule(tx, RETAIN, "tasks", now + FIRST_MS),
    dueHandlers: { [RETAIN]: retain },
  };
}
