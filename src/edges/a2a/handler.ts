import { type AgentCard, type SendMessageRequest, type StreamResponse, TaskState } from "@a2a-js/sdk";
import { ExtendedAgentCardNotConfiguredError, UnsupportedOperationError } from "@a2a-js/sdk/errors";
import type { A2ARequestHandler } from "@a2a-js/sdk/server";
import type { Db } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { fromTime, TimeInput } from "../../protocol/wire.ts";
import type { Follow, Follower } from "./follow.ts";
import type { Pushes } from "./pushes.ts";
import type { TaskFilter, TaskService } from "./service.ts";
import { type Exchange, isTerminal, stateOf, taskOf } from "./tasks.ts";

const MAX_PAGE = 100;

export type MakeHandler = ReturnType<typeof createHandlers>;

/** Handlers for the SDK's transports: the verbs of tasks, for one caller at one endpoint. */
export function createHandlers(db: Db, tasks: TaskService, follow: Follow, pushes: Pushes) {
  return (follower: Follower, card: AgentCard, extended?: () => Promise<AgentCard>): A2ARequestHandler => {
    const { caller, endpoint } = follower;
    const get = (id: string) => db.read((on) => tasks.get(on, caller, endpoint, id));

    async function send(params: SendMessageRequest): Promise<Exchange> {
      const push = params.configuration?.taskPushNotificationConfig;
      return db.write(async (tx) => {
        const sent = await tasks.send(tx, caller, endpoint, params);
        const brought = push && { ...push, id: push.id || pushIdOf(params.message?.messageId ?? "") };
        if (brought) await pushes.set(tx, caller, endpoint, sent.delegation.id, brought);
        return sent;
      });
    }

    async function* stream(params: SendMessageRequest): AsyncGenerator<StreamResponse, void, undefined> {
      const length = lengthOf(params.configuration?.historyLength);
      yield* follow.events(follower, await send(params), length);
    }

    async function* subscribe(id: string): AsyncGenerator<StreamResponse, void, undefined> {
      const found = await get(id);
      if (isTerminal(stateOf(found))) throw new UnsupportedOperationError(`Task ${id} is over: get it instead.`);
      yield* follow.events(follower, found);
    }

    return {
      getAgentCard: async () => card,
      async getAuthenticatedExtendedAgentCard() {
        if (!extended) throw new ExtendedAgentCardNotConfiguredError();
        return extended();
      },
      async sendMessage(params) {
        const { returnImmediately = false, historyLength } = params.configuration ?? {};
        const length = lengthOf(historyLength);
        const sent = await send(params);
        return taskOf(returnImmediately ? sent : await follow.result(follower, sent), length);
      },
      sendMessageStream: stream,
      getTask: async ({ id, historyLength }) => taskOf(await get(id), lengthOf(historyLength)),
      cancelTask: async ({ id }) => taskOf(await db.write((tx) => tasks.cancel(tx, caller, endpoint, id))),
      resubscribe: ({ id }) => subscribe(id),
      async listTasks(params) {
        const wanted = filterOf(params);
        const { found, next } = await db.read((on) => tasks.list(on, caller, endpoint, wanted));
        const list = found.map((one) => taskOf(one, lengthOf(params.historyLength)));
        const shown = params.includeArtifacts ? list : list.map((task) => ({ ...task, artifacts: [] }));
        return { tasks: shown, nextPageToken: next, pageSize: wanted.limit, totalSize: found.length };
      },
      createTaskPushNotificationConfig: async (config) =>
        db.write((tx) => pushes.set(tx, caller, endpoint, config.taskId, config)),
      getTaskPushNotificationConfig: async ({ taskId, id }) =>
        db.read((on) => pushes.get(on, caller, endpoint, { taskId, configId: id })),
      async listTaskPushNotificationConfigs({ taskId }) {
        return { configs: await db.read((on) => pushes.list(on, caller, endpoint, taskId)), nextPageToken: "" };
      },
      deleteTaskPushNotificationConfig: async ({ taskId, id }) =>
        db.write((tx) => pushes.remove(tx, caller, endpoint, { taskId, configId: id })),
    };
  };
}

/** A configuration sent with a message takes its id from the message: a repetition replaces it. */
const pushIdOf = (messageId: string): string => `message-${Bun.hash(messageId).toString(36)}`;

type ListParams = Parameters<A2ARequestHandler["listTasks"]>[0];

/** @throws Problem 422 */
function filterOf({ contextId, status, pageSize = 50, pageToken, statusTimestampAfter }: ListParams): TaskFilter {
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE)
    throw Problem.invalid("pageSize", `is not a number from 1 to ${MAX_PAGE}`);
  if (pageToken && !/^\d{1,15}$/.test(pageToken))
    throw Problem.invalid("pageToken", "is not one that was answered before");
  if (!(status in TaskState) || status === TaskState.UNRECOGNIZED) throw Problem.invalid("status", "is not a state");
  return {
    contextId,
    state: status,
    changedSince: statusTimestampAfter ? timeOf(statusTimestampAfter) : undefined,
    before: pageToken ? Number(pageToken) : undefined,
    limit: pageSize,
  };
}

function timeOf(text: string): number {
  const parsed = TimeInput.safeParse(text);
  if (!parsed.success) throw Problem.invalid("statusTimestampAfter", "is not a time (RFC 3339)");
  return fromTime(parsed.data);
}

/** Length of the history asked for. @throws Problem 422 */
function lengthOf(given: number | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!Number.isInteger(given) || given < 0) throw Problem.invalid("historyLength", "is not a whole number from 0");
  return given;
}
