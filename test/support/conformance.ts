import pino from "pino";
import { readConfig } from "../../src/config.ts";
import type { ServerMaker } from "../../src/edges/mcp/server.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { createRelay } from "../../src/relay.ts";
import { atEnd, tempFolder } from "./relay.ts";

/**
 * A relay on loopback whose `/mcp` serves what the conformance suite looks for, through our own endpoint. The suite cannot
 * send a token, so one is put on each request before the relay sees it.
 */
export async function startFixtures(mcpServer?: ServerMaker): Promise<string> {
  const config = { ...readConfig({ SIGNALBOX_DATA_DIR: tempFolder(), SIGNALBOX_RATE_LIMIT: "0" }), logLevel: "silent" };
  const relay = await createRelay(config, systemClock, pino({ level: process.env.TEST_LOG ?? "silent" }), {
    mcpServer,
  });
  const made = await relay.app.handle(
    new Request("http://localhost/v1/tokens", {
      method: "POST",
      headers: { authorization: `Bearer ${relay.operatorToken}`, "content-type": "application/json" },
      body: JSON.stringify({ role: "agent", agentId: "suite" }),
    }),
  );
  const { token } = (await made.json()) as { token: string };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 120,
    fetch(request) {
      const headers = new Headers(request.headers);
      headers.set("authorization", `Bearer ${token}`);
      return relay.app.handle(new Request(request, { headers }));
    },
  });
  atEnd(async () => {
    await server.stop(true);
    await relay.close();
  });
  return `http://127.0.0.1:${server.port}/mcp`;
}
