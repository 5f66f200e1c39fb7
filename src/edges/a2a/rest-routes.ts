import {
  AgentCard,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  ListTasksResponse,
  Message,
  SendMessageRequest,
  StreamResponse,
  Task,
  TaskPushNotificationConfig,
  taskStateFromJSON,
} from "@a2a-js/sdk";
import { A2AError } from "@a2a-js/sdk/errors";
import { type A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server";
import { type Answer, type Call, inDialect, type Route, route } from "../../identity/auth/route.ts";
import { Encoded } from "../../kernel/log/outlet.ts";
import * as api from "../../protocol/a2a-bindings.ts";
import type { Contract, Parsed, Schema } from "../../protocol/contract.ts";
import { Problem } from "../../protocol/problem.ts";
import { endpointOf } from "./endpoint.ts";
import { REST, REST_TYPE, restErrorOf } from "./errors.ts";
import type { AnyCall, Front } from "./front.ts";

/** One call: its handler, and a stream as its answer. */
interface Turn<P, Q, B> extends Pick<Call<P, Q, B>, "params" | "query" | "body"> {
  handler: A2ARequestHandler;
  context: ServerCallContext;
  stream(responses: AsyncGenerator<StreamResponse, void>): Promise<Response>;
  /** Error for a path and method that A2A does not have. */
  unknown(): Problem;
}

/** HTTP+JSON: the protocol's service definition, below each agent's path. */
export function restRoutes(front: Front): Route[] {
  const rest = restOf(front);
  return inDialect(REST, [...taskRoutes(rest), ...pushRoutes(rest)]);
}

type Rest = ReturnType<typeof restOf>;

/** Makes routes of the binding. Errors are answered in its form. */
const restOf =
  (front: Front) =>
  <P extends Schema | undefined, Q extends Schema | undefined, B extends Schema | undefined>(
    contract: Contract<P, Q, B>,
    act: (turn: Turn<Parsed<P>, Parsed<Q>, Parsed<B>>) => Promise<Answer | Response>,
  ): Route =>
    route(contract, async (call) => {
      const { agentId } = (call.params ?? {}) as { agentId?: string };
      const { params, query, body, request } = call;
      try {
        const { handler, leaving } = front.open(call, endpointOf(agentId, undefined), "HTTP+JSON");
        return await act({
          ...{ params, query, body, handler, context: new ServerCallContext() },
          stream: (responses) => streamed(front, call, responses, leaving),
          unknown: () => new Problem("method-not-allowed", `A2A has no such call: ${request.method} of this path.`),
        });
      } catch (error) {
        if (!(error instanceof A2AError)) throw error;
        const refusal = restErrorOf(error);
        return { ...json(refusal.body), status: refusal.status };
      }
    });

const taskRoutes = (rest: Rest): Route[] => [
  rest(api.a2aSend, async ({ params: { verb }, body, handler, context, stream, unknown }) => {
    const request = SendMessageRequest.fromJSON(body);
    if (verb === "message:stream") return stream(handler.sendMessageStream(request, context));
    if (verb !== "message:send") throw unknown();
    const sent = await handler.sendMessage(request, context);
    return json("messageId" in sent ? { message: Message.toJSON(sent) } : { task: Task.toJSON(sent) });
  }),
  rest(api.a2aListTasks, async ({ query, handler, context }) => {
    const found = await handler.listTasks(listRequest(query), context);
    return json({ tasks: [], nextPageToken: "", totalSize: 0, ...(ListTasksResponse.toJSON(found) as object) });
  }),
  rest(api.a2aGetTask, async ({ params, query, handler, context, stream, unknown }) => {
    const { id, verb } = taskIn(params.task);
    if (verb === "subscribe") return stream(handler.resubscribe({ tenant: "", id }, context));
    if (verb !== undefined) throw unknown();
    const historyLength = numberIn(query.historyLength);
    return json(Task.toJSON(await handler.getTask({ tenant: "", id, historyLength }, context)));
  }),
  rest(api.a2aTaskVerb, async ({ params, handler, context, stream, unknown }) => {
    const { id, verb } = taskIn(params.task);
    if (verb === "subscribe") return stream(handler.resubscribe({ tenant: "", id }, context));
    if (verb !== "cancel") throw unknown();
    return json(Task.toJSON(await handler.cancelTask({ tenant: "", id, metadata: undefined }, context)));
  }),
  rest(api.a2aExtendedCard, async ({ handler, context }) =>
    json(AgentCard.toJSON(await handler.getAuthenticatedExtendedAgentCard({ tenant: "" }, context))),
  ),
];

const pushRoutes = (rest: Rest): Route[] => [
  rest(api.a2aCreatePush, async ({ params: { task }, body, handler, context }) => {
    const config = TaskPushNotificationConfig.fromJSON({ ...body, taskId: task });
    const made = await handler.createTaskPushNotificationConfig(config, context);
    return { ...json(TaskPushNotificationConfig.toJSON(made)), status: 201 };
  }),
  rest(api.a2aListPushes, async ({ params: { task }, handler, context }) => {
    const request = { tenant: "", taskId: task, pageSize: 0, pageToken: "" };
    const found = await handler.listTaskPushNotificationConfigs(request, context);
    return json(ListTaskPushNotificationConfigsResponse.toJSON(found));
  }),
  rest(api.a2aGetPush, async ({ params: { task, configId: id }, handler, context }) => {
    const found = await handler.getTaskPushNotificationConfig({ tenant: "", taskId: task, id }, context);
    return json(TaskPushNotificationConfig.toJSON(found));
  }),
  rest(api.a2aDeletePush, async ({ params: { task, configId: id }, handler, context }) => {
    await handler.deleteTaskPushNotificationConfig({ tenant: "", taskId: task, id }, context);
    return { status: 204 };
  }),
];

const json = (body: unknown): Answer => ({ status: 200, body, headers: { "content-type": REST_TYPE } });

function streamed(
  front: Front,
  { caller, headers, peer }: AnyCall,
  responses: AsyncGenerator<StreamResponse, void>,
  leaving: AbortController,
): Promise<Response> {
  async function* events(): AsyncGenerator<Encoded, void> {
    for await (const response of responses)
      yield new Encoded("message", JSON.stringify(StreamResponse.toJSON(response)));
  }
  const failed = (error: unknown) => new Encoded("error", JSON.stringify(restErrorOf(error).body));
  return front.streams.answer({ caller, headers, peer, leaving, events: events(), failed });
}

function listRequest({ status, includeArtifacts, pageSize, historyLength, ...rest }: Record<string, unknown>) {
  const request = ListTasksRequest.fromJSON(rest);
  const state = /^\d+$/.test(`${status}`) ? Number(status) : status;
  return {
    ...request,
    status: status === undefined ? request.status : taskStateFromJSON(state),
    pageSize: numberIn(pageSize),
    historyLength: numberIn(historyLength),
    includeArtifacts: includeArtifacts === "true",
  };
}

/** NaN for text that is no number: the handler refuses it. */
const numberIn = (given: unknown): number | undefined =>
  given === undefined || given === "" ? undefined : /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN;

function taskIn(text: string): { id: string; verb: string | undefined } {
  const [id = "", ...verbs] = text.split(":");
  return { id, verb: verbs.length ? verbs.join(":") : undefined };
}
