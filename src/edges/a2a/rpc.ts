import { SendMessageRequest, StreamResponse, SubscribeToTaskRequest } from "@a2a-js/sdk";
import { type A2ARequestHandler, JsonRpcTransportHandler, ServerCallContext } from "@a2a-js/sdk/server";
import { check } from "../../kernel/http/body.ts";
import { Encoded } from "../../kernel/log/outlet.ts";
import { type RpcRequest, SendParams } from "../../protocol/a2a.ts";
import { isTransport, rpcErrorOf } from "./errors.ts";

/** The answer to one JSON-RPC request: a body, or a stream of them. */
export type RpcAnswer =
  | { kind: "body"; body: unknown }
  | { kind: "stream"; events: AsyncGenerator<Encoded, void>; failed(error: unknown): Encoded };

const INVALID_REQUEST = -32_600;

export const notRpc = (id: RpcRequest["id"]): unknown => ({
  jsonrpc: "2.0",
  id: id ?? null,
  error: { code: INVALID_REQUEST, message: "That is not a JSON-RPC 2.0 request." },
});

/**
 * Carries out one request. Errors with an HTTP status of their own (401, 429, 503) are thrown; every other error is in the answer.
 * @param failed logs errors that are not the client's
 */
export async function answerRpc(
  request: RpcRequest,
  handler: A2ARequestHandler,
  failed: (error: unknown) => void,
): Promise<RpcAnswer> {
  const id = request.id ?? null;
  const error = (thrown: unknown) => ({ jsonrpc: "2.0", id, error: rpcErrorOf(thrown) });
  const { method } = request;
  const params = request.params as unknown;
  try {
    if (method === "SendMessage" || method === "SendStreamingMessage") check(SendParams, params, "query");
    if (method === "SendStreamingMessage")
      return streamOf(handler.sendMessageStream(SendMessageRequest.fromJSON(params), new ServerCallContext()));
    if (method === "SubscribeToTask")
      return streamOf(handler.resubscribe(SubscribeToTaskRequest.fromJSON(params ?? {}), new ServerCallContext()));
    return { kind: "body", body: await dispatch(request, handler) };
  } catch (thrown) {
    if (isTransport(thrown)) throw thrown;
    failed(thrown);
    return { kind: "body", body: error(thrown) };
  }

  function streamOf(responses: AsyncGenerator<StreamResponse, void>): RpcAnswer {
    const encode = (body: unknown) => new Encoded("message", JSON.stringify(body));
    async function* events(): AsyncGenerator<Encoded, void> {
      for await (const response of responses)
        yield encode({ jsonrpc: "2.0", id, result: StreamResponse.toJSON(response) });
    }
    return { kind: "stream", events: events(), failed: (thrown) => encode(error(thrown)) };
  }
}

/** Requests with a single answer. The SDK swallows errors of a method, so they are kept and thrown again. */
async function dispatch(request: RpcRequest, handler: A2ARequestHandler): Promise<unknown> {
  let thrown: { error: unknown } | undefined;
  const keeping = new Proxy(handler, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      return async (...args: unknown[]) => {
        try {
          return await method(...args);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      };
    },
  });
  const answer = await new JsonRpcTransportHandler(keeping).handle(request, new ServerCallContext());
  if (thrown) throw thrown.error;
  return answer;
}
