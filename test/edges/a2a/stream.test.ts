import { describe, expect, test } from "bun:test";
import { TaskState } from "@a2a-js/sdk";
import type { Client } from "@a2a-js/sdk/client";
import { asTask, BINDINGS, clientOf, inShort, resultOf, saidAtOnce, saying, startCalling } from "../../support/a2a.ts";
import { startRelay } from "../../support/relay.ts";
import { startServer } from "../../support/server.ts";

const { TASK_STATE_SUBMITTED, TASK_STATE_WORKING, TASK_STATE_COMPLETED, TASK_STATE_CANCELED } = TaskState;
const headers = { "a2a-version": "1.0" };
const message = (messageId: string, words = "Go") => ({ messageId, role: "ROLE_USER", parts: [{ text: words }] });

/** Collects what a subscription tells. */
function subscribed(client: Client, id: string): { seen: string[]; first: Promise<void>; over: Promise<void> } {
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const over = (async () => {
    for await (const event of client.resubscribeTask({ tenant: "", id })) {
      seen.push(inShort(event));
      first.resolve();
    }
  })();
  over.catch(first.reject);
  return { seen, first: first.promise, over };
}

/** A task that is answered after so long; answers what its stream told. */
async function seenOverSilence(binding: (typeof BINDINGS)[number], ms: number): Promise<string[]> {
  const { server, agent, ask } = await startCalling();
  const bob = await agent("bob");
  const client = await clientOf(`${server.url}/a2a/bob/`, binding, await agent("alice"));
  const seen: string[] = [];
  const began = performance.now();
  for await (const event of client.sendMessageStream(saying("Think about it"))) {
    seen.push(inShort(event));
    if (seen.length > 1 || event.payload?.$case !== "task") continue;
    const { id } = event.payload.value;
    setTimeout(() => void ask("POST", `/v1/delegations/${id}/response`, { text: "thought" }, bob), ms + 500);
  }
  expect(performance.now() - began).toBeGreaterThan(ms);
  return seen;
}

describe("a stream of A2A", () => {
  test("a stream of A2A lives through 20 seconds of silence, over each binding", async () => {
    const expected = [`task ${TASK_STATE_SUBMITTED}`, "artifact thought", `status ${TASK_STATE_COMPLETED}`];
    for (const seen of await Promise.all(BINDINGS.map((binding) => seenOverSilence(binding, 20_000))))
      expect(seen).toEqual(expected);
  });

  test.each(BINDINGS)(
    "a stream of A2A over %s is taken up again by subscribe, and by get, also after a kill -9",
    async (binding) => {
      const { server, agent, ask } = await startCalling();
      const bob = await agent("bob");
      const alice = await agent("alice");
      const client = await clientOf(`${server.url}/a2a/bob/`, binding, alice);
      const stream = client.sendMessageStream(saying("Long work"));
      const { payload } = (await stream.next()).value as { payload: { value: { id: string } } };
      const { id } = payload.value;
      await stream.return();
      const again = subscribed(client, id);
      await again.first;
      await ask("POST", `/v1/delegations/${id}/progress`, { text: "one" }, bob);
      await server.kill();
      await again.over.catch(() => undefined);

      const port = Number(new URL(server.url).port);
      await startServer({ dataDir: server.dataDir, port });
      const later = subscribed(client, id);
      await later.first;
      await ask("POST", `/v1/delegations/${id}/progress`, { text: "two" }, bob);
      await ask("POST", `/v1/delegations/${id}/response`, { text: "three" }, bob);
      await later.over;
      expect(later.seen).toEqual([
        `task ${TASK_STATE_WORKING}`,
        `status ${TASK_STATE_WORKING} two`,
        "artifact three",
        `status ${TASK_STATE_COMPLETED}`,
      ]);
      const task = await client.getTask({ tenant: "", id });
      expect(resultOf(task)).toBe("three");
      expect(task.history.map(({ parts }) => parts[0]?.content?.value)).toEqual(["Long work", "one", "two", "three"]);
      // A task that is over is not followed any more.
      await expect(client.resubscribeTask({ tenant: "", id }).next()).rejects.toThrow(/over/);
    },
  );

  test("a stream of A2A tells several followers the same, in the same order", async () => {
    const { server, agent, ask } = await startCalling();
    const bob = await agent("bob");
    const alice = await agent("alice");
    const [rpc, rest] = await Promise.all(BINDINGS.map((one) => clientOf(`${server.url}/a2a/bob/`, one, alice)));
    if (!rpc || !rest) throw new Error("no clients");
    const { id } = asTask(await rpc.sendMessage(saidAtOnce("Go")));
    const followers = [subscribed(rpc, id), subscribed(rest, id), subscribed(rpc, id)];
    await Promise.all(followers.map(({ first }) => first));
    for (const text of ["one", "two"]) await ask("POST", `/v1/delegations/${id}/progress`, { text }, bob);
    await rest.cancelTask({ tenant: "", id, metadata: undefined });
    await Promise.all(followers.map(({ over }) => over));
    const [first, ...others] = followers.map(({ seen }) => seen);
    expect(first?.at(-1)).toStartWith(`status ${TASK_STATE_CANCELED}`);
    for (const other of others) expect(other).toEqual(first ?? []);
  });

  test("a stream of A2A says that a group's request was taken, and ends with a token that is revoked", async () => {
    const { ask, agent, relay } = await startRelay();
    const carol = await agent("carol", { tags: ["review"] });
    const alice = await agent("alice");
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, alice)).body;
    const response = await relay.app.handle(
      new Request("http://localhost/a2a/tag:review/message:stream", {
        method: "POST",
        headers: { ...headers, authorization: `Bearer ${alice.token}`, "content-type": "application/json" },
        body: JSON.stringify({ message: message("m") }),
      }),
    );
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    await ask("POST", "/v1/agents/carol/claims", {}, carol);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let told = "";
    while (!told.includes("TASK_STATE_WORKING")) told += decoder.decode((await reader.read()).value);
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    for (let next = await reader.read(); !next.done; next = await reader.read()) told += decoder.decode(next.value);
    expect(told).toContain("event: error");
    expect(told).toContain("UNAUTHENTICATED");
  });

  test("a stream of A2A is limited in number, and leaves nothing behind when clients go", async () => {
    const { ask, agent, relay } = await startRelay();
    await agent("bob");
    const alice = await agent("alice");
    const open = async (index: number) => {
      const leave = new AbortController();
      const response = await relay.app.handle(
        new Request("http://localhost/a2a/bob/message:stream", {
          method: "POST",
          headers: { ...headers, authorization: `Bearer ${alice.token}`, "content-type": "application/json" },
          body: JSON.stringify({ message: message(`m${index}`) }),
          signal: leave.signal,
        }),
      );
      return { response, leave };
    };
    const opened = [];
    for (let i = 0; i < 64; i++) opened.push(await open(i));
    const refused = await open(64);
    expect(refused.response.status).toBe(429);
    expect(await refused.response.json()).toMatchObject({ error: { status: "RESOURCE_EXHAUSTED" } });
    for (const { response } of opened) await response.body?.cancel();
    expect((await open(65)).response.status).toBe(200);
    expect((await ask("GET", "/v1/delegations?limit=100")).body.items.length).toBeGreaterThanOrEqual(65);
  });
});
