import { z } from "zod";
import { HarnessError } from "../../errors.ts";

/** Refusal by the other side. */
export class RpcRefusal extends HarnessError {
  override readonly name = "RpcRefusal";

  constructor(
    method: string,
    readonly code: number,
    readonly said: string,
  ) {
    super("problem", `Codex refused ${method}: ${said}`);
  }
}

export type RpcId = string | number;

interface RpcOptions {
  write(message: object): Promise<void>;
  onNotification(method: string, message: Record<string, unknown>): void;
  onRequest(id: RpcId, method: string, params: unknown): void;
  /** Called with a message that is none of the protocol. */
  onOther(message: Record<string, unknown>): void;
}

const Id = z.union([z.string(), z.number()]);
const Message = z.object({
  id: Id.optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number().catch(0), message: z.string().catch("no reason given") }).optional(),
});

const METHOD_NOT_FOUND = -32601;

interface Open {
  method: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Requests and answers of JSON-RPC over lines, without the member `jsonrpc`. */
export function createRpc({ write, onNotification, onRequest, onOther }: RpcOptions) {
  const open = new Map<RpcId, Open>();
  let last = 0;
  let end: Error | undefined;

  function answered(id: RpcId, { result, error }: z.infer<typeof Message>): boolean {
    const asked = open.get(id);
    open.delete(id);
    if (error) asked?.reject(new RpcRefusal(asked.method, error.code, error.message));
    else asked?.resolve(result);
    return asked !== undefined;
  }

  return {
    take(value: Record<string, unknown>): void {
      const { data } = Message.safeParse(value);
      const { id, method } = data ?? {};
      if (data && id !== undefined && method !== undefined) onRequest(id, method, data.params);
      else if (data && method !== undefined) onNotification(method, value);
      else if (!data || id === undefined || !answered(id, data)) onOther(value);
    },
    /** @throws RpcRefusal; HarnessError when the process has ended; the signal's reason */
    async request(method: string, params: object, signal?: AbortSignal): Promise<unknown> {
      signal?.throwIfAborted();
      if (end) throw end;
      const id = ++last;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      open.set(id, { method, resolve, reject });
      const abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      try {
        await write({ id, method, params });
        return await promise;
      } finally {
        // A late answer is of nobody.
        promise.catch(() => undefined);
        open.delete(id);
        signal?.removeEventListener("abort", abort);
      }
    },
    notify: (method: string): Promise<void> => write({ method }),
    respond: (id: RpcId, result: object): Promise<void> => write({ id, result }),
    refuse: (id: RpcId, method: string): Promise<void> =>
      write({ id, error: { code: METHOD_NOT_FOUND, message: `this client does not answer ${method}` } }),
    /** Fails what is open, and all that comes. */
    end(error: Error): void {
      end = error;
      for (const asked of open.values()) asked.reject(error);
      open.clear();
    },
  };
}
export type Rpc = ReturnType<typeof createRpc>;
