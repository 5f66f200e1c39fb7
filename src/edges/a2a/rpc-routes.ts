import { z } from "zod";
import { type Answer, inDialect, type Route, route } from "../../identity/auth/route.ts";
import { RpcRequest } from "../../protocol/a2a.ts";
import * as api from "../../protocol/a2a-bindings.ts";
import { endpointOf } from "./endpoint.ts";
import { isTransport, RPC, rpcErrorOf } from "./errors.ts";
import type { AnyCall, Front } from "./front.ts";
import { answerRpc, notRpc } from "./rpc.ts";

/** JSON-RPC: one path for each agent, and one for the relay, whose calls name the recipient as `tenant`. */
export function rpcRoutes(front: Front): Route[] {
  return inDialect(RPC, [
    route(api.a2aRelayRpc, (call) => answer(front, call, undefined)),
    route(api.a2aRpc, (call) => answer(front, call, call.params.agentId)),
  ]);
}

async function answer(front: Front, call: AnyCall, agentId: string | undefined): Promise<Answer | Response> {
  const parsed = RpcRequest.safeParse(call.body);
  if (!parsed.success) return { status: 200, body: notRpc(idOf(call.body)) };
  const request = parsed.data;
  try {
    const { handler, leaving } = front.open(call, endpointOf(agentId, tenantOf(request.params)), "JSONRPC");
    const made = await answerRpc(request, handler, front.note);
    if (made.kind === "body") return { status: 200, body: made.body };
    return await front.streams.answer({
      ...made,
      caller: call.caller,
      headers: call.headers,
      peer: call.peer,
      leaving,
    });
  } catch (error) {
    if (isTransport(error)) throw error;
    front.note(error);
    return { status: 200, body: { jsonrpc: "2.0", id: request.id ?? null, error: rpcErrorOf(error) } };
  }
}

const Identified = z.looseObject({ id: RpcRequest.shape.id.catch(null) });
const idOf = (body: unknown) => Identified.safeParse(body).data?.id;

const Tenanted = z.looseObject({ tenant: z.string().catch("") });
const tenantOf = (params: unknown) => Tenanted.safeParse(params).data?.tenant;
