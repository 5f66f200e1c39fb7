import { beforeEach, describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { atEnd } from "../support/ending.ts";
import { type Crew, type ShownRun, startCrew } from "../support/runs.ts";
import { until } from "../support/until.ts";
import type { Worker } from "../support/work.ts";

/** A collector on loopback. */
function startCollector() {
  const received: { path: string; headers: Headers; text: string }[] = [];
  const answers: Response[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const path = new URL(request.url).pathname;
      received.push({ path, headers: request.headers, text: await request.text() });
      return answers.shift() ?? Response.json({ partialSuccess: {} });
    },
  });
  atEnd(() => server.stop(true));
  // biome-ignore lint/suspicious/noExplicitAny: tests look into spans freely
  const spans = (): any[] =>
    received.flatMap(({ text }) =>
      JSON.parse(text).resourceSpans[0].scopeSpans.flatMap((scope: { spans: object[] }) => scope.spans),
    );
  return { url: `http://127.0.0.1:${server.port}`, received, answers, spans };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into spans freely
const attributesOf = (span: any) =>
  Object.fromEntries(
    span.attributes.map(({ key, value }: { key: string; value: Record<string, string> }) => [
      key,
      Object.values(value)[0],
    ]),
  );

let collector: ReturnType<typeof startCollector>;
let crew: Crew;
let ben: Worker;
const telemetryOf = (more: object = {}) => ({
  ...{ endpoint: collector.url, headers: { "x-tenant": "t1" }, hasContent: false },
  ...more,
});
async function start(more: object = {}, overrides: Parameters<typeof startCrew>[0] = {}) {
  // No private address is open but the collector's.
  crew = await startCrew({ egressPrivate: [], telemetry: telemetryOf(more), ...overrides });
  ben = await crew.agent("ben");
}
/** Lets time pass until the collector has so many requests. */
const collected = (count: number) =>
  until(() => {
    crew.clock.advance(1000);
    return collector.received.length === count;
  }, `${count} requests`);
beforeEach(() => {
  collector = startCollector();
});

/** A run with a call of a tool that failed, one that did not, and a run below it. */
async function story(): Promise<{ top: ShownRun; below: ShownRun }> {
  const top = await crew.run(ben, { task: "secret task", sessionKey: "main", model: "opus" });
  const tool = (seq: number, data: object) => ({ source: "s", seq, stream: "tool", data });
  const events = [
    tool(0, { phase: "start", toolCallId: "a", name: "grep", args: { for: "secret word" } }),
    tool(1, { phase: "update", toolCallId: "a", result: "half" }),
    tool(2, { phase: "result", toolCallId: "a", result: "secret lines" }),
    tool(3, { phase: "start", toolCallId: "b", name: "rm", args: {} }),
    tool(4, { phase: "result", toolCallId: "b", result: "secret failure", isError: true }),
  ];
  await crew.does(ben, top, "events", { events }, top);
  const below = await crew.run(ben, { task: "a part", cause: "spawn" }, { "signalbox-run": top.token });
  await crew.finish(ben, below, { outcome: "error", error: "secret reason", errorCode: "limited" });
  const usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 2, costUsd: 0.25, model: "opus-4" };
  await crew.finish(ben, top, { result: "secret result", usage });
  return { top, below };
}

