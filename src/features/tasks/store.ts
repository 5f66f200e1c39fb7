import { and, desc, eq, lt, lte, type SQL, sql } from "drizzle-orm";
import { memberships } from "../../identity/agents/tables.ts";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { inIds } from "../../kernel/db/lists.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { changeWhere, columns, columnsWhere, equal, everyColumn, pick, rowsWhere } from "../../kernel/db/statements.ts";
import type { Severity, TaskStatus } from "../../protocol/tasks.ts";
import type { TaskEventRow, TaskRow } from "./row.ts";
import { taskEvents, tasks } from "./tables.ts";

/** Filter of a list of tasks. All but severity have an index. */
export interface TaskFilter {
  status?: TaskStatus | undefined;
  target?: string | undefined;
  source?: string | undefined;
  holder?: string | undefined;
  severity?: Severity | undefined;
}

/** Index that candidates of a list are found by: one of these. */
export type Driver = Pick<TaskFilter, "status" | "target" | "source" | "holder"> & {
  madeBy?: string;
  /** Agent that ever belonged to the target. */
  member?: string;
};

/** A task without its long texts. */
export type Candidate = Pick<TaskRow, keyof typeof CANDIDATE>;
const CANDIDATE = {
  ...pick(tasks, "id", "status", "target", "source", "holder", "severity", "fromId", "messageId"),
  createdAt: tasks.createdAt,
};

export type TaskStore = ReturnType<typeof createTaskStore>;

const p = sql.placeholder;

const insert = statement((q) => q.insert(tasks).values(everyColumn(tasks)).prepare());
const byId = rowsWhere(tasks, equal(tasks, "id"));
const byMessage = rowsWhere(tasks, equal(tasks, "messageId"));
const anyOfMessage = columnsWhere({ one: sql`1` }, tasks, sql`${tasks.messageId} > 0`, { limit: 1 });
const byKey = rowsWhere(tasks, and(equal(tasks, "source"), eq(tasks.dedupeKey, bound("key"))));
/** Apart from the other changes, so that each pays only for the indexes it moves in. */
const move = changeWhere(tasks, columns("status", "holder", "updatedAt", "asOf", "endedAt"), equal(tasks, "id"));
const describe = changeWhere(
  tasks,
  columns("title", "body", "severity", "externalUrl", "payload", "count", "asOf", "updatedAt"),
  equal(tasks, "id"),
);
const addEvent = statement((q) => q.insert(taskEvents).values(everyColumn(taskEvents, "id")).prepare());
const newestEvent = rowsWhere(taskEvents, equal(taskEvents, "taskId"), {
  orderBy: desc(taskEvents.id),
  limit: 1,
});
const repeatEvent = changeWhere(
  taskEvents,
  { count: sql`${taskEvents.count} + 1`, lastAt: sql`${p("lastAt")}` },
  equal(taskEvents, "id"),
);
const eventsOfMessage = rowsWhere(taskEvents, equal(taskEvents, "messageId"), {
  orderBy: taskEvents.id,
  limit: "limit",
});

