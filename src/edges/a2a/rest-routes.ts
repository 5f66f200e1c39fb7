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
import { type Answer, inDialect, type Route, route } from "../../identity/auth/route.ts";
import { Encoded } from "../../kernel/log/outlet.ts";
import * as api from "../../protocol/a2a-bindings.ts";
import { Problem } from "../../protocol/problem.ts";
import { endpointOf } from "./endpoint.ts";
import { REST, REST_TYPE, restErrorOf } from "./errors.ts";
import type { AnyCall, Front } from "./front.ts";
import type { Endpoint } from "./service.ts";

const context = () => new ServerCallContext();

/** HTTP+JSON: what the protocol's own service definition says, below each agent's path. */
export function restRoutes(front: Front): Route[] {
  return inDialect(REST, [...messageRoutes(front), ...taskRoutes(front), ...pushRoutes(front), ...cardRoutes(front)]);
}

function messageRoutes(front: Front): Route[] {
  return [
    route(api.a2aSend, (call) =>
      answering(front, call, call.params.agentId, async (handler, leaving) => {
        const request = SendMessageRequest.fromJSON(call.body);
        if (call.params.verb === "message:stream")
          return streamed(front, call, handler.sendMessageStream(request, context()), leaving);
        if (call.params.verb !== "message:send") throw nothing(call);
        const sent = await handler.sendMessage(request, context());
        return json("messageId" in sent ? { message: Message.toJSON(sent) } : { task: Task.toJSON(sent) });
      }),
    ),
  ];
}

function taskRoutes(front: Front): Route[] {
  return [
    route(api.a2aListTasks, (call) =>
      answering(front, call, call.params.agentId, async (handler) => json(await list(handler, call.query))),
    ),
    route(api.a2aGetTask, (call) =>
      answering(front, call, call.params.agentId, async (handler, leaving) => {
        const { id, verb } = taskIn(call.params.task);
        if (verb === "subscribe")
          return streamed(front, call, handler.resubscribe({ tenant: "", id }, context()), leaving);
        if (verb !== undefined) throw nothing(call);
        const historyLength = numberIn(call.query.historyLength);
        return json(Task.toJSON(await handler.getTask({ tenant: "", id, historyLength }, context())));
      }),
    ),
    route(api.a2aTaskVerb, (call) =>
      answering(front, call, call.params.agentId, async (handler, leaving) => {
        const { id, verb } = taskIn(call.params.task);
        if (verb === "subscribe")
          return streamed(front, call, handler.resubscribe({ tenant: "", id }, context()), leaving);
        if (verb !== "cancel") throw nothing(call);
        return json(Task.toJSON(await handler.cancelTask({ tenant: "", id, metadata: undefined }, context())));
      }),
    ),
  ];
}

function pushRoutes(front: Front): Route[] {
  return [
    route(api.a2aCreatePush, (call) =>
      answering(front, call, call.params.agentId, async (handler) => {
        const config = TaskPushNotificationConfig.fromJSON({ ...call.body, taskId: call.params.task });
        const made = await handler.createTaskPushNotificationConfig(config, context());
        return { ...json(TaskPushNotificationConfig.toJSON(made)), status: 201 };
      }),
    ),
    route(api.a2aListPushes, (call) =>
      answering(front, call, call.params.agentId, async (handler) => {
        const asked = { tenant: "", taskId: call.params.task, pageSize: 0, pageToken: "" };
        const found = await handler.listTaskPushNotificationConfigs(asked, context());
        return json(ListTaskPushNotificationConfigsResponse.toJSON(found));
      }),
    ),
    route(api.a2aGetPush, (call) =>
      answering(front, call, call.params.agentId, async (handler) => {
        const asked = { tenant: "", taskId: call.params.task, id: call.params.configId };
        return json(TaskPushNotificationConfig.toJSON(await handler.getTaskPushNotificationConfig(asked, context())));
      }),
    ),
    route(api.a2aDeletePush, (call) =>
      answering(front, call, call.params.agentId, async (handler) => {
        const asked = { tenant: "", taskId: call.params.task, id: call.params.configId };
        await handler.deleteTaskPushNotificationConfig(asked, context());
        return { status: 204 };
      }),
    ),
  ];
}

function cardRoutes(front: Front): Route[] {
  return [
    route(api.a2aExtendedCard, (call) =>
      answering(front, call, undefined, async (handler) =>
        json(AgentCard.toJSON(await handler.getAuthenticatedExtendedAgentCard({ tenant: "" }, context()))),
      ),
    ),
  ];
}

type Act = (handler: A2ARequestHandler, leaving: AbortController) => Promise<Answer | Response>;

/** Runs a call, and says what goes wrong as the binding does. */
async function answering(front: Front, call: AnyCall, agentId: string | undefined, act: Act) {
  try {
    const endpoint: Endpoint = endpointOf(agentId, undefined);
    const { handler, leaving } = front.open(call, endpoint, "HTTP+JSON");
    return await act(handler, leaving);
  } catch (error) {
    if (!(error instanceof A2AError)) throw error;
    const { status, body } = restErrorOf(error);
    return { ...json(body), status };
  }
}

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

async function list(handler: A2ARequestHandler, query: Record<string, unknown>): Promise<unknown> {
  const { status, includeArtifacts, pageSize, historyLength, ...rest } = query;
  const request = ListTasksRequest.fromJSON(rest);
  const found = await handler.listTasks(
    {
      ...request,
      status:
        status === undefined ? request.status : taskStateFromJSON(/^\d+$/.test(`${status}`) ? Number(status) : status),
      pageSize: numberIn(pageSize),
      historyLength: numberIn(historyLength),
      includeArtifacts: includeArtifacts === "true",
    },
    context(),
  );
  return { tasks: [], nextPageToken: "", totalSize: 0, ...(ListTasksResponse.toJSON(found) as object) };
}

/** Refused later, when it is no number. */
const numberIn = (given: unknown): number | undefined =>
  given === undefined || given === "" ? undefined : /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN;

function taskIn(text: string): { id: string; verb: string | undefined } {
  const [id = "", ...verbs] = text.split(":");
  return { id, verb: verbs.length ? verbs.join(":") : undefined };
}

const nothing = ({ request }: AnyCall) =>
  new Problem("method-not-allowed", `A2A has no such call: ${request.method} of this path.`);
