import { describe, expect, test } from "bun:test";
import { runCli } from "../../support/cli-harness.ts";
import { startWithSources } from "../../support/integration.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";

const LONG = "9007199254740993";
const MESSAGE = "is a number beyond 2^53: send it as text";

describe("a number beyond 2^53, which parsing would change, is refused with its pointer", () => {
  test.each([
    ["POST", "/v1/messages", `{"to":"user","body":"x","payload":{"a/b":[1,{"id":${LONG}}]}}`, "/payload/a~1b/1/id"],
    ["POST", "/v1/messages", `{"to":"user","body":"x","meta":{"id":-${LONG}}}`, "/meta/id"],
    ["POST", "/v1/messages", '{"to":"user","body":"x","payload":{"n":9007199254740992}}', "/payload/n"],
    ["POST", "/v1/messages", '{"to":"user","body":"x","payload":{"n":1e16}}', "/payload/n"],
    ["POST", "/v1/messages", '{"to":"user","body":"x","payload":{"n":1E400}}', "/payload/n"],
    ["POST", "/v1/messages", `{"to":"user","body":"x","replyTo":${LONG}}`, "/replyTo"],
    [
      "POST",
      "/v1/messages/batch",
      `{"messages":[{"to":"user","body":"x","payload":{"n":${LONG}}}]}`,
      "/messages/0/payload/n",
    ],
    ["PUT", "/v1/agents/bob", `{"name":"bob","meta":{"n":${LONG}}}`, "/meta/n"],
    ["POST", "/v1/tasks", `{"title":"x","target":"user","payload":{"n":${LONG}}}`, "/payload/n"],
    ["POST", "/v1/messages/1/complete", `{"token":"x","result":{"payload":{"n":${LONG}}}}`, "/result/payload/n"],
    ["POST", "/v1/integrations/ci/events", `{"title":"x","payload":{"n":${LONG}}}`, "/payload/n"],
    ["POST", "/v1/channels/webhook:x/events", `{"conversationId":"1","externalId":${LONG}}`, "/externalId"],
  ])("a number beyond 2^53 is refused with its pointer: %s %s %s", async (method, path, body, pointer) => {
    const { ask } = await startRelay();
    await ask("PUT", "/v1/integrations/ci", { target: "user" });
    const answer = await ask(method, path, body);
    expect(answer.body).toMatchObject({ status: 422, code: "invalid", errors: [{ pointer, message: MESSAGE }] });
  });

  test("each of several numbers beyond 2^53 is refused, and nothing is stored", async () => {
    const { ask } = await startRelay();
    const body = `{"to":"user","body":"x","payload":{"a":${LONG},"b":1},"meta":{"c":1e300}}`;
    const { errors } = (await ask("POST", "/v1/messages", body)).body;
    expect(errors.map((error: { pointer: string }) => error.pointer)).toEqual(["/payload/a", "/meta/c"]);
    expect((await ask("GET", "/v1/messages")).body.items).toEqual([]);
  });

  test("a number beyond 2^53 is refused with its pointer in a line of NDJSON", async () => {
    const { ask } = await startRelay();
    const lines = `{"to":"user","body":"a"}\n\n{"to":"user","body":"b","payload":{"n":${LONG}}}\n`;
    const how = { headers: { "content-type": "application/x-ndjson" } };
    const { body } = await ask("POST", "/v1/messages/batch", lines, how);
    expect(body).toMatchObject({ status: 422, errors: [{ pointer: "/messages/1/payload/n", message: MESSAGE }] });
  });

  test("a number beyond 2^53 is refused with its pointer in a frame of a WebSocket, answered with its ref", async () => {
    const relay = await startRelay();
    const url = listen(relay);
    const socket = await openSocket(`${url}/v1/agents/bob/socket`, await relay.agent("bob"));
    await socket.first("hello");
    socket.say(`{"type":"send","ref":"r1","message":{"to":"user","body":"x","payload":{"n":${LONG}}}}`);
    const { ref, problem } = await socket.first("problem");
    expect({ ref, errors: problem.errors }).toEqual({
      ref: "r1",
      errors: [{ pointer: "/message/payload/n", message: MESSAGE }],
    });
  });

  test("a number beyond 2^53 is refused with its pointer in arguments of an MCP tool, answered with its id", async () => {
    const relay = await startRelay();
    const bob = await relay.agent("bob");
    const call = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":{"to":"user","text":"x","n":${LONG}}}}`;
    const how = { ...bob, headers: { accept: "application/json, text/event-stream" } };
    const { body } = await relay.ask("POST", "/mcp", call, how);
    expect(body).toEqual({
      ...{ jsonrpc: "2.0", id: 7 },
      error: { code: -32_602, message: `invalid: /params/arguments/n ${MESSAGE}` },
    });
  });

  test("a number beyond 2^53 is refused with its pointer as the id of an MCP message, which then is not answered by another", async () => {
    const relay = await startRelay();
    const bob = await relay.agent("bob");
    const how = { ...bob, headers: { accept: "application/json, text/event-stream" } };
    const { body } = await relay.ask("POST", "/mcp", `{"jsonrpc":"2.0","id":${LONG},"method":"ping"}`, how);
    expect(body).toMatchObject({ id: null, error: { message: `invalid: /id ${MESSAGE}` } });
  });

  test("a number beyond 2^53 is refused with its pointer in parts of an A2A message", async () => {
    const relay = await startRelay();
    await relay.agent("bob");
    const message = `{"messageId":"m","role":"ROLE_USER","parts":[{"data":{"n":${LONG}}}]}`;
    const how = { headers: { "a2a-version": "1.0" } };
    const rest = await relay.ask("POST", "/a2a/bob/message:send", `{"message":${message}}`, how);
    expect(JSON.stringify(rest.body)).toContain(`/message/parts/0/data/n ${MESSAGE}`);
    const rpc = `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":${message}}}`;
    expect(JSON.stringify((await relay.ask("POST", "/a2a/bob", rpc, how)).body)).toContain(MESSAGE);
  });

  test("a number beyond 2^53 is refused with its pointer by the command line, which would change it before the relay sees it", async () => {
    const { code, stderr } = await runCli(["send", "bob", "x", "--payload", `{"n":${LONG}}`]);
    expect(code).toBe(2);
    expect(stderr).toContain(`/n ${MESSAGE}`);
  });
});

