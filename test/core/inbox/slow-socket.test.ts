import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawSocket } from "../../support/raw-socket.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { turns, until } from "../../support/until.ts";

const BODY = "x".repeat(100_000);

async function withSlowSocket() {
  const relay = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const slow = await relay.agent("slow");
  const boss = await relay.agent("boss");
  const connections = async () => (await relay.ask("GET", "/v1/agents/slow")).body.connections as number;
  const socket = await rawSocket(url, "/v1/agents/slow/socket", slow.token);
  await until(async () => (await connections()) === 1);
  return {
    ...relay,
    boss,
    socket,
    connections,
    async flood(count: number): Promise<number> {
      let last = 0;
      for (let i = 0; i < count; i += 20) {
        const messages = Array.from({ length: 20 }, () => ({ to: "slow", body: BODY }));
        last = (await relay.ask("POST", "/v1/messages/batch", { messages }, boss)).body.items.at(-1).id;
      }
      return last;
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
const collect = (into: Record<string, any>[]) => (frame: string) => into.push(JSON.parse(frame));

describe("a WebSocket whose client does not read", () => {
  test("G3: a WebSocket whose client does not read has everything once and in order when it reads again", async () => {
    const { socket, flood } = await withSlowSocket();
    const last = await flood(400);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
    const frames: Record<string, any>[] = [];
    socket.read(collect(frames));
    const ids = () => frames.filter((frame) => frame.type === "message").map((frame) => frame.message.id);
    await until(() => ids().at(-1) === last);
    expect(ids()).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  });

  test("G9: a WebSocket whose client does not read is cut off when it has taken nothing for 30 s", async () => {
    const { socket, flood, clock, connections } = await withSlowSocket();
    await flood(200);
    clock.advance(15_000);
    await turns();
    expect(await connections()).toBe(1);
    clock.advance(15_000);
    expect(await connections()).toBe(0);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
    const frames: Record<string, any>[] = [];
    socket.read(collect(frames));
    await until(() => frames.some((frame) => frame.type === "bye"));
    const got = frames.filter((frame) => frame.type === "message").map((frame) => frame.message.id);
    expect(frames.at(-1)).toEqual({ type: "bye", reason: "too-slow", resumeAfter: got.at(-1) });
    expect(got).toEqual(Array.from({ length: got.length }, (_, i) => i + 1));
  });

  test("G9: a WebSocket whose client does not read is not asked for more work than it takes answers for; no answer is dropped", async () => {
    const { socket, ask } = await withSlowSocket();
    const frames = 120;
    const body = "x".repeat(250_000);
    for (let ref = 0; ref < frames; ref++) socket.say({ type: "send", ref, message: { to: "boss", body } });
    const head = async () => (await ask("GET", "/v1/agents/boss/inbox?limit=1")).body.head as number;
    // Each answer repeats its message: they do not fit into what the kernel takes.
    let before = -1;
    await until(async () => {
      await turns(50);
      const now = await head();
      const rests = now === before && now > 0;
      before = now;
      return rests;
    });
    expect(before).toBeLessThan(frames);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
    const answers: Record<string, any>[] = [];
    socket.read(collect(answers));
    await until(() => answers.filter((frame) => frame.type === "ok").length === frames);
    expect(answers.filter((frame) => frame.type === "ok").map((frame) => frame.ref)).toEqual(
      Array.from({ length: frames }, (_, i) => i),
    );
  });

  test("G9: a WebSocket whose client does not read, but sends without end, is not read from any more", async () => {
    const { socket, connections, clock } = await withSlowSocket();
    let sent = 0;
    // The kernels take some; then nothing moves.
    const moves = () => {
      while (socket.socket.writableLength === 0)
        socket.say({ type: "send", ref: sent++, message: { to: "boss", body: BODY } });
    };
    let before = -1;
    await until(async () => {
      moves();
      await turns(50);
      const rests = socket.socket.writableLength > 0 && before === sent;
      before = sent;
      return rests;
    });
    expect(sent).toBeLessThan(1000);
    clock.advance(15_000);
    clock.advance(15_000);
    expect(await connections()).toBe(0);
  });
});

test("an answer of many megabytes arrives over a WebSocket", async () => {
  const relay = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const boss = await relay.agent("boss");
  const messages = Array.from({ length: 20 }, () => ({ to: "bob", body: "x".repeat(250_000), claimable: true }));
  for (let i = 0; i < 5; i++) await relay.ask("POST", "/v1/messages/batch", { messages }, boss);
  await relay.ask("POST", "/v1/agents/bob/inbox/ack", { upTo: 100 }, bob);
  const socket = await openSocket(`${url}/v1/agents/bob/socket`, bob);
  const held: number[] = [];
  while (held.length < 100) {
    const { result } = await socket.ask({ type: "claim", max: 100 });
    expect(JSON.stringify(result).length).toBeLessThan(6_000_000);
    expect(result.items.length).toBeGreaterThan(0);
    held.push(...result.items.map((item: { message: { id: number } }) => item.message.id));
  }
  expect(held).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
});
