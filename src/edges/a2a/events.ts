import { type StreamResponse, TaskState, type TaskStatus } from "@a2a-js/sdk";
import { isQuestion, workerOf } from "./exchange.ts";
import { artifactsOf, type Exchange, isTerminal, messageOf, statusOf, taskOf } from "./tasks.ts";

/** How far one stream has told: up to which message, and which state it named last. */
export interface Told {
  upTo: number;
  state: TaskState;
}

export const firstEvent = (exchange: Exchange, historyLength?: number): StreamResponse => ({
  payload: { $case: "task", value: taskOf(exchange, historyLength) },
});

export const toldBy = (exchange: Exchange): Told => ({
  upTo: exchange.said.at(-1)?.id ?? exchange.delegation.messageId,
  state: statusOf(exchange).state,
});

/** Something that happened, and how far it has been told with it. */
export interface Event {
  event: StreamResponse;
  told: Told;
}

/**
 * Events since the last one, in the order of the log: every stream on a task sends the same, and goes on from the rows
 * after a restart.
 */
export function eventsSince(exchange: Exchange, told: Told): Event[] {
  const { delegation, said } = exchange;
  const status = statusOf(exchange);
  const events: Event[] = [];
  let now = told;
  for (const one of said) {
    if (one.id <= told.upTo || one.from !== workerOf(delegation) || one.id === delegation.answer?.messageId) continue;
    const state = isQuestion(delegation, one) ? TaskState.TASK_STATE_INPUT_REQUIRED : TaskState.TASK_STATE_WORKING;
    now = { upTo: one.id, state };
    const said = { state, message: messageOf(exchange, one), timestamp: one.createdAt };
    events.push({ event: statusEvent(exchange, said), told: now });
  }
  if (isTerminal(told.state)) return events;
  // An answer counts as told with the state that follows it.
  if (isTerminal(status.state))
    for (const artifact of artifactsOf(delegation))
      events.push({ event: artifactEvent(exchange, artifact), told: now });
  if (status.state !== now.state) events.push({ event: statusEvent(exchange, status), told: toldBy(exchange) });
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
