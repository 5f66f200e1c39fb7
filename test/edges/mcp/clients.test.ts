import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createMCPClient } from "@ai-sdk/mcp";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { answerOf } from "../../support/mcp.ts";
import { atEnd } from "../../support/relay.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { until } from "../../support/until.ts";

/** Clients that others wrote, against the real program over loopback. */

const INSPECTOR = join(
  import.meta.dir,
  "../../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js",
);

async function ask(server: TestServer, method: string, path: string, body?: unknown, token = server.operatorToken) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const init: RequestInit = { method, headers };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(`${server.url}${path}`, init);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return (await response.json()) as any;
}

/** The program, and a token of an agent that it has not heard of. */
async function start(agentId: string) {
  const server = await startServer();
  const { token } = await ask(server, "POST", "/v1/tokens", { role: "agent", agentId });
  const headers = { Authorization: `Bearer ${token}` };
  return { server, token: token as string, headers, url: new URL(`${server.url}/mcp`) };
}

const send = (server: TestServer, body: string) => ask(server, "POST", "/v1/messages", { to: "guest", body });

describe("clients of others", () => {
  for (const mode of ["auto", "legacy"] as const)
    test(`the SDK's newer client works, ${mode}`, async () => {
      const { server, headers, url } = await start("guest");
      const client = new Client({ name: "newer", version: "1" }, { versionNegotiation: { mode } });
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
      atEnd(() => client.close());
      expect((await client.listTools()).tools.length).toBeGreaterThan(8);
      const waiting = client.callTool({ name: "inbox", arguments: { wait: 20 } });
      await Bun.sleep(50);
      await send(server, "for the newer");
      expect(answerOf(await waiting).text).toContain("| for the newer");
    });

  test("the SDK's older client works: a stream, a restart of the program, and the same session", async () => {
    const { server, token, headers, url } = await start("guest");
    const client = new OldClient({ name: "older", version: "1" });
    const reconnectionOptions = {
      ...{ initialReconnectionDelay: 50, maxReconnectionDelay: 200, reconnectionDelayGrowFactor: 1.2, maxRetries: 100 },
    };
    const transport = new OldTransport(url, { requestInit: { headers }, reconnectionOptions });
    await client.connect(transport as Parameters<OldClient["connect"]>[0]);
    atEnd(() => client.close());
    const told: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri));
    await client.subscribeResource({ uri: "signalbox://inbox" });
    await send(server, "one");
    await until(() => told.length === 1);
    const session = transport.sessionId;
    await server.kill();
    const again = await startServer({ dataDir: server.dataDir, port: Number(url.port) });
    await send(again, "two");
    await until(() => told.length > 1);
    const answer = answerOf(await client.callTool({ name: "inbox", arguments: { ack: 0 } }));
    expect(answer.text).toContain("| one");
    expect(answer.text).toContain("| two");
    expect(transport.sessionId).toBe(session);
    expect((await ask(again, "GET", "/v1/agents/guest", undefined, token)).rig).toBe("older 1");
    await transport.terminateSession();
    expect(client.listTools()).rejects.toThrow();
  });

  test("the AI SDK's client works", async () => {
    const { server, headers, url } = await start("guest");
    const client = await createMCPClient({ transport: { type: "http", url: String(url), headers } });
    atEnd(() => client.close());
    const tools = await client.tools();
    expect(Object.keys(tools)).toContain("claim");
    await send(server, "for the AI SDK");
    const call = { messages: [], toolCallId: "1", context: undefined as never };
    const result = await tools.inbox?.execute({ budget: 1000 }, call);
    expect(JSON.stringify(result)).toContain("| for the AI SDK");
  });

  for (const era of ["legacy", "modern"])
    test(`the inspector's command line works, ${era}`, async () => {
      const { server, token, url } = await start("guest");
      const inspect = async (...args: string[]) => {
        const child = Bun.spawn(
          [
            ...[process.execPath, INSPECTOR, "--cli", String(url), "--transport", "http", "--protocol-era", era],
            ...["--header", `Authorization: Bearer ${token}`, ...args],
          ],
          { env: { PATH: process.env.PATH ?? "", HOME: server.dataDir }, stdout: "pipe", stderr: "pipe" },
        );
        const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
        return { code: await child.exited, said: `${out}${err}` };
      };
      expect(await inspect("--method", "tools/list")).toMatchObject({
        code: 0,
        said: expect.stringContaining("finish"),
      });
      await send(server, "for the inspector");
      const called = await inspect("--method", "tools/call", "--tool-name", "inbox", "--tool-arg", "budget=1000");
      expect(called).toMatchObject({ code: 0, said: expect.stringContaining("for the inspector") });
    });
});