describe("spans of runs", () => {
  test("spans of runs reach the collector by the GenAI names, as one trace for a tree, without content", async () => {
    await start();
    const { top, below } = await story();
    await collected(2);
    expect(collector.received.map(({ path, headers }) => [path, headers.get("x-tenant")])).toEqual([
      ["/v1/traces", "t1"],
      ["/v1/traces", "t1"],
    ]);
    const spans = collector.spans();
    const ofRun = (id: string) => spans.find((span) => attributesOf(span)["signalbox.run.id"] === id);
    expect(attributesOf(ofRun(top.id))).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.id": "ben",
      "gen_ai.conversation.id": "main",
      "gen_ai.request.model": "opus",
      "gen_ai.response.model": "opus-4",
      "gen_ai.usage.input_tokens": "7",
      "gen_ai.usage.output_tokens": "3",
      "gen_ai.usage.cache_read.input_tokens": "2",
      "signalbox.usage.cost_usd": 0.25,
      "signalbox.run.outcome": "ok",
    });
    expect(ofRun(top.id)).toMatchObject({ name: "invoke_agent ben" });
    expect(ofRun(below.id)).toMatchObject({ parentSpanId: ofRun(top.id).spanId, status: { code: 2 } });
    const tools = spans.filter(({ name }) => name.startsWith("execute_tool"));
    expect(tools.map(({ name, parentSpanId, status }) => [name, parentSpanId, status?.code])).toEqual([
      ["execute_tool grep", ofRun(top.id).spanId, undefined],
      ["execute_tool rm", ofRun(top.id).spanId, 2],
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    for (const { traceId, spanId, startTimeUnixNano, endTimeUnixNano } of spans) {
      expect(`${traceId} ${spanId}`).toMatch(/^[0-9a-f]{32} [0-9a-f]{16}$/);
      expect(`${startTimeUnixNano} ${endTimeUnixNano}`).toMatch(/^\d{19} \d{19}$/);
    }
    expect(collector.received.map(({ text }) => text).join()).not.toContain("secret");
  });

  test("spans of runs carry texts when a setting says so", async () => {
    await start({ hasContent: true });
    await story();
    await collected(2);
    const text = collector.received.map(({ text }) => text).join();
    for (const words of [
      "secret task",
      "secret result",
      "secret word",
      "secret lines",
      "secret failure",
      "secret reason",
    ])
      expect(text).toContain(words);
  });

  test("spans of runs are sent again to a collector that was away, also after a restart, and no run waits for it", async () => {
    await start({ endpoint: "http://127.0.0.1:1" });
    const run = await crew.run(ben, { task: "x" });
    expect((await crew.finish(ben, run)).status).toBe("ended");
    await Bun.sleep(20);
    expect(collector.received).toEqual([]);
    crew.config.telemetry = telemetryOf();
    collector.answers.push(new Response(null, { status: 503 }));
    await crew.restart();
    await collected(2);
    expect(collector.spans().map(({ spanId }) => spanId)).toHaveLength(2);
    expect(new Set(collector.spans().map(({ spanId }) => spanId)).size).toBe(1);
  });

  test("spans of runs that the collector refuses are given up", async () => {
    await start();
    collector.answers.push(new Response(null, { status: 400 }));
    await crew.finish(ben, await crew.run(ben, { task: "x" }));
    await collected(1);
    for (let n = 0; n < 5; n++) crew.clock.advance(60_000);
    await crew.finish(ben, await crew.run(ben, { task: "y" }));
    await collected(2);
    expect(new Set(collector.spans().map(({ spanId }) => spanId)).size).toBe(2);
  });

  test("spans of runs go nowhere without a collector", async () => {
    await start({ endpoint: undefined });
    await crew.finish(ben, await crew.run(ben, { task: "x" }));
    for (let n = 0; n < 5; n++) crew.clock.advance(60_000);
    expect(collector.received).toEqual([]);
  });
});

test("the collector's settings are checked, and its headers are read one by one", () => {
  const env = {
    SIGNALBOX_OTLP_ENDPOINT: "http://collector:4318",
    SIGNALBOX_OTLP_HEADERS: "Authorization=Bearer a=b, x-tenant=7",
    SIGNALBOX_OTLP_CONTENT: "full",
  };
  expect(readConfig(env).telemetry).toEqual({
    ...{ endpoint: "http://collector:4318", hasContent: true },
    headers: { authorization: "Bearer a=b", "x-tenant": "7" },
  });
  expect(readConfig({}).telemetry).toEqual({ endpoint: undefined, headers: {}, hasContent: false });
  expect(() => readConfig({ SIGNALBOX_OTLP_HEADERS: "nonsense" })).toThrow("has to be headers like");
  expect(() => readConfig({ SIGNALBOX_OTLP_ENDPOINT: "collector:4318" })).toThrow("has to be a URL");
  expect(() => readConfig({ SIGNALBOX_RUN_ID: "run_1", SIGNALBOX_RUN_TOKEN: "rnt_1" })).not.toThrow();
});
