import type {
  ClientContext,
  InitializeResponse,
  ListSessionsResponse,
  McpServer,
  NewSessionResponse,
} from "@agentclientprotocol/sdk/unstable";
import { HarnessError } from "../../errors.ts";
import { SessionMissing } from "../errors.ts";
import { MARKER } from "../process/marker.ts";
import type { Capabilities, OpenTask } from "../provider.ts";
import type { AcpAgent } from "./agents.ts";
import { type AcpCommand, AUTH_REQUIRED, detailOf } from "./connection.ts";

/** An open session of the agent, as far as its methods agree. */
export interface Opened {
  sessionId: string;
  /** The agent took the system prompt; without, it goes with the first input. */
  hasSystemPrompt: boolean;
}

/** Abilities that an agent said when it was greeted. Usage and receipts are no part of that. */
export function capabilitiesOf({ agentCapabilities, _meta }: InitializeResponse): Partial<Capabilities> {
  const { loadSession, sessionCapabilities: session } = agentCapabilities ?? {};
  return {
    resume: Boolean(loadSession) || Boolean(session?.resume),
    fork: Boolean(session?.fork),
    ephemeralFork: Boolean(session?.fork) && Boolean(session?.delete),
    steer: (_meta?.steering as { supported?: unknown } | undefined)?.supported === true,
  };
}

/** Opens the session of a task. A dead id is an error, never a new session. @throws SessionMissing, HarnessError */
export async function openThread(
  { agent: acp, bridge }: AcpCommand,
  { agent, greeting }: { agent: ClientContext; greeting: InitializeResponse },
  task: OpenTask,
): Promise<Opened> {
  const { origin, cwd, systemPrompt } = task;
  const { loadSession, mcpCapabilities, sessionCapabilities: session } = greeting.agentCapabilities ?? {};
  const hasSystemPrompt = Boolean(session?.systemPrompt) && systemPrompt !== null;
  const common = {
    ...{ cwd, mcpServers: serversOf(task, bridge, Boolean(mcpCapabilities?.http)) },
    ...(hasSystemPrompt && {
      systemPrompt: { mode: "append" as const, content: [{ type: "text" as const, text: systemPrompt ?? "" }] },
    }),
  };
  if (origin.how === "new") {
    const opened = await agent.request<NewSessionResponse>("session/new", common);
    await setModel(acp, agent, opened, task.model);
    return { sessionId: opened.sessionId, hasSystemPrompt };
  }
  const params = { ...common, sessionId: origin.nativeId };
  try {
    if (origin.how === "fork") {
      if (!session?.fork) throw new HarnessError("usage", `${acp.title} cannot fork a session.`);
      const opened = await agent.request<NewSessionResponse>("session/fork", params);
      await setModel(acp, agent, opened, task.model);
      return { sessionId: opened.sessionId, hasSystemPrompt };
    }
    if (session?.resume) await agent.request("session/resume", params);
    else if (loadSession) await agent.request("session/load", params);
    else throw new HarnessError("usage", `${acp.title} cannot resume a session.`);
  } catch (error) {
    const lost = missing(acp, error, origin.nativeId, cwd);
    throw lost && (lost.isSure || (session?.list && !(await isListed(agent, origin.nativeId)))) ? lost.error : error;
  }
  return { sessionId: origin.nativeId, hasSystemPrompt };
}

/** MCP server of the relay: over HTTP, else on stdio, which every agent of the protocol takes. */
function serversOf({ mcp, sessionId }: OpenTask, bridge: readonly string[], takesHttp: boolean): McpServer[] {
  if (!mcp) return [];
  const name = "signalbox";
  if (takesHttp)
    return [{ type: "http", name, url: mcp.url, headers: [{ name: "Authorization", value: `Bearer ${mcp.token}` }] }];
  const [command = "", ...args] = bridge;
  const environment = {
    ...{ SIGNALBOX_URL: mcp.url.replace(/\/mcp$/, ""), SIGNALBOX_TOKEN: mcp.token },
    // Agents may give a server no more than this: without the marker the end of the session would not find it.
    [MARKER]: sessionId,
  };
  return [{ name, command, args, env: Object.entries(environment).map(([of, value]) => ({ name: of, value })) }];
}

const NOT_FOUND = -32_002;
const WORDS =
  /not found|no (such|previous)? ?(session|conversation|thread)|unknown session|does not exist|invalid session/i;

/** Failure of a dead id. Not sure: the agent said no more than that it failed. */
function missing({ title }: AcpAgent, error: unknown, nativeId: string, cwd: string) {
  if (!(error instanceof Error) || error instanceof HarnessError) return undefined;
  const { code } = error as Error & { code?: number };
  if (code === undefined || code === AUTH_REQUIRED) return undefined;
  const said = detailOf(error);
  const sentence = `${title} knows no session ${nativeId} in ${cwd}. Begin a new session. (It said: ${said})`;
  return { error: new SessionMissing(sentence), isSure: code === NOT_FOUND || WORDS.test(said) };
}

const PAGES = 20;

/** Whether the agent lists a session, as far as its list is read: a later one may be there. */
async function isListed(agent: ClientContext, nativeId: string): Promise<boolean> {
  let cursor: string | null | undefined;
  for (let page = 0; page < PAGES; page++) {
    const list = await agent.request<ListSessionsResponse>("session/list", cursor ? { cursor } : {});
    if (list.sessions.some(({ sessionId }) => sessionId === nativeId)) return true;
    cursor = list.nextCursor;
    if (!cursor) return false;
  }
  return true;
}

/** Sets the model by the agent's own option. @throws HarnessError when it has no such option or value */
async function setModel(
  { title }: AcpAgent,
  agent: ClientContext,
  { sessionId, configOptions }: Pick<NewSessionResponse, "sessionId" | "configOptions">,
  model: string | null,
): Promise<void> {
  if (model === null) return;
  const option = configOptions?.find(
    (one) => one.type === "select" && (one.category === "model" || one.id === "model"),
  );
  if (option?.type !== "select")
    throw new HarnessError("usage", `${title} cannot be told its model here. Set it in its own configuration.`);
  const values = option.options.flatMap((one) => ("options" in one ? one.options : [one])).map(({ value }) => value);
  if (!values.includes(model))
    throw new HarnessError("usage", `${title} has no model ${model}. It has: ${values.slice(0, 50).join(", ")}.`);
  if (option.currentValue !== model)
    await agent.request("session/set_config_option", { sessionId, configId: option.id, value: model });
}
