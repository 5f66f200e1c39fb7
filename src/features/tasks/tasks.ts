import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { Route } from "../../identity/auth/route.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Fact } from "../../protocol/explain.ts";
import type { Task } from "../../protocol/tasks.ts";
import { toTime } from "../../protocol/wire.ts";
import { createTaskLifecycle } from "./lifecycle.ts";
import { createTaskReaders } from "./readers.ts";
import { taskSweeps } from "./retention.ts";
import { createTaskService } from "./service.ts";
import { createTaskStore } from "./store.ts";
import { isOver, toTask } from "./task.ts";

const MAX_FACTS = 200;
const MAX_LOST = 1000;

export type Tasks = ReturnType<typeof createTasks>;

/** Work with a status and a history, worked through the lease of its message. */
export function createTasks(areas: Areas) {
  const { db } = areas.kernel;
  const { messages } = areas.core;
  const store = createTaskStore(db);
  const lifecycle = createTaskLifecycle(areas, store);
  const readers = createTaskReaders(areas, store);
  const service = createTaskService(areas, store, lifecycle, readers);

  function ofWork(on: ReadTx, work: WorkRow) {
    return work.kind === "task" && store.isTask(on, work.messageId) ? shown(on, work) : undefined;
  }

  async function shown(on: ReadTx, { messageId }: WorkRow) {
    const task = await store.byMessage(on, messageId);
    return task && { task: toTask(task) };
  }

  async function facts(on: ReadTx, row: MessageRow): Promise<Fact[]> {
    const events = row.claimable ? await store.eventsOfMessage(on, row.id, MAX_FACTS) : [];
    return events.map(({ at, taskId, actor, fromStatus, toStatus, note, count }) => {
      const fact = { at: toTime(at), step: "task" as const, taskId, actor, from: fromStatus, to: toStatus };
      return { ...fact, ...(note !== null && { note }), ...(count > 1 && { count }) };
    });
  }

  /** Tells `user` of lost tasks of integrations. Agents hear of theirs as of any unread message. */
  async function dropAgent(tx: Tx, agentId: string): Promise<void> {
    const all = await store.candidates(tx, { target: agentId }, undefined, MAX_LOST);
    const lost = all.filter((task) => task.source !== null && !isOver(task.status)).map((task) => task.id);
    if (lost.length === 0) return;
    await messages.tell(tx, "user", {
      subject: `${agentId} was deleted`,
      body:
        `${agentId} was deleted, and with it ${lost.length} open tasks of integrations that were for it alone are cancelled. ` +
        "Say who gets what they report from now on: PUT /v1/integrations/{source}.",
      payload: { agentId, taskIds: lost.slice(0, 100), count: lost.length },
    });
  }

  return {
    lifecycle,
    store,
    changed: lifecycle.changed,
    followWaited: lifecycle.followWaited,
    followWork: lifecycle.followWork,
    ofWork,
    facts,
    dropAgent,
    showWatchers(task: Task): void {
      if (task.messageId !== null) areas.core.inbox.watch.about(task.messageId, "task", JSON.stringify(task));
    },
    sweeps: taskSweeps(areas, store),
    routes: async (): Promise<Route[]> => (await import("./routes.ts")).taskRoutes(db, service, readers),
  };
}
