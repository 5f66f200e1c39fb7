import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { ProblemBody } from "../../../src/protocol/problem.ts";
import { PROBLEMS } from "../../../src/protocol/problem-codes.ts";
import { SocketFrame } from "../../../src/protocol/sockets.ts";
import { createDigest } from "../../support/digest.ts";
import { bytes, json, jsonText, text } from "../../support/garbage.ts";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { atEnd } from "../../support/relay.ts";
import { type Frame, openSocket, type TestSocket } from "../../support/socket.ts";
import { createWorld, type World } from "../../support/world.ts";
import { bodyOf, inBody, type Wound } from "../../support/wounds.ts";

const SEED = 20_260_301;

/** A sound frame of every type. */
const FRAMES: Record<string, (world: World) => Promise<Frame> | Frame> = {
  send: () => ({
    type: "send",
    ref: 1,
    message: { to: "sender", body: "x", topic: "t", payload: { a: [1] }, meta: null },
  }),
  ack: async (world) => ({ type: "ack", ref: "a", upTo: await world.work() }),
  claim: async (world) => ({ type: "claim", ref: 1, messageId: await world.work(), leaseSeconds: 60 }),
  "claim next": () => ({ type: "claim", ref: 1, max: 1, kinds: ["task"], topics: ["t"], waitSeconds: 0 }),
  renew: (world) => onHeld(world, { type: "renew", leaseSeconds: 60 }),
  release: (world) => onHeld(world, { type: "release", delaySeconds: 1, reason: "later" }),
  complete: (world) => onHeld(world, { type: "complete", result: { body: "done", payload: {} } }),
  fail: (world) => onHeld(world, { type: "fail", error: "broke", retryAfterSeconds: 1, final: false }),
  heartbeat: () => ({ type: "heartbeat", ref: 1, status: "busy", ready: true }),
};

async function onHeld(world: World, frame: Frame): Promise<Frame> {
  const { id, token } = await world.held();
  return { ...frame, ref: 1, messageId: Number(id), token };
}

interface Line {
  world: World;
  socket: TestSocket;
  /** Sends bytes or text and waits for the one answer to it. */
  exchange(frame: string | Uint8Array<ArrayBuffer>): Promise<Frame>;
  digest(): string;
}

async function openLine(): Promise<Line> {
  const world = await createWorld();
  const url = listen(world);
  const socket = await openSocket(`${url}/v1/agents/worker/socket`, { token: world.tokens.agent ?? "" });
  await socket.first("hello");
  const digest = createDigest(join(world.config.dataDir, "signalbox.db"));
  atEnd(async () => digest.close());
  const answers = () => socket.frames.filter(({ type }) => type === "ok" || type === "problem");
  return {
    world,
    socket,
    digest: digest.take,
    async exchange(frame) {
      const before = answers().length;
      socket.ws.send(frame);
      await socket.until(() => answers().length > before, `an answer to ${String(frame).slice(0, 200)}`);
      expect(answers()).toHaveLength(before + 1);
      return answers().at(-1) as Frame;
    },
  };
}

/** Made once: zod compiles a shape at its first use. */
const StrictProblem = ProblemBody.strict();

function expectRefusal(answer: Frame, what: string): void {
  const problem = StrictProblem.parse(answer.problem);
  expect(problem.status, what).toBeLessThan(500);
  expect(Object.keys(PROBLEMS), what).toContain(problem.code);
}

