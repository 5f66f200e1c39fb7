import { createInterface } from "node:readline";
import type { Command } from "commander";
import { problemFrom } from "../client/errors.ts";
import { createSseParser } from "../client/sse.ts";
import { meant } from "../client/transport.ts";
import { EXIT, Stop } from "./exit.ts";
import { type Flags, resolveSettings, type Settings } from "./settings.ts";

export function addMcpBridgeCommand(program: Command): void {
  program
    .command("mcp-bridge")
    .description("Speak MCP on stdio for a harness that cannot ask a command for HTTP headers")
    .helpGroup("Harnesses:")
    .addHelpText("after", HELP)
    .action(async (_: object, command: Command) => {
      const settings = resolveSettings(command.optsWithGlobals<Flags>());
      if (settings.token === undefined) throw new Stop(EXIT.usage, "Name the agent's keys: --keys <file>");
      await serve(settings);
    });
}

const HELP = `
Started by Gemini CLI, Qwen Code and OpenCode, not by people: signalbox connect writes it into their settings. Each line on
stdin goes to the relay's /mcp as it is, with the agent's token, and each answer comes as a line on stdout.

Example:
  $ signalbox mcp-bridge --keys ~/.config/signalbox/agents/gemini.reviewer.json`;

/** Fields of an MCP message that the bridge reads. */
interface Message {
  jsonrpc?: unknown;
  id?: string | number;
  method?: string;
  result?: { protocolVersion?: unknown };
}

/** Passes messages on until stdin ends. It waits for `initialize`, because later messages need its session. */
async function serve({ url, token }: Settings): Promise<void> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const open = new Set<Promise<void>>();

  async function pass(line: string): Promise<void> {
    const message = messageIn(line);
    if (message === undefined) return print(problem(null, -32_700, "Parse error: the line is not JSON"));
    try {
      const response = await fetch(`${url}/mcp`, { method: "POST", headers, body: line, redirect: "error" });
      const session = response.headers.get("mcp-session-id");
      if (session !== null) headers["mcp-session-id"] = session;
      for await (const text of textsIn(response)) {
        const version = messageIn(text)?.result?.protocolVersion;
        if (message.method === "initialize" && typeof version === "string") headers["mcp-protocol-version"] = version;
        print(text);
      }
    } catch (error) {
      // A notification wants no answer.
      const fault = meant(error, url);
      const reason = fault instanceof Error ? fault.message : String(fault);
      if (message.id !== undefined) print(problem(message.id, -32_000, `Signalbox: ${reason}`));
    }
  }

  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    const passing = pass(line).finally(() => open.delete(passing));
    open.add(passing);
    if (messageIn(line)?.method === "initialize") await passing;
  }
  await Promise.all(open);
  if (headers["mcp-session-id"])
    await fetch(`${url}/mcp`, { method: "DELETE", headers, redirect: "error" }).catch(() => undefined);
}

function messageIn(line: string): Message | undefined {
  try {
    return (JSON.parse(line) as Message | null) ?? {};
  } catch {
    return undefined;
  }
}

/**
 * The messages of an answer: one as JSON, or each of a stream. A notification's answer has none.
 * @throws RelayProblem for a refusal that is no MCP message: of the token, or by a proxy
 */
async function* textsIn(response: Response): AsyncGenerator<string, void> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const text = await response.text();
    const said = messageIn(text);
    if (!response.ok && said?.jsonrpc === undefined) throw problemFrom(response, said);
    if (text.trim() !== "") yield text;
    return;
  }
  const parser = createSseParser();
  for await (const bytes of response.body ?? []) for (const { data } of parser.feed(bytes)) if (data !== "") yield data;
}

const problem = (id: string | number | null, code: number, message: string): string =>
  JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });

/** A line for each message: line breaks inside of JSON are but white space. */
const print = (text: string): void => void process.stdout.write(`${text.replace(/[\r\n]+/g, " ")}\n`);
