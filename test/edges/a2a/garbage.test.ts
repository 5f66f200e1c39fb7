import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { createDigest } from "../../support/digest.ts";
import { json, jsonText, text } from "../../support/garbage.ts";
import { atEnd, startRelay } from "../../support/relay.ts";

const SEED = 20_260_302;
const PATIENCE_MS = 20;
const INTERNAL = -32_603;

const METHODS = [
  ...["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask", "SubscribeToTask"],
  ...["CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig", "ListTaskPushNotificationConfigs"],
  ...["DeleteTaskPushNotificationConfig", "GetExtendedAgentCard", "message/send", "constructor"],
];
/** Parts of a sound message, to be hurt. */
const sound = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }], contextId: "", taskId: "" };

/** A sound object with one member, at any depth, replaced by anything. */
const hurt = (value: Record<string, unknown>) =>
  fc.constantFrom(...Object.keys(value)).chain((key) =>
    json.map((other) => {
      const params: Record<string, unknown> = { ...value, [key]: other };
      return params;
    }),
  );
const message = hurt(sound).map((made) => ({ message: made }));
const part = json.map((made) => ({ message: { ...sound, parts: [made] } }));
const around = hurt({
  ...{
    message: sound,
    configuration: { returnImmediately: true },
    metadata: {},
    tenant: "bob",
    id: "dlg_x",
    taskId: "x",
  },
  ...{
    historyLength: 1,
    pageSize: 1,
    pageToken: "1",
    status: "TASK_STATE_WORKING",
    contextId: "thr_1",
    url: "http://x/",
  },
});
const own = json.map((signalbox) => ({ message: { ...sound, metadata: { signalbox } } }));
const params = fc.oneof(message, part, around, own, json);

/** `patienceMs`: time after which a client leaves, for calls that wait. */
async function startTarget(patienceMs = PATIENCE_MS) {
  const relay = await startRelay({ durability: "normal" });
  await relay.agent("bob");
  const alice = await relay.agent("alice");
  const digest = createDigest(join(relay.config.dataDir, "signalbox.db"));
  atEnd(async () => digest.close());
  await relay.ask("GET", "/v1/whoami", undefined, alice);

  async function shoot(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    const before = digest.take();
    const leave = new AbortController();
    const patience = setTimeout(() => leave.abort(), patienceMs);
    const response = await relay.relay.app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...{ authorization: `Bearer ${alice.token}`, "a2a-version": "1.0", "content-type": "application/json" },
          ...headers,
        },
        signal: leave.signal,
        ...(method !== "GET" && { body: typeof body === "string" ? body : jsonText(body) }),
      }),
    );
    clearTimeout(patience);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (isStream) await response.body?.cancel();
    const said = isStream ? "" : await response.text();
    return { status: response.status, said, isStream, changed: digest.take() !== before };
  }
  return { ...relay, alice, shoot };
}

describe("G9: garbage over A2A", () => {
  test("G9: garbage over A2A as JSON-RPC is answered in its words, and changes nothing when it is refused", async () => {
    const { shoot } = await startTarget();
    const call = fc.record({
      method: fc.constantFrom(...METHODS),
      params,
      id: fc.oneof(fc.integer(), fc.string(), json),
    });
    const shot = fc.record({
      path: fc.constantFrom("/a2a", "/a2a/bob", "/a2a/nobody", "/a2a/tag:none", "/a2a/%00", "/a2a/@x"),
      body: fc.oneof({ weight: 6, arbitrary: call.map((made) => ({ jsonrpc: "2.0", ...made })) }, json, text),
    });
    await fc.assert(
      fc.asyncProperty(shot, async ({ path, body }) => {
        const { status, said, isStream, changed } = await shoot("POST", path, body);
        expect([200, 403, 413], said).toContain(status);
        if (isStream) return;
        const answer = JSON.parse(said);
        expect(answer.jsonrpc).toBe("2.0");
        if (!("error" in answer)) return;
        expect(answer.error.code, said).not.toBe(INTERNAL);
        expect(answer.error.message).toBeString();
        expect(changed, said).toBe(false);
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  test("G9: garbage over A2A as HTTP+JSON is answered with a google.rpc.Status", async () => {
    const { shoot } = await startTarget();
    const place = fc.constantFrom(
      ...["/a2a/bob/message:send", "/a2a/bob/message:stream", "/a2a/nobody/message:send", "/a2a/bob/message:x"],
      ...[
        "/a2a/bob/tasks/dlg_x:cancel",
        "/a2a/bob/tasks/dlg_x:subscribe",
        "/a2a/bob/tasks/::",
        "/a2a/%FF/message:send",
      ],
    );
    const asked = fc.oneof(
      fc.record({ method: fc.constant("POST"), path: place, body: fc.oneof(params, json, text) }),
      fc.record({
        method: fc.constant("GET"),
        path: fc
          .record({
            path: fc.constantFrom("/a2a/bob/tasks", "/a2a/bob/tasks/dlg_x", "/a2a/extendedAgentCard"),
            query: text,
          })
          .map(
            ({ path, query }) =>
              `${path}?pageSize=${encodeURIComponent(query.toWellFormed())}&status=${encodeURIComponent(query.toWellFormed())}`,
          ),
        body: fc.constant(undefined),
      }),
    );
    await fc.assert(
      fc.asyncProperty(asked, async ({ method, path, body }) => {
        const { status, said, isStream, changed } = await shoot(method, path, body);
        expect(status, said).toBeLessThan(500);
        if (isStream || status < 300) return;
        const { error } = JSON.parse(said);
        expect(error.code, said).toBe(status);
        expect(error.status).toMatch(/^[A-Z_]+$/);
        expect(changed, said).toBe(false);
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  test("G9: A2A requests that are too large, of another type, not UTF-8, cut off, or without a token are refused", async () => {
    const { shoot } = await startTarget(60_000);
    const large = JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "SendMessage",
      params: { x: "x".repeat(1_100_000) },
    });
    const tooLarge = await shoot("POST", "/a2a/bob", large);
    expect([tooLarge.status, JSON.parse(tooLarge.said).error.data[0].reason]).toEqual([413, "TOO_LARGE"]);
    const long = { message: { ...sound, parts: [{ text: "x".repeat(300_000) }] } };
    const tooLong = await shoot("POST", "/a2a/bob/message:send", long);
    expect([tooLong.status, JSON.parse(tooLong.said).error.details[0].reason]).toEqual([400, "INVALID_PARAMS"]);
    const typed = await shoot("POST", "/a2a/bob/message:send", "x", { "content-type": "text/plain" });
    expect(JSON.parse(typed.said).error.details[0].reason).toBe("CONTENT_TYPE_NOT_SUPPORTED");
    const bytes = { message: { ...sound, parts: [{ raw: "AAAA", mediaType: "image/png" }] } };
    const raw = await shoot("POST", "/a2a/bob/message:send", bytes);
    expect(JSON.parse(raw.said).error.details[0].reason).toBe("CONTENT_TYPE_NOT_SUPPORTED");
    const broken = await shoot("POST", "/a2a/bob", '{"jsonrpc":');
    expect(JSON.parse(broken.said)).toMatchObject({ id: null, error: { code: -32_700 } });
    const notRpc = await shoot("POST", "/a2a/bob", { id: 5 });
    expect(JSON.parse(notRpc.said)).toMatchObject({ id: 5, error: { code: -32_600 } });
    for (const path of ["/a2a/bob", "/a2a/bob/message:send"]) {
      const nobody = await shoot("POST", path, {}, { authorization: "Bearer no" });
      expect(nobody.status).toBe(401);
    }
  });
});
