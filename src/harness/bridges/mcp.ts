import { createInterface } from "node:readline";
import { problemFrom } from "../../client/errors.ts";
import { createSseParser } from "../../client/sse.ts";
import { clientError } from "../../client/transport.ts";

export interface McpBridgeOptions {
  /** The relay's address. */
  url: string;
  /** The agent's token. */
  token: string;
  /** Messages of the harness, one a line. */
  input: NodeJS.ReadableStream;
  /** Passes a message to the harness. */
  print(line: string): void;
}

/** Fields of an MCP message that the bridge reads. */
interface Message {
  jsonrpc?: unknown;
  id?: string | number;
  method?: string;
  result?: { protocolVersion?: unknown };
}

/** Passes messages on until the input ends. It waits for `initialize`, because later messages need its session. */
export async function serveMcpBridge({ url, token, input, print }: McpBridgeOptions): Promise<void> {
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
        print(onOneLine(text));
      }
    } catch (error) {
      // A notification gets no answer.
      if (message.id === undefined) return;
      const fault = clientError(error, url);
      const reason = fault instanceof Error ? fault.message : String(fault);
      print(problem(message.id, -32_000, `Signalbox: ${reason}`));
    }
  }

  for await (const line of createInterface({ input })) {
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
 * Yields the messages of an answer: one as JSON, or each of a stream. The answer to a notification has none.
 * @throws RelayProblem for a refusal that is no MCP message: of the token, or by a proxy
 */
async function* textsIn(response: Response): AsyncGenerator<string, void> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const text = await response.text();
    const message = messageIn(text);
    if (!response.ok && message?.jsonrpc === undefined) throw problemFrom(response, message);
    if (text.trim() !== "") yield text;
    return;
  }
  const parser = createSseParser();
  for await (const bytes of response.body ?? []) for (const { data } of parser.feed(bytes)) if (data !== "") yield data;
}

const problem = (id: string | number | null, code: number, message: string): string =>
  JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });

/** Line breaks between the tokens of JSON are only white space. */
const onOneLine = (text: string): string => text.replace(/[\r\n]+/g, " ");
