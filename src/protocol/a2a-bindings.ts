import { z } from "zod";
import { SendParams } from "./a2a.ts";
import { contracts } from "./contract.ts";
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

/** Operations of A2A over JSON-RPC and HTTP+JSON. The OpenAPI document leaves them out: the protocol describes them. */
const contract = contracts("A2A");
const rest = {
  ...{ summary: "A2A over HTTP+JSON", query: AnyQuery },
  answers: { 200: { description: "As A2A has it." } },
};
const rpc = { ...rest, summary: "A2A over JSON-RPC", long: true, body: z.unknown() };
const TASK = "/a2a/{agentId}/tasks/{task}";
const CONFIGS = `${TASK}/pushNotificationConfigs` as const;
const CONFIG = `${CONFIGS}/{configId}` as const;

export const a2aRelayRpc = contract("a2aRelayRpc", "POST /a2a", rpc);
export const a2aRpc = contract("a2aRpc", "POST /a2a/{agentId}", { ...rpc, params: TargetPath });

export const a2aSend = contract("a2aSend", "POST /a2a/{agentId}/{verb}", {
  ...rest,
  ...{ long: true, params: VerbPath, body: SendParams },
});
export const a2aListTasks = contract("a2aListTasks", "GET /a2a/{agentId}/tasks", { ...rest, params: TargetPath });
export const a2aGetTask = contract("a2aGetTask", `GET ${TASK}`, { ...rest, long: true, params: TaskPath });
export const a2aTaskVerb = contract("a2aTaskVerb", `POST ${TASK}`, {
  ...rest,
  ...{ long: true, params: TaskPath, body: AnyBody, bodyOptional: true },
});
export const a2aCreatePush = contract("a2aCreatePush", `POST ${CONFIGS}`, { ...rest, params: TaskPath, body: AnyBody });
export const a2aListPushes = contract("a2aListPushes", `GET ${CONFIGS}`, { ...rest, params: TaskPath });
export const a2aGetPush = contract("a2aGetPush", `GET ${CONFIG}`, { ...rest, params: ConfigPath });
export const a2aDeletePush = contract("a2aDeletePush", `DELETE ${CONFIG}`, { ...rest, params: ConfigPath });
export const a2aExtendedCard = contract("a2aExtendedCard", "GET /a2a/extendedAgentCard", rest);
