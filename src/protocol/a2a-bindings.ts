import { z } from "zod";
import { SendParams } from "./a2a.ts";
import { contract, type Method } from "./contract.ts";
import { object, strictObject } from "./shape.ts";

/** Place of an agent or a group in a path. */
const TargetPath = strictObject(() => ({ agentId: z.string().min(1).max(160) }));
const VerbPath = object(() => ({ ...TargetPath.shape, verb: z.string().max(64) }));
/** A task's id, with what is to be done to it: `dlg_…:cancel`. */
const TaskPath = object(() => ({ ...TargetPath.shape, task: z.string().max(256) }));
const ConfigPath = object(() => ({ ...TaskPath.shape, configId: z.string().max(256) }));
/** Queries are read by each call: other parameters are let through, as the protocol asks. */
const AnyQuery = z.looseObject({});
const AnyBody = z.looseObject({});

/** Operations of A2A over HTTP+JSON and JSON-RPC. The OpenAPI document leaves them out: the protocol describes them. */
const operation = { tag: "A2A", query: AnyQuery, answers: { 200: { description: "As A2A has it." } } };
const rpc = { ...operation, method: "POST" as const, summary: "A2A over JSON-RPC", long: true, body: z.unknown() };
const rest = <M extends Method>(method: M, path: string) => ({
  ...operation,
  ...{ method, path, summary: "A2A over HTTP+JSON" },
});
const TASK = "/a2a/{agentId}/tasks/{task}";
const CONFIGS = `${TASK}/pushNotificationConfigs`;
const CONFIG = `${CONFIGS}/{configId}`;

export const a2aRelayRpc = contract({ ...rpc, path: "/a2a", operationId: "a2aRelayRpc" });
export const a2aRpc = contract({ ...rpc, path: "/a2a/{agentId}", operationId: "a2aRpc", params: TargetPath });

export const a2aSend = contract({
  ...rest("POST", "/a2a/{agentId}/{verb}"),
  ...{ operationId: "a2aSend", long: true, params: VerbPath, body: SendParams },
});
export const a2aListTasks = contract({
  ...rest("GET", "/a2a/{agentId}/tasks"),
  ...{ operationId: "a2aListTasks", params: TargetPath },
});
export const a2aGetTask = contract({ ...rest("GET", TASK), operationId: "a2aGetTask", long: true, params: TaskPath });
export const a2aTaskVerb = contract({
  ...rest("POST", TASK),
  ...{ operationId: "a2aTaskVerb", long: true, params: TaskPath, body: AnyBody, bodyOptional: true },
});
export const a2aCreatePush = contract({
  ...rest("POST", CONFIGS),
  ...{ operationId: "a2aCreatePush", params: TaskPath, body: AnyBody },
});
export const a2aListPushes = contract({ ...rest("GET", CONFIGS), operationId: "a2aListPushes", params: TaskPath });
export const a2aGetPush = contract({ ...rest("GET", CONFIG), operationId: "a2aGetPush", params: ConfigPath });
export const a2aDeletePush = contract({ ...rest("DELETE", CONFIG), operationId: "a2aDeletePush", params: ConfigPath });
export const a2aExtendedCard = contract({
  ...rest("GET", "/a2a/extendedAgentCard"),
  operationId: "a2aExtendedCard",
});