describe("G9: garbage over a WebSocket", () => {
  test("G9: a sound frame with one thing wrong is answered, or refused and changes nothing", async () => {
    const line = await openLine();
    const injury = fc.record({ name: fc.constantFrom(...Object.keys(FRAMES)), wound: fc.oneof(...inBody) });
    await fc.assert(
      fc.asyncProperty(injury, async ({ name, wound }: { name: string; wound: Wound }) => {
        const frame = await FRAMES[name]?.(line.world);
        const before = line.digest();
        const spoilt = bodyOf({ who: "agent", body: frame }, wound) ?? "";
        const answer = await line.exchange(spoilt);
        SocketFrame.parse(answer);
        if (answer.type === "ok")
          return void (await line.world.ask("POST", "/v1/agents/worker/heartbeat", { ready: true }));
        expectRefusal(answer, JSON.stringify(answer));
        expect(line.digest(), `refused, and something changed: ${JSON.stringify(answer)}`).toBe(before);
      }),
      { seed: SEED, numRuns: 1000 },
    );
    for (const frame of line.socket.frames) SocketFrame.parse(frame);
  });

  test("G9: frames that are garbage all over are refused, one answer each", async () => {
    const line = await openLine();
    const garbage = fc.oneof(
      json.map(jsonText),
      text.map((given) => given.toWellFormed()),
      bytes.map((given) => Uint8Array.from(given)),
      fc.record({ type: fc.oneof(text, json), ref: json }).map(jsonText),
    );
    const before = line.digest();
    await fc.assert(
      fc.asyncProperty(garbage, async (frame) => {
        const answer = await line.exchange(frame);
        expect(answer.type).toBe("problem");
        expectRefusal(answer, JSON.stringify(answer));
      }),
      { seed: SEED, numRuns: 1000 },
    );
    expect(line.digest()).toBe(before);
  });

  test("G9: bytes on a WebSocket that are no UTF-8 are refused, even where the rest is sound", async () => {
    const line = await openLine();
    const frame = Buffer.from('{"type":"send","ref":1,"message":{"to":"sender","body":"a\xffb"}}', "latin1");
    const answer = await line.exchange(Uint8Array.from(frame));
    expect(answer).toMatchObject({ type: "problem", problem: { code: "not-json" } });
  });

  test("G9: 1,000 frames of garbage without waiting are all answered, and the connection goes on", async () => {
    const { socket } = await openLine();
    for (let i = 0; i < 1000; i++) socket.say(i % 2 ? `{"type":"nonsense","ref":${i}}` : "{{{{");
    await socket.until(() => socket.of("problem").length === 1000, "1,000 problems");
    expect((await socket.ask({ type: "heartbeat" })).type).toBe("ok");
  });

  test("G9: a first frame that is no token ends a WebSocket with a problem and 4001", async () => {
    const world = await createWorld();
    const url = listen(world);
    for (const first of [
      "",
      "{",
      "null",
      '{"type":"auth"}',
      '{"type":"auth","token":"sbx_no"}',
      '{"type":"ack"}',
      "\u0000",
    ]) {
      const socket = await openSocket(`${url}/v1/agents/worker/socket`, {});
      socket.ws.send(first);
      expect((await socket.closed).code, first).toBe(4001);
      expectRefusal(socket.of("problem")[0] as Frame, first);
    }
  });

  test("G9: frames that break the protocol end that connection alone", async () => {
    const { world, socket } = await openLine();
    for (const [name, frames] of Object.entries(BROKEN_FRAMES)) {
      const raw = await rawConnect(`http://127.0.0.1:${world.relay.app.server?.port}`, {
        lines: [
          ...["GET /v1/agents/worker/socket HTTP/1.1", "Host: relay", `Authorization: Bearer ${world.tokens.agent}`],
          ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
      });
      raw.socket.write(frames);
      await Promise.race([raw.closed, Bun.sleep(50)]);
      raw.socket.destroy();
      expect((await socket.ask({ type: "heartbeat" })).type, name).toBe("ok");
    }
  });
});

const mask = [0, 0, 0, 0];
/** RFC 6455, section 5: what an endpoint must not send. */
const BROKEN_FRAMES: Record<string, Uint8Array> = {
  "not masked": Uint8Array.from([0x81, 2, 0x7b, 0x7d]),
  "reserved bits": Uint8Array.from([0xf1, 0x82, ...mask, 0x7b, 0x7d]),
  "an unknown opcode": Uint8Array.from([0x83, 0x82, ...mask, 0x7b, 0x7d]),
  "text that is no UTF-8": Uint8Array.from([0x81, 0x82, ...mask, 0xff, 0xfe]),
  "a continuation of nothing": Uint8Array.from([0x80, 0x82, ...mask, 0x7b, 0x7d]),
  "two beginnings": Uint8Array.from([0x01, 0x81, ...mask, 0x7b, 0x01, 0x81, ...mask, 0x7b]),
  "a ping of 200 bytes": Uint8Array.from([0x89, 0xfe, 0, 200, ...mask, ...Array(200).fill(0x61)]),
  "a ping in pieces": Uint8Array.from([0x09, 0x81, ...mask, 0x61]),
  "a close of one byte": Uint8Array.from([0x88, 0x81, ...mask, 3]),
  "a close with a code that is none": Uint8Array.from([0x88, 0x82, ...mask, 0xff, 0xff]),
  "a length beyond counting": Uint8Array.from([0x81, 0xff, ...Array(8).fill(0xff), ...mask]),
  "a length of 4 GiB": Uint8Array.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, ...mask, ...Array(1000).fill(0x61)]),
  "half a frame": Uint8Array.from([0x81, 0xfe]),
  "1,000 pings": Uint8Array.from(
    Array(1000)
      .fill([0x89, 0x80, ...mask])
      .flat(),
  ),
  "1,000 empty frames": Uint8Array.from(
    Array(1000)
      .fill([0x81, 0x80, ...mask])
      .flat(),
  ),
  "pieces that never end": Uint8Array.from([
    0x01,
    0x81,
    ...mask,
    0x7b,
    ...Array(1000)
      .fill([0x00, 0x81, ...mask, 0x61])
      .flat(),
  ]),
};
