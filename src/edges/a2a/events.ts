import { type StreamResponse, TaskState, type TaskStatus } from "@a2a-js/sdk";
import { isQuestion, workerOf } from "./exchange.ts";
import { artifactsOf, type Exchange, isTerminal, messageOf, statusOf, taskOf } from "./tasks.ts";

/** Position of a stream in a task's events: the last message and the last state that it sent. */
export interface EventPosition {
  upTo: number;
  state: TaskState;
}

export const firstEvent = (exchange: Exchange, historyLength?: number): StreamResponse => ({
  payload: { $case: "task", value: taskOf(exchange, historyLength) },
});

export const positionOf = (exchange: Exchange): EventPosition => ({
  upTo: exchange.messages.at(-1)?.id ?? exchange.delegation.messageId,
  state: statusOf(exchange).state,
});

/** One event of a task, and the position after it. */
export interface TaskEvent {
  event: StreamResponse;
  position: EventPosition;
}

/**
 * Events since the last one, in the order of the log: every stream on a task sends the same, and goes on from the rows
 * after a restart.
 */
export function eventsSince(exchange: Exchange, since: EventPosition): TaskEvent[] {
  const { delegation, messages } = exchange;
  const status = statusOf(exchange);
  const events: TaskEvent[] = [];
  let now = since;
  for (const one of messages) {
    if (one.id <= since.upTo || one.from !== workerOf(delegation) || one.id === delegation.answer?.messageId) continue;
    const state = isQuestion(delegation, one) ? TaskState.TASK_STATE_INPUT_REQUIRED : TaskState.TASK_STATE_WORKING;
    now = { upTo: one.id, state };
    const reported = { state, message: messageOf(exchange, one), timestamp: one.createdAt };
    events.push({ event: statusEvent(exchange, reported), position: now });
  }
  if (isTerminal(since.state)) return events;
  // The position moves past an answer with the state that follows it.
  if (isTerminal(status.state))
    for (const artifact of artifactsOf(exchange))
      events.push({ event: artifactEvent(exchange, artifact), position: now });
  if (status.state !== now.state) events.push({ event: statusEvent(exchange, status), position: positionOf(exchange) });
  return events;
}

const placeOf = ({ delegation, contextId }: Exchange) => ({
  taskId: delegation.id,
  contextId,
  metadata: undefined,
});

const statusEvent = (exchange: Exchange, status: TaskStatus): StreamResponse => ({
  payload: { $case: "statusUpdate", value: { ...placeOf(exchange), status } },
});

const artifactEvent = (exchange: Exchange, artifact: ReturnType<typeof artifactsOf>[number]): StreamResponse => ({
  payload: { $case: "artifactUpdate", value: { ...placeOf(exchange), artifact, append: false, lastChunk: true } },
});
