import { describe, expect, test } from "bun:test";
import { EventSource } from "eventsource";
import { agentOn, asking } from "../../support/ask.ts";
import { atEnd } from "../../support/ending.ts";
import { startServer } from "../../support/server.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";

/** The server program, which can be killed and started again over the same files on the same port. */
async function withServer() {
  let server = await startServer();
  const { dataDir, url } = server;
  const ask: ReturnType<typeof asking> = (...args) => asking(server)(...args);
  return {
    url,
    ask,
    server: () => server,
    async startAgain() {
      server = await startServer({ dataDir, port: Number(new URL(url).port) });
    },
    ann: await agentOn(ask, "ann"),
    bob: await agentOn(ask, "bob"),
  };
}

const numbers = (upTo: number) => Array.from({ length: upTo }, (_, i) => i + 1);

describe("clients of a relay that is killed and started again", () => {
  test("G3: an EventSource comes back by itself after a kill and has every message once and in order", async () => {
    const { url, ask, server, startAgain, ann, bob } = await withServer();
    const source = new EventSource(`${url}/v1/agents/bob/inbox/stream`, {
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...init?.headers, authorization: `Bearer ${bob.token}` } }),
    });
    atEnd(async () => source.close());
    const got: number[] = [];
    let hellos = 0;
    source.addEventListener("message", (event) => got.push(JSON.parse(event.data).id));
    source.addEventListener("hello", () => hellos++);
    const send = (count: number) =>
      ask("POST", "/v1/messages/batch", { messages: Array(count).fill({ to: "bob", body: "x" }) }, ann);
    await send(50);
    await until(() => got.length >= 50);
    await server().kill();
    await startAgain();
    await send(50);
    await until(() => got.length >= 100);
    await server().kill();
    await startAgain();
    await until(() => hellos === 3);
    await send(50);
    await until(() => got.length >= 150);
    expect(got).toEqual(numbers(150));
  });

  test("G1, G3: messages answered before a kill are there afterwards, for streams and sockets alike", async () => {
    const { url, ask, server, startAgain, ann, bob } = await withServer();
    const first = await openStream(`${url}/v1/agents/bob/inbox/stream`, bob);
    await first.first("hello");
    const answered: number[] = [];
    const sending = (async () => {
      for (;;) {
        const sent = await ask("POST", "/v1/messages", { to: "bob", body: "x" }, ann).catch(() => undefined);
        if (sent?.status !== 201) return;
        answered.push(sent.body.id);
      }
    })();
    await first.until((so) => so.ids().length > 100);
    await server().kill();
    await sending;
    await first.ended;
    await startAgain();
    const last = (await ask("POST", "/v1/messages", { to: "bob", body: "the last" }, ann)).body.id as number;
    const place = first.ids().at(-1) as number;
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, {
      ...bob,
      headers: { "last-event-id": String(place) },
    });
    const socket = await openSocket(`${url}/v1/agents/bob/socket?after=${place}`, bob);
    await stream.until((so) => so.ids().at(-1) === last);
    await socket.until((so) => so.ids().at(-1) === last);
    const all = [...first.ids(), ...stream.ids()];
    expect(all).toEqual(numbers(last));
    expect(answered.filter((id) => !all.includes(id))).toEqual([]);
    expect([...first.ids(), ...socket.ids()]).toEqual(all);
  });

  test("G3: without a place a stream starts at the stored cursor, which survives a kill", async () => {
    const { url, ask, server, startAgain, ann, bob } = await withServer();
    await ask("POST", "/v1/messages/batch", { messages: Array(10).fill({ to: "bob", body: "x" }) }, ann);
    expect((await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: 6 }, bob)).status).toBe(200);
    await server().kill();
    await startAgain();
    const stream = await openStream(`${url}/v1/agents/bob/inbox/stream`, bob);
    await stream.until((so) => so.ids().length >= 4);
    expect(stream.ids()).toEqual([7, 8, 9, 10]);
  });
});

const curl = Bun.which("curl");
test.skipIf(!curl)(
  "plain curl shows a stream as it comes (skipped where there is no curl)",
  async () => {
    const { url, ask, ann, bob } = await withServer();
    const child = Bun.spawn(
      [String(curl), "-sN", "-H", `Authorization: Bearer ${bob.token}`, `${url}/v1/agents/bob/inbox/stream`],
      {
        stdout: "pipe",
      },
    );
    atEnd(async () => child.kill());
    let text = "";
    void (async () => {
      for await (const bytes of child.stdout) text += new TextDecoder().decode(bytes);
    })();
    await until(() => text.includes("event: hello"));
    await ask("POST", "/v1/messages", { to: "bob", body: "grüße" }, ann);
    await until(() => text.includes("grüße"));
    // Agents come and go at their own time.
    expect(text.replace(/event: presence\ndata: .*\n\n/g, "")).toMatch(
      /^retry: 2000\n\nevent: hello\ndata: \{.*\}\n\nid: 1\nevent: message\ndata: \{"id":1,.*\}\n\n$/,
    );
  },
  30_000,
);
