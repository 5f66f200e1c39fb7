import type { Messaging } from "../../core/core.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import type { Idempotency } from "../../kernel/idempotency/service.ts";
import type { Task } from "../../protocol/tasks.ts";
import { toTime } from "../../protocol/wire.ts";
import { isOver, toTask } from "./facts.ts";
import { createTaskLife } from "./life.ts";
import { createTaskReaders } from "./readers.ts";
import { wireTaskRetention } from "./retention.ts";
import { createTaskService } from "./service.ts";
import { createTaskStore } from "./store.ts";

export interface TaskParts {
  db: Db;
  messaging: Messaging;
  idempotency: Idempotency;
  retentionDays: number;
}

const MAX_FACTS = 200;
const MAX_LOST = 1000;

export type Tasks = ReturnType<typeof createTasks>;

/** Wires tasks onto the messages they are worked through. */
export function createTasks({ db, messaging, idempotency, retentionDays }: TaskParts) {
  const store = createTaskStore(db);
  const life = createTaskLife({ ...messaging, store });
  const readers = createTaskReaders({ ...messaging, store });
  const service = createTaskService({ ...messaging, store, life, readers, idempotency });
  wireTaskRetention({ ...messaging, store, days: retentionDays });

  messaging.claims.attach(async (on, work) => {
    const task = work.kind === "task" ? await store.byMessage(on, work.messageId) : undefined;
    return task && { task: toTask(task) };
  });
  messaging.explainer.alsoTell(async (on, row) => {
    const events = row.claimable ? await store.eventsOfMessage(on, row.id, MAX_FACTS) : [];
    return events.map(({ at, taskId, actor, fromStatus, toStatus, note, count }) => {
      const fact = { at: toTime(at), step: "task" as const, taskId, actor, from: fromStatus, to: toStatus };
      return { ...fact, ...(note !== null && { note }), ...(count > 1 && { count }) };
    });
  });

  messaging.agents.onDeleted((tx, agentId) => tellOfLost(tx, agentId));

  /** What agents had asked for they are told of as of any unread message; of what integrations reported, `user` is. */
  async function tellOfLost(tx: Tx, agentId: string): Promise<void> {
    const all = await store.candidates(tx, { target: agentId }, undefined, MAX_LOST);
    const lost = all.filter((task) => task.source !== null && !isOver(task.status)).map((task) => task.id);
    if (lost.length === 0) return;
    await messaging.sender.tell(tx, "user", {
      subject: `${agentId} was deleted`,
      body:
        `${agentId} was deleted, and with it ${lost.length} open tasks of integrations that were for it alone are cancelled. ` +
        "Say who gets what they report from now on: PUT /v1/integrations/{source}.",
      payload: { agentId, taskIds: lost.slice(0, 100), count: lost.length },
    });
  }

  return {
    life,
    store,
    /** Told of each change of a task, in the write that makes it. */
    onMoved: (handler: (tx: Tx, task: Task) => Promise<void>) => life.onMoved((tx, task) => handler(tx, toTask(task))),
    /** Told of each change of a task, once it is on disk. */
    onChange: (listener: (task: Task) => void) => life.onChange((task) => listener(toTask(task))),
    routes: async (): Promise<Route[]> => (await import("./routes.ts")).taskRoutes({ db, tasks: service, readers }),
  };
}