test.each([
  ["digits", "12345678901234567890 1e99"],
  ["an escaped quote before digits", String.raw`\" 12345678901234567890`],
  ["a backslash at its end", String.raw`1e99 \\`],
  ["an escaped quote after a backslash", String.raw`\\\"12345678901234567890\\`],
])("text is no number, whatever is in it: %s", async (_, text) => {
  const { ask } = await startRelay();
  const send = (n: string) => ask("POST", "/v1/messages", `{"to":"user","body":"${text}","payload":{"n":${n}}}`);
  expect((await send("1")).status).toBe(201);
  expect((await send(LONG)).body.errors).toEqual([{ pointer: "/payload/n", message: MESSAGE }]);
});

describe("a number that stays as it is is taken", () => {
  test.each(["9007199254740991", "-9007199254740991", "0.1234567890123456", "1e3", "123456789012345", "1.5E-20"])(
    "a number that stays as it is is taken: %s",
    async (number) => {
      const { ask } = await startRelay();
      const sent = await ask("POST", "/v1/messages", `{"to":"user","body":"1e99 ${LONG}","payload":{"n":${number}}}`);
      expect(sent.body.payload).toEqual({ n: Number(number) });
    },
  );
});

test("events of other systems keep such a number as its text: two ids stay two tasks", async () => {
  const { source, ask } = await startWithSources();
  await source("shop", { mapping: "paths", paths: { title: "name", dedupeKey: "id" } });
  const post = (id: string) => ask("POST", "/v1/integrations/shop/events", `{"name":"An order","id":${id}}`);
  const [one, other] = [await post(LONG), await post("9007199254740992")];
  expect(one.body.tasks[0].task).toMatchObject({ dedupeKey: LONG });
  expect(other.body.tasks[0].task.dedupeKey).toBe("9007199254740992");
  expect((await post(LONG)).body.tasks[0]).toMatchObject({ created: false, task: { id: one.body.tasks[0].task.id } });
});

test.each([
  ["issues", (id: string) => `"issue":{"id":${id},"number":5,"title":"x","state":"open"}`, /^issue:\d+#5$/],
  [
    "workflow_run",
    (id: string) => `"workflow_run":{"id":${id},"workflow_id":${id},"name":"ci","conclusion":"failure"}`,
    /^workflow:\d+:\d+:$/,
  ],
])("ids of GitHub, too: %s", async (kind, what, key) => {
  const { source, post } = await startWithSources();
  await source("github", { mapping: "github" });
  const action = kind === "issues" ? "opened" : "completed";
  const event = (id: string) => `{"action":"${action}","repository":{"id":${id},"full_name":"a/b"},${what(id)}}`;
  const keys = new Set<string>();
  for (const id of [LONG, "9007199254740992"]) {
    const { body } = await post("github", event(id), { "x-github-event": kind });
    expect(body.task.dedupeKey).toMatch(key);
    keys.add(body.task.dedupeKey);
  }
  expect(keys.size).toBe(2);
});
