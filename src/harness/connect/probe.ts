import manifest from "../../../package.json" with { type: "json" };
import { createClient } from "../../client/client.ts";
import { clientError } from "../../client/transport.ts";
import { HarnessError } from "../errors.ts";
import type { Keys } from "../keys.ts";

/** Tries the calls that hooks and harness will make, with the agent's own token. */
export async function probe(keys: Keys): Promise<void> {
  await createClient(keys).inbox.digest({ budget: 300 }, { retries: 1 });
  await probeTools(keys);
}

const REVISION = "2026-07-28";
const ABOUT_US = {
  "io.modelcontextprotocol/protocolVersion": REVISION,
  "io.modelcontextprotocol/clientInfo": { name: "signalbox connect", version: manifest.version },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const TIMEOUT_MS = 10_000;

/** @throws HarnessError when `url` does not lead to the relay's MCP endpoint: a proxy blocks it, or rejects the host name */
async function probeTools({ url, token }: Keys): Promise<void> {
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": REVISION,
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: ABOUT_US } }),
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw clientError(error, url);
  });
  const answer = await response.text();
  if (response.ok && answer.includes('"inbox"')) return;
  throw new HarnessError(
    "problem",
    `${url}/mcp does not answer as a relay's MCP endpoint does (${response.status}): ${answer.slice(0, 200)}`,
  );
}
