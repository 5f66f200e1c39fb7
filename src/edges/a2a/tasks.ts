import { type Artifact, type Message, Role, type Task, TaskState, type TaskStatus } from "@a2a-js/sdk";
import type { Delegation, DelegationAnswer } from "../../protocol/delegations.ts";
import { isQuestion, type TaskMessage, workerOf } from "./exchange.ts";
import { dataPart, messageWith, textPart } from "./parts.ts";

/** A delegation and the messages about it: a task has no rows of its own. */
export interface Exchange {
  delegation: Delegation;
  /** Name of its thread for the client. */
  contextId: string;
  messages: TaskMessage[];
}

const TERMINAL = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_REJECTED,
]);
export const isTerminal = (state: TaskState): boolean => TERMINAL.has(state);
/** A settled task is over, or waits for more from the client. */
export const isSettled = (state: TaskState): boolean =>
  isTerminal(state) || state === TaskState.TASK_STATE_INPUT_REQUIRED;

/** The protocol's context of a thread that its client has not named. */
export const contextOf = (threadId: number): string => `thr_${threadId}`;
/** undefined for a context that this relay did not name. */
export const threadOf = (contextId: string): number | undefined => {
  const digits = /^thr_([1-9]\d{0,14})$/.exec(contextId)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

export function stateOf({ delegation, messages }: Exchange): TaskState {
  switch (delegation.status) {
    case "answered":
      return TaskState.TASK_STATE_COMPLETED;
    case "cancelled":
      return TaskState.TASK_STATE_CANCELED;
    case "timed-out":
      return TaskState.TASK_STATE_FAILED;
    case "failed":
      return isRejection(delegation.answer) ? TaskState.TASK_STATE_REJECTED : TaskState.TASK_STATE_FAILED;
    default: {
      const last = messages.at(-1);
      if (last && isQuestion(delegation, last)) return TaskState.TASK_STATE_INPUT_REQUIRED;
      const isTaken = delegation.status === "claimed" || messages.some(({ from }) => from === workerOf(delegation));
      return isTaken ? TaskState.TASK_STATE_WORKING : TaskState.TASK_STATE_SUBMITTED;
    }
  }
}

/** Tells whether the worker declined: an error, with `rejected: true` in its payload. */
const isRejection = (answer: DelegationAnswer | null): boolean => answer?.payload?.rejected === true;

/** @param historyLength most messages of the history, the newest; undefined for all */
export function taskOf(exchange: Exchange, historyLength?: number): Task {
  const { delegation, messages } = exchange;
  const history = [requestOf(exchange), ...messages.map((one) => messageOf(exchange, one))];
  return {
    id: delegation.id,
    contextId: exchange.contextId,
    status: statusOf(exchange),
    artifacts: artifactsOf(delegation),
    history: historyLength === undefined ? history : historyLength === 0 ? [] : history.slice(-historyLength),
    metadata: { signalbox: factsOf(delegation) },
  };
}

/** Facts that the protocol has no member for. */
function factsOf({ from, to, holder, messageId, deadlineAt, queued, late, depth }: Delegation) {
  return { from, to, holder, messageId, deadlineAt, queued, late, depth };
}

export function statusOf(exchange: Exchange): TaskStatus {
  const { delegation, messages } = exchange;
  const state = stateOf(exchange);
  const last = messages.at(-1);
  return {
    state,
    message: statusMessage(exchange, state),
    timestamp: delegation.endedAt ?? last?.createdAt ?? delegation.createdAt,
  };
}

function statusMessage(exchange: Exchange, state: TaskState): Message | undefined {
  const { delegation, messages } = exchange;
  const { answer } = delegation;
  if (state === TaskState.TASK_STATE_COMPLETED) return undefined;
  if (isTerminal(state)) {
    if (!answer) return undefined;
    const texts = [answer.error, answer.text].filter((text) => text !== null && text !== "") as string[];
    const parts = [...new Set(texts)].map(textPart);
    return messageWith({ ...placeOf(exchange), messageId: `msg_${answer.messageId}`, role: Role.ROLE_AGENT, parts });
  }
  const last = messages.findLast(({ from }) => from === workerOf(delegation));
  return last && messageOf(exchange, last);
}

/** The answer. A late one is included, though the task had failed before. */
export function artifactsOf({ status, late, answer }: Delegation): Artifact[] {
  if (!answer || (status !== "answered" && !late)) return [];
  const parts = [textPart(answer.text ?? ""), ...(answer.payload ? [dataPart(answer.payload)] : [])];
  const metadata = { signalbox: { messageId: answer.messageId, from: answer.from, at: answer.at, late } };
  return [{ artifactId: `msg_${answer.messageId}`, name: "answer", description: "", parts, metadata, extensions: [] }];
}

const placeOf = ({ delegation, contextId }: Exchange) => ({ taskId: delegation.id, contextId });

function requestOf(exchange: Exchange): Message {
  const { messageId, text } = exchange.delegation;
  const parts = [textPart(text ?? "")];
  return messageWith({ ...placeOf(exchange), messageId: `msg_${messageId}`, role: Role.ROLE_USER, parts });
}

export function messageOf(exchange: Exchange, { id, from, body }: TaskMessage): Message {
  const role = from === exchange.delegation.from ? Role.ROLE_USER : Role.ROLE_AGENT;
  return messageWith({ ...placeOf(exchange), messageId: `msg_${id}`, role, parts: [textPart(body)] });
}
