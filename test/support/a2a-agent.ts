import { type AgentCard, type Message, Role, TaskState } from "@a2a-js/sdk";
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  type ExecutionEventBus,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  type RequestContext,
  ServerCallContext,
} from "@a2a-js/sdk/server";
import { text } from "./a2a.ts";
import { atEnd } from "./ending.ts";

/** An A2A agent of another framework: the SDK's own server, on a port of loopback. */
export interface Foreign {
  url: string;
  /** Messages to it, one for each time it came. */
  heard: Message[];
  /** Ids of tasks that it was told to cancel. */
  cancelled: string[];
  /** How often its card was asked for, and what for. */
  cards: number;
  /** Authorization of each request. */
  bearers: (string | null)[];
  /** Answers with this status alone, as long as it is set. */
  broken: number | undefined;
  card: AgentCard;
  stop(): Promise<void>;
}

interface ForeignTask {
  /** The text. */
  words: string;
  message: Message;
  work(words: string): void;
  ask(words: string): void;
  done(words: string, data?: unknown): void;
  end(state: TaskState, words: string): void;
  /** Answers with a message alone, without a task. */
  say(words: string): void;
}

/** How it behaves: called for each message, with the task it belongs to. */
export type Behaviour = (task: ForeignTask) => Promise<void> | void;

export async function startForeign(
  behave: Behaviour,
  options: { port?: number; path?: string } = {},
): Promise<Foreign> {
  const path = options.path ?? "";
  let handler: DefaultRequestHandler;
  const server = Bun.serve({
    port: options.port ?? 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (foreign.broken !== undefined) return new Response("broken", { status: foreign.broken });
      const { pathname } = new URL(request.url);
      if (pathname === `${path}/.well-known/agent-card.json`) {
        foreign.cards++;
        return Response.json(await handler.getAgentCard());
      }
      foreign.bearers.push(request.headers.get("authorization"));
      const context = new ServerCallContext({ requestedVersion: request.headers.get("a2a-version") ?? "" });
      const answer = await new JsonRpcTransportHandler(handler).handle(await request.text(), context);
      return Response.json(answer);
    },
  });
  const url = `http://127.0.0.1:${server.port}${path}`;
  const foreign: Foreign = {
    ...{ url, heard: [], cancelled: [], cards: 0, bearers: [], broken: undefined },
    card: cardOf(url),
    stop: () => server.stop(true),
  };
  const executor: AgentExecutor = {
    async execute(context, bus) {
      foreign.heard.push(context.userMessage);
      await behave(taskOn(context, bus));
      bus.finished();
    },
    async cancelTask(taskId, bus) {
      foreign.cancelled.push(taskId);
      const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: new Date().toISOString() };
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId: "", status, metadata: undefined }));
      bus.finished();
    },
  };
  handler = new DefaultRequestHandler(foreign.card, new InMemoryTaskStore(), executor);
  atEnd(async () => server.stop(true));
  return foreign;
}

function taskOn({ taskId, contextId, userMessage, task }: RequestContext, bus: ExecutionEventBus): ForeignTask {
  let count = 0;
  const said = (words: string, of = taskId): Message => ({
    ...{ messageId: `${taskId}-${Date.now()}-${++count}`, contextId, taskId: of, role: Role.ROLE_AGENT },
    ...{ parts: [text(words)], metadata: undefined, extensions: [], referenceTaskIds: [] },
  });
  let begun = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    const status = { state: TaskState.TASK_STATE_SUBMITTED, message: undefined, timestamp: new Date().toISOString() };
    bus.publish(
      AgentEvent.task(
        task ?? { id: taskId, contextId, status, artifacts: [], history: [userMessage], metadata: undefined },
      ),
    );
  };
  const tell = (state: TaskState, words: string) => {
    begin();
    const status = { state, message: words ? said(words) : undefined, timestamp: new Date().toISOString() };
    bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status, metadata: undefined }));
  };
  const [part] = userMessage.parts;
  return {
    words: part?.content?.$case === "text" ? part.content.value : "",
    message: userMessage,
    work: (words) => tell(TaskState.TASK_STATE_WORKING, words),
    ask: (words) => tell(TaskState.TASK_STATE_INPUT_REQUIRED, words),
    done(words, data) {
      begin();
      const value = {
        content: { $case: "data" as const, value: data },
        metadata: undefined,
        filename: "",
        mediaType: "",
      };
      const parts = [text(words), ...(data === undefined ? [] : [value])];
      const artifact = { artifactId: "a", name: "result", description: "", parts, metadata: undefined, extensions: [] };
      bus.publish(
        AgentEvent.artifactUpdate({ taskId, contextId, artifact, append: false, lastChunk: true, metadata: undefined }),
      );
      tell(TaskState.TASK_STATE_COMPLETED, "");
    },
    end: tell,
    say: (words) => bus.publish(AgentEvent.message(said(words, ""))),
  };
}

function cardOf(url: string): AgentCard {
  return {
    ...{ name: "Foreign", description: "Comes from elsewhere.", version: "3.2.1", provider: undefined },
    supportedInterfaces: [{ url: `${url}/rpc`, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" }],
    capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false, extensions: [] },
    ...{ securitySchemes: {}, securityRequirements: [], defaultInputModes: ["text"], defaultOutputModes: ["text"] },
    skills: [
      {
        ...{ id: "s", name: "weather", description: "Knows the weather.", tags: ["w"], examples: [] },
        ...{ inputModes: [], outputModes: [], securityRequirements: [] },
      },
    ],
    signatures: [],
  };
}
