import type { InitializeResponse } from "@agentclientprotocol/sdk/unstable";
import { z } from "zod";
import { HarnessError } from "../../errors.ts";
import {
  type AcpCommand,
  type AgentTask,
  agentError,
  checkVersion,
  ended,
  GREETING,
  startProcess,
  within,
} from "./connection.ts";

const ID = 1;
const Greeting = z.looseObject({
  protocolVersion: z.number(),
  agentInfo: z.looseObject({ version: z.string() }).nullish().catch(null),
});
const Answer = z.union([
  z.object({ result: Greeting }),
  z.object({ error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }) }),
]);

/**
 * Starts an agent, greets it, and ends it. It speaks the one request by itself: the SDK keeps 6 MB in a daemon that has no session yet.
 * @throws HarnessError when the agent does not answer as the protocol says
 */
export async function greetAgent(command: AcpCommand, task: AgentTask): Promise<InitializeResponse> {
  const { agent } = command;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const process = await startProcess(command, task, {
    incoming: { take: (line) => ("id" in line && line.id === ID && !("method" in line) ? resolve(line) : undefined) },
    onNotification: () => undefined,
  });
  process.exited.then((exit) => reject(new HarnessError("problem", ended(agent, exit))));
  promise.catch(() => undefined);
  try {
    const answer = await within(command, task.signal, async () => {
      await process.write({ jsonrpc: "2.0", id: ID, method: "initialize", params: GREETING });
      return promise;
    });
    const { data } = Answer.safeParse(answer);
    if (!data) throw new HarnessError("problem", `${agent.title} does not answer the greeting as its protocol says.`);
    if ("error" in data) throw agentError(agent, Object.assign(new Error(data.error.message), data.error));
    const greeting = data.result as InitializeResponse;
    checkVersion(agent, greeting);
    await process.close();
    return greeting;
  } catch (error) {
    await process.close({ graceMs: 0 });
    throw error;
  }
}
