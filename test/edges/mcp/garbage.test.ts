import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { createDigest } from "../../support/digest.ts";
import { bytes, json, jsonText } from "../../support/garbage.ts";
import { META } from "../../support/mcp.ts";
import { atEnd } from "../../support/relay.ts";
import { inTime } from "../../support/until.ts";
import { createWorld, type World } from "../../support/world.ts";
import { bodyOf, createNearWounds, inBody, type Wound } from "../../support/wounds.ts";

const SEED = 20_260_301;
/** Time after which a waiting call leaves. */
const PATIENCE_MS = 15;
const ANSWER_MS = 5000;

/** Sound calls of every tool and method. */
async function callsOf(world: World) {
  const held = await world.held();
  const open = await world.work();
  const asked = await world.ask(
    "POST",
    "/v1/delegations",
    { to: "worker", text: "?" },
    { token: world.tokens.operator ?? "" },
  );
  const tools: [string, Record<string, unknown>][] = [
    ["who", { tag: "review", all: true, budget: 500 }],
    ["send", { to: "sender", text: "hi", subject: "s", work: false, urgent: true, key: "k" }],
    ["reply", { id: open, text: "yes", urgent: false, key: "r" }],
    ["inbox", { ack: 0, wait: 0, budget: 1000 }],
    ["claim", { id: open, lease: 60, budget: 1000 }],
    ["finish", { id: Number(held.id), token: held.token, how: "release", text: "no", final: false }],
    ["delegate", { to: "sender", text: "?", context: "c", timeout: 60, wait: 0, key: "d" }],
    ["answer", { delegation: asked.body.id, text: "a", error: "e" }],
    ["status", { message: open, budget: 500 }],
    ["status", { delegation: asked.body.id, wait: 0 }],
    ["history", { message: open, offset: 0, thread: open, with: "sender", search: "x", before: 9, budget: 500 }],
    ["brief", { budget: 500 }],
  ];
  const methods: [string, Record<string, unknown>][] = [
    ["tools/list", {}],
    ["resources/read", { uri: "signalbox://inbox" }],
    ["resources/read", { uri: `signalbox://threads/${open}` }],
    ["prompts/get", { name: "etiquette" }],
    ["server/discover", {}],
    ["completion/complete", { ref: { type: "ref/prompt", name: "etiquette" }, argument: { name: "a", value: "b" } }],
    ["initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } }],
  ];
  return [
    ...tools.map(([name, input]) => ({ method: "tools/call", params: { name, arguments: input, _meta: META } })),
    ...methods.map(([method, params]) => ({ method, params: { ...params, _meta: META } })),
  ].map((message) => ({ jsonrpc: "2.0", id: 1, ...message }));
}

const Failed = z.looseObject({ error: z.looseObject({ code: z.int(), message: z.string() }) });
const Told = z.looseObject({ result: z.looseObject({ isError: z.boolean().optional() }) });

/** Sends it, and holds the answer against the properties. */
async function fire(
  world: World,
  digest: { take(): unknown },
  message: { method: string },
  body: string | Uint8Array<ArrayBuffer>,
) {
  const { params } = message as { params?: { name?: string; uri?: string } };
  const named = params?.name ?? params?.uri;
  const leave = new AbortController();
  const before = digest.take();
  const request = new Request("http://localhost/mcp", {
    method: "POST",
    headers: {
      authorization: `Bearer ${world.tokens.agent}`,
      ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
      ...{ "mcp-protocol-version": "2026-07-28", "mcp-method": message.method },
      ...(named ? { "mcp-name": named } : {}),
    },
    signal: leave.signal,
    body,
  });
  const patience = setTimeout(() => leave.abort(), PATIENCE_MS);
  const response = await inTime(world.relay.app.handle(request), "an answer", ANSWER_MS);
  const text = await inTime(response.text(), "a body", ANSWER_MS).finally(() => clearTimeout(patience));
  expect(response.status, text).toBeLessThan(500);
  if (response.status === 202 || response.status === 499) return "accepted";
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  const answer: unknown = JSON.parse(data);
  const told = Told.safeParse(answer).data;
  if (told && !told.result.isError) return "accepted";
  if (!told) {
    const { code, message } = Failed.parse(answer).error;
    // The SDK says "internal error" of parameters that its own schemas refuse, and which: that is no failure of ours.
    if (code === -32_603) expect(message, text).toMatch(/^\[[\s\S]*"path"/);
  }
  expect(text).not.toContain("internal: ");
  expect(digest.take(), `refused, and something changed: ${text}`).toEqual(before);
  return "refused";
}

async function start() {
  const world = await createWorld();
  const digest = createDigest(join(world.config.dataDir, "signalbox.db"));
  atEnd(async () => digest.close());
  return { world, digest, calls: await callsOf(world) };
}

test("G9: a sound message with one thing wrong is answered, or refused and changes nothing", async () => {
  let range = await start();
  let runs = 0;
  let refused = 0;
  const wound: fc.Arbitrary<Wound> = fc.oneof(...inBody);
  await fc.assert(
    fc.asyncProperty(fc.nat(1000), wound, async (nth, wound) => {
      if (++runs % 250 === 0) range = await start();
      const message = range.calls[nth % range.calls.length];
      if (!message) throw new Error("there is no call");
      const body = bodyOf({ who: "agent", body: message }, wound) ?? "";
      if ((await fire(range.world, range.digest, message, body)) === "refused") refused++;
    }),
    { seed: SEED, numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(300);
  expect(Reflect.has({}, "polluted")).toBe(false);
});

test("G9: every member of every call takes only what it should", async () => {
  const woundsOf = createNearWounds(8);
  for (const [nth, { method }] of (await start()).calls.entries()) {
    if (method !== "tools/call") continue;
    const { world, digest, calls } = await start();
    const message = calls[nth];
    if (!message) throw new Error("there is no call");
    for (const wound of woundsOf(message.params)) {
      const params = JSON.parse(String(bodyOf({ who: "agent", body: message.params }, wound) || "{}"));
      await fire(world, digest, message, JSON.stringify({ ...message, params }));
    }
  }
});

test("G9: garbage is refused and changes nothing", async () => {
  const { world, digest } = await start();
  await fc.assert(
    fc.asyncProperty(fc.oneof(json, bytes), async (garbage) => {
      const body = garbage instanceof Uint8Array ? Uint8Array.from(garbage) : jsonText(garbage);
      await fire(world, digest, { method: "tools/call" }, body);
    }),
    { seed: SEED, numRuns: 300 },
  );
});
