import type { ClientContext, InitializeResponse } from "@agentclientprotocol/sdk/unstable";
import { HarnessError } from "../../errors.ts";
import type { Containment } from "../process/contained.ts";
import type { Capabilities, Environment, ForeignSession, Provider } from "../provider.ts";
import { ACP_AGENTS, type AcpAgent } from "./agents.ts";
import { type AcpCommand, agentError, connectAgent, within } from "./connection.ts";
import { greetAgent } from "./greeting.ts";
import { capabilitiesOf } from "./opening.ts";

export interface AcpOptions {
  /** Name of a known agent, or the operator's own together with `words`. */
  name: string;
  /** The command and its arguments. Left out: those of the known agent. */
  words?: readonly string[];
  /** Command line of the relay's MCP server on stdio. Its environment names relay and token. */
  bridge: readonly string[];
  /** Environment for looking, outside sessions. */
  environment: Environment;
  /** Way to log in that is asked for before each session, by the agent's id of it. */
  authMethod?: string;
  containment?: Containment;
  /** Time to take the first input, in milliseconds. Some agents need ten seconds. */
  startMs?: number;
}

const START_MS = 30_000;

/** Abilities of any agent. The others are learned from each: a known agent has more after `probe` or `open`. */
export const ACP_CAPABILITIES: Capabilities = {
  ...{ presetId: false, resume: false, fork: false, ephemeralFork: false, steer: false, receipts: false },
  ...{ interrupt: true, permissions: true, structured: false, usage: false, limits: false, continueTurn: false },
};

/** An agent over the Agent Client Protocol. @throws HarnessError for a name that is not known and has no words */
export function acpProvider(options: AcpOptions): Provider {
  const { environment, bridge, containment, authMethod, startMs = START_MS } = options;
  const command: AcpCommand = { agent: agentOf(options), bridge, containment, authMethod, startMs };
  let capabilities = ACP_CAPABILITIES;
  const learn = (abilities: Partial<Capabilities>) => {
    capabilities = { ...capabilities, ...abilities };
  };
  const look = <T>(place: Place, run: (agent: ClientContext, greeting: InitializeResponse) => Promise<T>) =>
    ask(command, place, (agent, greeting) => {
      learn(capabilitiesOf(greeting));
      return run(agent, greeting);
    });
  const here: Place = { cwd: environment.HOME ?? "/", environment };
  return {
    name: options.name,
    kind: "acp",
    get capabilities() {
      return capabilities;
    },
    async probe(signal) {
      const greeting = await greetAgent(command, { ...here, ...(signal && { signal }), ...lookTask() });
      learn(capabilitiesOf(greeting));
      return { version: greeting.agentInfo?.version ?? "unknown", account: null };
    },
    async open(task) {
      const { openAcpSession } = await import("./session.ts");
      return openAcpSession(command, task, learn);
    },
    listForeign: () =>
      look(here, async (agent, { agentCapabilities }): Promise<ForeignSession[]> => {
        if (!agentCapabilities?.sessionCapabilities?.list) return [];
        const { sessions } = await agent.request("session/list", {});
        return sessions.map(({ sessionId, cwd, title }) => ({
          ...{ nativeId: sessionId, cwd, name: title ?? null, pid: null, isOpen: null, startedAt: null },
        }));
      }),
    remove: ({ nativeId, cwd, environment: of }) =>
      look({ cwd, environment: of }, async (agent, { agentCapabilities }) => {
        const { title } = command.agent;
        if (!agentCapabilities?.sessionCapabilities?.delete)
          throw new HarnessError("usage", `${title} cannot delete a session. Delete ${nativeId} by its own means.`);
        await agent.request("session/delete", { sessionId: nativeId });
      }),
  };
}

function agentOf({ name, words }: AcpOptions): AcpAgent {
  const known = ACP_AGENTS.find((agent) => agent.name === name);
  const [first, ...rest] = words ?? known?.words ?? [];
  if (first === undefined)
    throw new HarnessError(
      "usage",
      `No agent is known as ${name}. Set its command, or use one of ${ACP_AGENTS.map((one) => one.name).join(", ")}.`,
    );
  const install = known?.install ?? "install it, or set the path of its command";
  return { name, title: known?.title ?? name, words: [first, ...rest], install };
}

interface Place {
  cwd: string;
  environment: Environment;
  signal?: AbortSignal;
}

const lookTask = () => ({ sessionId: `look-${crypto.randomUUID()}`, on: () => undefined });

/** Runs requests at a process of its own, which ends after them. */
async function ask<T>(
  command: AcpCommand,
  place: Place,
  run: (agent: ClientContext, greeting: InitializeResponse) => Promise<T>,
): Promise<T> {
  const { process, agent, greeting } = await connectAgent(
    command,
    { ...place, ...lookTask() },
    {
      onRequest: async (method) => {
        throw new HarnessError("problem", `Nobody answers ${method} here.`);
      },
      onNotification: () => undefined,
    },
  );
  try {
    return await within(command, place.signal, () => run(agent, greeting));
  } catch (error) {
    throw agentError(command.agent, error);
  } finally {
    await process.close();
  }
}
