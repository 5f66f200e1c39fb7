import { describe, expect, test } from "bun:test";
import { peerOf, stuckPeers } from "../../../src/kernel/log/peers.ts";
import { listen } from "../../support/listen.ts";
import { type RawConnection, rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";
import { turns, until } from "../../support/until.ts";

/** A relay whose kernel says that the peers in `stuck` confirm nothing any more. */
async function withVanishing() {
  const stuck = new Set<string>();
  const relay = await startRelay({}, undefined, { stuckPeers: async () => stuck });
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const connections = async () => (await relay.ask("GET", "/v1/agents/bob")).body.connections as number;

  async function open(path = "/v1/agents/bob/inbox/stream"): Promise<RawConnection> {
    const lines = [`GET ${path} HTTP/1.1`, "Host: relay", `Authorization: Bearer ${bob.token}`];
    const stream = await rawConnect(url, { lines });
    await until(() => stream.text().includes("event: hello"));
    return stream;
  }
  return {
    ...relay,
    ...{ url, bob, connections, open },
    /** From now on its client is not there, though nobody closed anything. */
    vanish: ({ socket }: RawConnection) =>
      stuck.add(peerOf({ address: socket.localAddress ?? "", port: socket.localPort ?? 0 })),
    comeBack: () => stuck.clear(),
    /** Lets so many seconds of keep-alives pass. */
    async wait(seconds: number) {
      for (let passed = 0; passed < seconds; passed += 15) {
        relay.clock.advance(15_000);
        await turns();
      }
    },
  };
}

const farewellIn = (stream: RawConnection): unknown => {
  const data = /event: bye\ndata: (.*)/.exec(stream.text())?.[1];
  return data === undefined ? undefined : JSON.parse(data).reason;
};

describe("G9: streams whose clients vanished without a word", () => {
  test("G9: the ninth stream replaces the one of eight that made no progress for the longest", async () => {
    const { open, vanish, wait, connections } = await withVanishing();
    const streams: RawConnection[] = [];
    for (let i = 0; i < 8; i++) streams.push(await open());
    const [third, sixth] = [streams[2] as RawConnection, streams[5] as RawConnection];
    vanish(sixth);
    await wait(15);
    vanish(third);
    await wait(15);
    await open();
    await until(() => farewellIn(sixth) === "replaced");
    await open();
    await until(() => farewellIn(third) === "replaced");
    expect(streams.filter((stream) => farewellIn(stream) !== undefined)).toHaveLength(2);
    expect(await connections()).toBe(8);
  });

  test("G9: of eight streams that all look alike, the oldest is replaced", async () => {
    const { open, wait, connections } = await withVanishing();
    const streams: RawConnection[] = [];
    for (let i = 0; i < 8; i++) streams.push(await open());
    await wait(30);
    await open();
    await until(() => farewellIn(streams[0] as RawConnection) === "replaced");
    expect(streams.filter((stream) => farewellIn(stream) !== undefined)).toHaveLength(1);
    expect(await connections()).toBe(8);
  });

  test.each(["/v1/agents/bob/inbox/stream", "/v1/messages/stream"])(
    "G9: streams whose clients vanished without a word are closed after 60 s: %s",
    async (path) => {
      const { open, vanish, wait, connections } = await withVanishing();
      const gone = await open(path);
      const there = await open(path);
      await wait(15);
      vanish(gone);
      await wait(45);
      expect(await connections()).toBe(2);
      await wait(15);
      await until(async () => (await connections()) === 1);
      await until(() => farewellIn(gone) === "too-slow");
      expect(farewellIn(there)).toBeUndefined();
    },
  );

  test("G9: streams whose clients vanished without a word stay when they are heard of again in time", async () => {
    const { open, vanish, comeBack, wait, connections } = await withVanishing();
    vanish(await open());
    await wait(45);
    comeBack();
    await wait(15);
    vanish(await open());
    await wait(45);
    expect(await connections()).toBe(2);
  });

  test("G9: WebSockets whose clients vanished without a word are closed, too, and make way for a ninth", async () => {
    const { url, bob, open, vanish, wait, connections } = await withVanishing();
    const sockets = [];
    for (let i = 0; i < 7; i++) {
      const socket = await openSocket(`${url}/v1/agents/bob/socket`, bob);
      await socket.first("hello");
      sockets.push(socket);
    }
    vanish(await open());
    await openSocket(`${url}/v1/agents/bob/socket`, bob);
    const ninth = await openSocket(`${url}/v1/agents/bob/socket`, bob);
    await ninth.first("hello");
    expect(await sockets[0]?.closed).toEqual({ code: 1013, reason: "replaced" });
    expect(sockets[0]?.of("bye")).toMatchObject([{ reason: "replaced" }]);
    await wait(60);
    await until(async () => (await connections()) === 7);
  });
});

test.if(process.platform === "linux")("the kernel says which peers confirm nothing", async () => {
  const relay = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const lines = ["GET /v1/agents/bob/inbox/stream HTTP/1.1", "Host: relay", `Authorization: Bearer ${bob.token}`];
  const [silent, reading] = [await rawConnect(url, { lines, reads: false }), await rawConnect(url, { lines })];
  const peer = ({ socket }: RawConnection) => peerOf({ address: "127.0.0.1", port: socket.localPort ?? 0 });
  const messages = Array.from({ length: 20 }, () => ({ to: "bob", body: "x".repeat(100_000) }));
  await until(async () => {
    await relay.ask("POST", "/v1/messages/batch", { messages });
    return (await stuckPeers()).has(peer(silent));
  });
  await until(async () => !(await stuckPeers()).has(peer(reading)));
  silent.socket.resume();
  silent.socket.on("data", () => undefined);
  await until(async () => !(await stuckPeers()).has(peer(silent)));
});
