import { type Artifact, type Message, type Part, Role, type Task, TaskState, type TaskStatus } from "@a2a-js/sdk";
import type { Delegation, DelegationAnswer } from "../../protocol/delegations.ts";
import { toTime } from "../../protocol/wire.ts";
import { isQuestion, type TaskMessage, workerOf } from "./exchange.ts";
import { dataPart, messageWith, textPart } from "./parts.ts";
import { isAtWork, type ServingRun } from "./served.ts";

/** A delegation and the messages about it: a task has no rows of its own. */
export interface Exchange {
  delegation: Delegation;
  /** Name of its thread for the client. */
  contextId: string;
  messages: TaskMessage[];
  /** Run that serves it. */
  run?: ServingRun | undefined;
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

export function stateOf({ delegation, messages, run }: Exchange): TaskState {
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
      const hasSpoken = messages.some(({ from }) => from === workerOf(delegation));
      const isTaken = delegation.status === "claimed" || isAtWork(run) || hasSpoken;
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
    artifacts: artifactsOf(exchange),
    history: historyLength === undefined ? history : historyLength === 0 ? [] : history.slice(-historyLength),
    metadata: { signalbox: { ...factsOf(delegation), ...runFacts(exchange.run) } },
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

function runFacts(run: ServingRun | undefined) {
  if (!run) return {};
  const { id, status, outcome, inputTokens, outputTokens, costUsd } = run;
  return { run: { id, status, outcome, usage: { inputTokens, outputTokens, costUsd } } };
}

/**
 * The answer; a late one is included, though the task had failed before. The artifact of a run has the run's id from its first word
 * on: while the run goes on, it is the text that it has said so far.
 */
export function artifactsOf({ delegation, run }: Exchange): Artifact[] {
  const { status, late, answer } = delegation;
  if (answer && (status === "answered" || late)) {
    const isOfRun = run !== undefined && answer.payload?.runId === run.id;
    const text = (isOfRun ? run.text : null) ?? answer.text ?? "";
    const parts = [textPart(text), ...(answer.payload ? [dataPart(answer.payload)] : [])];
    const about = { messageId: answer.messageId, from: answer.from, at: answer.at, late };
    return [artifact(isOfRun ? run.id : `msg_${answer.messageId}`, parts, about)];
  }
  if (delegation.endedAt !== null || !isAtWork(run) || !run?.text) return [];
  return [
    artifact(run.id, [textPart(run.text)], { from: workerOf(delegation), at: toTime(run.startedAt), late: false }),
  ];
}

const artifact = (artifactId: string, parts: Part[], facts: Record<string, unknown>): Artifact => ({
  ...{ artifactId, name: "answer", description: "", parts, metadata: { signalbox: facts }, extensions: [] },
});

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
