import { expect, test } from "bun:test";
import { join } from "node:path";
import type { z } from "zod";
import { ClientFrame, SocketFrame } from "../../../src/protocol/sockets.ts";
import { WatchFrame, WatchRequest } from "../../../src/protocol/watch.ts";

const page = await Bun.file(join(import.meta.dir, "../../../docs/websocket.md")).text();

/** The frames of the page's JSON blocks, one a line. */
const framesOf = (section: string): unknown[] =>
  [...section.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
    block
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );

/** Every `type` of a union of frames. */
function typesOf(schema: z.ZodType): string[] {
  const { options, shape } = schema as unknown as { options?: z.ZodType[]; shape?: { type: { value: string } } };
  return shape ? [shape.type.value] : (options ?? []).flatMap(typesOf);
}

const [client = "", rest = ""] = page.split("## Frames from the relay");
const [relay = "", watching = ""] = rest.split("## Pages that watch");

test("the page about the WebSocket shows frames that the relay takes, of every type", () => {
  const frames = framesOf(client);
  for (const frame of frames) expect(ClientFrame.safeParse(frame).error, JSON.stringify(frame)).toBeUndefined();
  const shown = new Set(frames.map((frame) => (frame as { type: string }).type));
  expect([...shown].toSorted()).toEqual(typesOf(ClientFrame).toSorted());
});

test("the page about the WebSocket names every frame that the relay sends", () => {
  for (const frame of framesOf(relay))
    expect(SocketFrame.safeParse(frame).error, JSON.stringify(frame)).toBeUndefined();
  for (const type of typesOf(SocketFrame)) expect(relay).toContain(`| \`${type}\` |`);
});

test("the page about the WebSocket shows frames of pages that watch, of every type that they send", () => {
  const frames = framesOf(watching) as { type: string }[];
  const sent = frames.filter(({ type }) => type !== "event");
  for (const frame of sent) expect(WatchRequest.safeParse(frame).error, JSON.stringify(frame)).toBeUndefined();
  expect([...new Set(sent.map(({ type }) => type))].toSorted()).toEqual(typesOf(WatchRequest).toSorted());
  for (const frame of frames.filter(({ type }) => type === "event"))
    expect(WatchFrame.safeParse(frame).error, JSON.stringify(frame)).toBeUndefined();
});
