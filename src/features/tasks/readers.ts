import type { Areas } from "../../core/core.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { jsonBytes, PAGE_BYTES, type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Task, TaskDetail } from "../../protocol/tasks.ts";
import type { List } from "../../protocol/wire.ts";
import type { TaskRow } from "./row.ts";
import type { Candidate, Driver, TaskFilter, TaskStore } from "./store.ts";
import { toTask, toTaskEvent } from "./task.ts";

/** Candidates read for one page, by each driver: a narrow filter gives a short page, never a long wait. */
const CANDIDATES = 500;

export type TaskReaders = ReturnType<typeof createTaskReaders>;

/** Finding tasks. An agent sees those it made, those it holds, and those whose message it may read. */
export function createTaskReaders({ identity, core }: Areas, store: TaskStore) {
  const { agents } = identity;
  const { messages } = core;
  const { deliveries } = core.inbox;
  async function mayRead(on: ReadTx, reader: string, task: Candidate): Promise<boolean> {
    if (task.holder === reader) return true;
    if (task.messageId !== null && task.target !== null) {
      const entry = { id: task.messageId, fromId: task.fromId, target: task.target };
      return messages.access.mayRead(on, reader, entry);
    }
    return task.fromId === reader;
  }

  /** Indexes that a page is found by: the narrowest filter, else all that may concern the reader. */
  function drivers(reader: string | null, filter: TaskFilter): Driver[] {
    const { holder, target, source, status } = filter;
    if (holder ?? target ?? source) return [{ holder, target, source }];
    if (reader === null) return [{ status }];
    return [{ madeBy: reader }, { holder: reader }, { member: reader }];
  }

  /** Newest first. `end`: id at which the first driver stopped that has more. */
  async function candidates(on: ReadTx, driving: Driver[], before: string | undefined) {
    const lists: Candidate[][] = [];
    for (const by of driving) lists.push(await store.candidates(on, by, before, CANDIDATES));
    const ends = lists.flatMap((list) => (list.length < CANDIDATES ? [] : (list.at(-1)?.id ?? [])));
    const end = ends.sort().at(-1);
    const found = new Map(lists.flat().map((task) => [task.id, task]));
    const some = [...found.values()].filter((task) => end === undefined || task.id >= end);
    return { some: some.sort((a, b) => (a.id < b.id ? 1 : -1)), end };
  }

  /** Tasks among these whose message is in a thread of a project. */
  async function inProject(on: ReadTx, some: Candidate[], project: string | undefined): Promise<Candidate[]> {
    if (project === undefined) return some;
    const ids = some.flatMap(({ messageId }) => messageId ?? []);
    const kept = new Set(await messages.lists.inProject(on, ids, project));
    return some.filter(({ messageId }) => messageId !== null && kept.has(messageId));
  }

  /** @throws Problem 403, 404, 409 */
  async function requireReadable(on: ReadTx, caller: Caller, id: string): Promise<TaskRow> {
    const reader = await agents.requireReader(on, caller);
    const task = (await store.byId(on, id)) ?? Problem.missing("task", id);
    if (reader !== null && !(await mayRead(on, reader, task)))
      throw new Problem("forbidden", `Task ${id} is not for ${reader}.`);
    return task;
  }

  /** Notes a task as seen: it shows the content of its message. */
  async function noteSeen(on: ReadTx, caller: Caller, { messageId: id, fromId: from, target }: TaskRow): Promise<void> {
    if (id !== null && target !== null) await deliveries.noteSeen(on, caller, [{ id, from, target }]);
  }

  return {
    /** `GET /v1/tasks`, newest first. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      { limit, page: before, project, ...filter }: TaskFilter & { project?: string | undefined } & PageQuery<string>,
    ) {
      const reader = await agents.requireReader(on, caller);
      const { some, end } = await candidates(on, drivers(reader, filter), before);
      const items: Task[] = [];
      let size = 0;
      const pause = createPauses();
      for (const task of await inProject(on, some, project)) {
        await pause();
        if (!matches(filter, task) || (reader !== null && !(await mayRead(on, reader, task)))) continue;
        if (items.length === limit) return { items, nextPage: items.at(-1)?.id ?? null };
        const row = await store.byId(on, task.id);
        if (!row) continue;
        const shown = toTask(row);
        size += jsonBytes(shown);
        if (items.length > 0 && size > PAGE_BYTES) return { items, nextPage: items.at(-1)?.id ?? null };
        items.push(shown);
        await noteSeen(on, caller, row);
      }
      return { items, nextPage: end ?? null } satisfies List<Task>;
    },

    requireReadable,

    /** `GET /v1/tasks/{id}` with a page of its history. @throws Problem 403, 404, 409 */
    async get(on: ReadTx, caller: Caller, id: string, query: PageQuery<number>): Promise<TaskDetail> {
      const task = await requireReadable(on, caller, id);
      await noteSeen(on, caller, task);
      const { items, nextPage } = await readList(
        query,
        (count, before = Number.MAX_SAFE_INTEGER) => store.eventsOf(on, id, before, count),
        toTaskEvent,
        (event) => event.id,
      );
      const payload = task.payload === null ? null : JSON.parse(task.payload);
      return { ...toTask(task), payload, events: items.reverse(), nextPage };
    },
  };
}

const matches = (filter: TaskFilter, task: Candidate): boolean =>
  (filter.status === undefined || task.status === filter.status) &&
  (filter.target === undefined || task.target === filter.target) &&
  (filter.source === undefined || task.source === filter.source) &&
  (filter.holder === undefined || task.holder === filter.holder) &&
  (filter.severity === undefined || task.severity === filter.severity);