/** Tasks and their history. Statements of reports, claims and ends are prepared. */
export function createTaskStore(db: Db) {
  // Asked at each step of each piece of work, most of which is no task.
  const isTask = db.keep(
    "messages of tasks",
    (on, messageId: number): boolean => byMessage(on).get({ messageId }) !== undefined,
  );

  /** Where no message has a task, writes look none up. */
  const areAny = db.keep("whether any message has a task", (on): boolean => anyOfMessage(on).get() !== undefined);

  return {
    add: async (tx: Tx, row: TaskRow): Promise<void> => {
      insert(tx).run({ ...row });
      if (row.messageId === null) return;
      isTask.forget(row.messageId);
      areAny.set("", true);
    },
    byId: async (on: ReadTx, id: string): Promise<TaskRow | undefined> => byId(on).get({ id }),
    /** Task of a message. */
    byMessage: async (on: ReadTx, messageId: number): Promise<TaskRow | undefined> => byMessage(on).get({ messageId }),
    /** Whether a message is the one that a task is worked through. */
    isTask: (on: ReadTx, messageId: number): boolean =>
      !("writes" in on && !areAny.get(on, "")) && isTask.get(on, messageId),
    byKey: async (on: ReadTx, source: string, key: string): Promise<TaskRow | undefined> =>
      byKey(on).get({ source, key }),
    move: async (
      tx: Tx,
      row: Pick<TaskRow, "id" | "status" | "holder" | "updatedAt" | "asOf" | "endedAt">,
    ): Promise<void> => {
      move(tx).run({ ...row });
    },
    /** Stores a repeated report. */
    describe: async (tx: Tx, row: TaskRow): Promise<void> => {
      describe(tx).run({ ...row });
    },
    /** Stores all but its id. */
    reopen: async (tx: Tx, { id, ...row }: TaskRow): Promise<void> => {
      tx.db.update(tasks).set(row).where(eq(tasks.id, id)).run();
      // It is worked through another message from now on.
      isTask.forget();
      areAny.forget();
    },

    addEvent: async (tx: Tx, event: Omit<TaskEventRow, "id">): Promise<void> => {
      addEvent(tx).run({ ...event });
    },
    newestEvent: async (on: ReadTx, taskId: string): Promise<TaskEventRow | undefined> =>
      newestEvent(on).get({ taskId }),
    repeatEvent: async (tx: Tx, id: number, lastAt: number): Promise<void> => {
      repeatEvent(tx).run({ id, lastAt });
    },
    /** Newest first. */
    eventsOf: async (on: ReadTx, taskId: string, before: number, limit: number): Promise<TaskEventRow[]> =>
      readRows(on, taskEvents, and(eq(taskEvents.taskId, taskId), lt(taskEvents.id, before)), {
        orderBy: desc(taskEvents.id),
        limit,
      }),
    /** Steps of tasks while this was their message, oldest first. */
    eventsOfMessage: async (on: ReadTx, messageId: number, limit: number): Promise<TaskEventRow[]> =>
      eventsOfMessage(on).all({ messageId, limit }),

    /** Newest first, by one index. */
    candidates: async (on: ReadTx, by: Driver, before: string | undefined, limit: number): Promise<Candidate[]> =>
      on.db
        .select(CANDIDATE)
        .from(tasks)
        .where(and(...conditions(by), ...(before === undefined ? [] : [lt(tasks.id, before)])))
        .orderBy(desc(tasks.id))
        .limit(limit)
        .all(),

    /** Tasks that ended before `at`, in that order, after a place in it. */
    endedBefore: async (on: ReadTx, at: number, after: EndedPlace, limit: number) =>
      on.db
        .select({ id: tasks.id, endedAt: tasks.endedAt, messageId: tasks.messageId })
        .from(tasks)
        .where(and(sql`(${tasks.endedAt}, ${tasks.id}) > (${after.endedAt}, ${after.id})`, lte(tasks.endedAt, at)))
        .orderBy(tasks.endedAt, tasks.id)
        .limit(limit)
        .all(),
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(tasks).where(eq(tasks.id, id)).run();
      isTask.forget();
      areAny.forget();
    },
    /** Deletes at most `limit` steps of a task; answers how many. */
    removeEventsOf: async (tx: Tx, taskId: string, limit: number): Promise<number> => {
      const some = readValues(tx, taskEvents.id, eq(taskEvents.taskId, taskId), { limit });
      removeEvents(tx, some);
      return some.length;
    },
    /** Deletes at most `limit` steps from before `at`, oldest first; answers how many. */
    removeEventsBefore: async (tx: Tx, at: number, limit: number): Promise<number> => {
      const oldest = tx.db
        .select(pick(taskEvents, "id", "at"))
        .from(taskEvents)
        .orderBy(taskEvents.id)
        .limit(limit);
      const old = oldest.all().flatMap((event) => (event.at < at ? [event.id] : []));
      removeEvents(tx, old);
      return old.length;
    },
  };
}

export interface EndedPlace {
  endedAt: number;
  id: string;
}

function conditions({ status, target, source, holder, madeBy, member }: Driver): SQL[] {
  // The one condition is all there is to choose an index by.
  if (holder !== undefined) return [eq(tasks.holder, holder)];
  if (target !== undefined) return [eq(tasks.target, target)];
  if (source !== undefined) return [eq(tasks.source, source)];
  if (member !== undefined)
    return [sql`${tasks.target} in (select mb.target from ${memberships} mb where mb.agent_id = ${member})`];
  if (madeBy !== undefined) return [eq(tasks.fromId, madeBy), sql`${tasks.source} is null`];
  return status === undefined ? [] : [eq(tasks.status, status)];
}

function removeEvents(tx: Tx, ids: readonly number[]): void {
  if (ids.length > 0) tx.db.delete(taskEvents).where(inIds(taskEvents.id, ids)).run();
}
