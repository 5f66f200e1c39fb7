import type { Message, Part, SendMessageRequest, StreamResponse, Task } from "@a2a-js/sdk";
import { Role } from "@a2a-js/sdk";
import {
  type Client,
  ClientFactory,
  createAuthenticatingFetchWithRetry,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from "@a2a-js/sdk/client";
import type { Answered } from "./relay.ts";
import { startServer, type TestServer } from "./server.ts";

export const BINDINGS = ["JSONRPC", "HTTP+JSON"] as const;
export type Binding = (typeof BINDINGS)[number];

/** The SDK's client, as a stranger uses it: it finds the card by URL and speaks one of the bindings. */
export async function clientOf(url: string, binding: Binding, token?: string): Promise<Client> {
  const fetchImpl = createAuthenticatingFetchWithRetry(fetch, {
    headers: async () => (token === undefined ? {} : { authorization: `Bearer ${token}` }) as Record<string, string>,
    shouldRetryWithHeaders: async () => undefined,
  });
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })],
    preferredTransports: [binding],
    // Cards are for everybody: they are asked for without a token.
    cardResolver: new DefaultAgentCardResolver(),
  });
  return factory.createFromUrl(url);
}

let count = 0;

export const text = (value: string): Part => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "",
});

/** A message of a client's. */
export function saying(words: string, more: Partial<Message> = {}): SendMessageRequest {
  const message: Message = {
    ...{ messageId: `m${++count}`, contextId: "", taskId: "", role: Role.ROLE_USER, parts: [text(words)] },
    ...{ metadata: undefined, extensions: [], referenceTaskIds: [], ...more },
  };
  return { tenant: "", message, configuration: undefined, metadata: undefined };
}

/** The same, not waiting for what becomes of it. */
export const saidAtOnce = (words: string, more: Partial<Message> = {}): SendMessageRequest => ({
  ...saying(words, more),
  configuration: { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately: true },
});

export function asTask(sent: Task | Message): Task {
  if ("messageId" in sent) throw new Error("answered with a message");
  return sent;
}

/** The text of a task's artifacts. */
export const resultOf = (task: Task): string =>
  task.artifacts
    .flatMap(({ parts }) => parts)
    .map(({ content }) => (content?.$case === "text" ? content.value : ""))
    .join("");

/** Events of a stream, in short. */
export function inShort({ payload }: StreamResponse): string {
  switch (payload?.$case) {
    case "task":
      return `task ${payload.value.status?.state}`;
    case "statusUpdate": {
      const [part] = payload.value.status?.message?.parts ?? [];
      const said = part?.content?.$case === "text" ? ` ${part.content.value}` : "";
      return `status ${payload.value.status?.state}${said}`;
    }
    case "artifactUpdate":
      return `artifact ${payload.value.artifact?.parts.map((part) => part.content?.value).join("")}`;
    default:
      return payload?.$case ?? "nothing";
  }
}

export interface Calling {
  server: TestServer;
  ask(method: string, path: string, body?: unknown, token?: string): ReturnType<typeof asking>;
  /** Registers a provider and makes it a token. */
  agent(id: string, fields?: Record<string, unknown>): Promise<string>;
}

/** The real program on a real port, and its own API beside A2A. */
export async function startCalling(options: Parameters<typeof startServer>[0] = {}): Promise<Calling> {
  const server = await startServer(options);
  const ask: Calling["ask"] = (method, path, body, token = server.operatorToken) =>
    asking(server.url, token, method, path, body);
  return {
    server,
    ask,
    async agent(id, fields = {}) {
      await ask("PUT", `/v1/agents/${id}`, { name: id, ...fields });
      return (await ask("POST", "/v1/tokens", { role: "agent", agentId: id })).body.token;
    },
  };
}

async function asking(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Pick<Answered, "status" | "body">> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    // A connection that is idle for long may be closed by the server just as the request goes out.
    keepalive: false,
    body: body === undefined ? null : JSON.stringify(body),
  });
  const said = await response.text();
  return { status: response.status, body: said === "" ? undefined : JSON.parse(said) };
}
