import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { turns } from "../../support/until.ts";

async function withToken() {
  const relay = await startRelay();
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const { tokenId } = (await relay.ask("GET", "/v1/whoami", undefined, bob)).body;
  return { ...relay, url, bob, revoke: () => relay.ask("DELETE", `/v1/tokens/${tokenId}`) };
}

describe("G10: a token that is revoked while its call is under way", () => {
  test("G10: a token that is revoked while its call is under way leaves no stream open", async () => {
    const { url, bob, revoke } = await withToken();
    // Acknowledging takes a commit, and the revocation shares it.
    const headers = { "last-event-id": "0" };
    const streams = [];
    for (let i = 0; i < 6; i++)
      streams.push(openStream(`${url}/v1/agents/bob/inbox/stream?ack=resume`, { ...bob, headers }));
    await turns(1);
    await revoke();
    for (const stream of await Promise.all(streams)) {
      if (stream.response.status === 401) continue;
      await stream.ended;
      expect(stream.events.at(-1)).toMatchObject({ type: "bye", data: { reason: "revoked" } });
    }
  });

  test("G10: a token that is revoked while its call is under way leaves no call parked", async () => {
    const { ask, bob, revoke } = await withToken();
    const [polled] = await Promise.all([
      ask("GET", "/v1/agents/bob/inbox?ackUpTo=0&waitSeconds=60", undefined, bob),
      revoke(),
    ]);
    expect(polled.body).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test("G10: a token that is revoked while its call is under way leaves no socket open", async () => {
    const { url, ask } = await withToken();
    // The first use of a token is written down, and the revocation shares that commit.
    const made = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, {});
    socket.say({ type: "auth", token: made.token });
    await turns(1);
    await ask("DELETE", `/v1/tokens/${made.id}`);
    expect((await socket.closed).code).toBe(4001);
    expect((await ask("GET", "/v1/agents/bob")).body.connections).toBe(0);
  });
});
