import type { ClientConnection, ClientContext, InitializeResponse, Stream } from "@agentclientprotocol/sdk/unstable";
import manifest from "../../../../package.json" with { type: "json" };
import { HarnessError } from "../../errors.ts";
import { type Contained, type Containment, startContained } from "../process/contained.ts";
import { plainText } from "../process/plain-text.ts";
import type { Exit, OpenTask } from "../provider.ts";
import type { AcpAgent } from "./agents.ts";

/** An agent as it is started. */
export interface AcpCommand {
  agent: AcpAgent;
  /** Command line of the relay's MCP server on stdio, for agents that take none over HTTP. */
  bridge: readonly string[];
  containment?: Containment | undefined;
  /** Time to answer the first requests, in milliseconds. */
  startMs: number;
  /** Way to log in that the agent is told before a session, by its id. */
  authMethod?: string | undefined;
}

/** An agent that was greeted. */
export interface Connection {
  process: Contained;
  agent: ClientContext;
  greeting: InitializeResponse;
}

/** Place and ears of an agent's process. */
export type AgentTask = Pick<OpenTask, "cwd" | "environment" | "sessionId" | "on" | "signal">;

interface Hearer {
  /** Answers a request of the agent. @throws RequestError */
  onRequest(method: string, params: unknown, signal: AbortSignal): Promise<object>;
  onNotification(method: string, params: unknown): void;
}

/** Loaded with the first agent: the daemons that have none do without. */
export const loadAcp = () => import("@agentclientprotocol/sdk/unstable");

/** Starts an agent and greets it. @throws HarnessError when it does not answer as the protocol says */
export async function connectAgent(command: AcpCommand, task: AgentTask, hearer: Hearer): Promise<Connection> {
  const acp = await loadAcp();
  const incoming = lines();
  const process = await startProcess(command, task, { incoming, onNotification: hearer.onNotification });
  const app = acp
    .client({ name: "signalbox" })
    .onRequest("*", ({ method, params, signal }) => hearer.onRequest(method, params, signal));
  const connection = app.connect(streamOf(process, incoming));
  process.exited.then((exit) => connection.close(new HarnessError("problem", ended(command.agent, exit))));
  try {
    const greeting = await within(command, task.signal, (signal) => greet(connection, signal));
    checkVersion(command.agent, greeting);
    return { process, agent: connection.agent, greeting };
  } catch (error) {
    await process.close({ graceMs: 0 });
    throw agentError(command.agent, error);
  }
}

/** @throws HarnessError for an agent of another version of the protocol */
export function checkVersion({ title, install }: AcpAgent, { protocolVersion }: InitializeResponse): void {
  if (protocolVersion === GREETING.protocolVersion) return;
  throw new HarnessError(
    "problem",
    `${title} speaks version ${protocolVersion} of the Agent Client Protocol, and version ${GREETING.protocolVersion} is needed. Update it: ${install}`,
  );
}

export const ended = ({ title }: AcpAgent, { code, signal, stderr }: Exit): string =>
  `${title} has ended (${signal ?? `exit ${code}`})${stderr.trim() ? `: ${stderr.trim().slice(-1000)}` : ""}.`;

export function startProcess(
  { agent, containment }: AcpCommand,
  task: AgentTask,
  { incoming, onNotification }: { incoming: Pick<Lines, "take"> } & Pick<Hearer, "onNotification">,
) {
  const { cwd, environment, sessionId, on } = task;
  return startContained({
    ...{ words: agent.words, cwd, environment, sessionId, ...(containment && { containment }) },
    // Agents print banners and logs as well: only messages of JSON-RPC are for the protocol.
    onLine: (line) => {
      if ("id" in line || line.method === "$/cancel_request") incoming.take(line);
      else if (typeof line.method === "string") onNotification(line.method, line.params);
      else on({ type: "noise", text: plainText(JSON.stringify(line).slice(0, 500)) });
    },
    onNoise: (text) => on({ type: "noise", text }),
  }).catch((error: HarnessError) => {
    throw new HarnessError(error.reason, `${error.message} ${agent.title}: ${agent.install}`);
  });
}

type Message = Stream extends { readable: ReadableStream<infer Of> } ? Of : never;

function lines() {
  let controller: ReadableStreamDefaultController<Message> | undefined;
  const readable = new ReadableStream<Message>({
    start(of) {
      controller = of;
    },
    cancel() {
      controller = undefined;
    },
  });
  return { readable, take: (line: object): void => controller?.enqueue(line as Message) };
}
type Lines = ReturnType<typeof lines>;

const streamOf = (process: Contained, { readable }: Lines): Stream => ({
  readable,
  writable: new WritableStream<Message>({ write: (message) => process.write(message) }),
});

/** Parameters of `initialize`. */
export const GREETING = {
  protocolVersion: 1,
  clientInfo: { name: "signalbox", title: "Signalbox", version: manifest.version },
  // Agents use their own files and terminals: those of this machine.
  clientCapabilities: {
    fs: { readTextFile: false, writeTextFile: false },
    terminal: false,
    elicitation: { form: {}, url: {} },
  },
};

const greet = ({ agent }: ClientConnection, cancellationSignal: AbortSignal): Promise<InitializeResponse> =>
  agent.request("initialize", GREETING, { cancellationSignal });

/** Runs requests within the time of a start. @throws HarnessError after it; the signal's reason */
export async function within<T>(
  { startMs, agent }: AcpCommand,
  outer: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(startMs);
  const signal = outer ? AbortSignal.any([outer, late]) : late;
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () =>
    reject(
      outer?.aborted
        ? outer.reason
        : new HarnessError(
            "problem",
            `${agent.title} did not answer within ${startMs / 1000} s. Run it by hand to see why.`,
          ),
    );
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([run(signal), stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

export const AUTH_REQUIRED = -32_000;

/** Failure of a request, as a sentence for people. */
export function agentError({ title, words }: AcpAgent, error: unknown): Error {
  if (error instanceof HarnessError || !(error instanceof Error)) return error as Error;
  const { code } = error as Error & { code?: number };
  if (typeof code !== "number") return error;
  const said = detailOf(error);
  const login = `${title} wants a login: run ${words[0]} in a terminal and log in. It said: ${said}`;
  return new HarnessError("problem", code === AUTH_REQUIRED ? login : `${title} refused: ${said}`);
}

const DETAIL_CHARS = 1000;

/** Words of an error with what belongs to it. */
export function detailOf(error: Error): string {
  const { data } = error as Error & { data?: unknown };
  const { details, message } = (data ?? {}) as { details?: unknown; message?: unknown };
  const detail = [data, details, message].find((one) => typeof one === "string");
  return plainText([error.message, detail].filter(Boolean).join(": ").slice(0, DETAIL_CHARS));
}
