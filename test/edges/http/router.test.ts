import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";

async function throughPort(url: string, path: string, token: string): Promise<number> {
  const connection = await rawConnect(url, {
    lines: [`GET ${path} HTTP/1.1`, "Host: relay", `Authorization: Bearer ${token}`, "Connection: close"],
  });
  await connection.closed;
  return Number(connection.text().split(" ")[1]);
}

describe("a path", () => {
  test("a path leads to the same route through a port and in process", async () => {
    const relay = await startRelay();
    const url = listen(relay);
    await relay.agent("a.b");
    for (const [path, status] of [
      ["/v1/agents/a%2eb", 200],
      ["/v1/agents/a%252eb", 422],
      ["/v1/agents/%zz", 422],
      ["/v1/agents/a%2Fb", 422],
      ["/v1/agents/a.b/", 200],
      ["/v1/agents/a.b//", 404],
      ["/v1/agents/", 200],
      ["//v1/agents", 404],
      ["/v1/./agents", 200],
      ["/v1/agents/..", 404],
      ["/v1/agents#top", 200],
      ["/V1/agents", 404],
      ["/%76%31/agents", 404],
      ["/", 200],
      ["/*", 404],
    ] as const) {
      const inProcess = (await relay.ask("GET", path)).status;
      expect([path, await throughPort(url, path, relay.relay.operatorToken), inProcess]).toEqual([
        path,
        status,
        status,
      ]);
    }
  });

  test("a path of a literal segment is found before that of a parameter, for the methods that the literal takes", async () => {
    const { ask } = await startRelay();
    expect((await ask("POST", "/v1/messages/batch", { messages: [] })).body.detail).toContain("messages");
    expect((await ask("GET", "/v1/messages/batch")).body.detail).toBe(
      "id has to be a message's id: a whole number from 1",
    );
    expect((await ask("DELETE", "/v1/messages/batch")).headers.get("allow")).toBe("GET, HEAD, POST");
  });
});
