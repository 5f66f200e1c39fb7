import { describe, expect, test } from "bun:test";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const MIB = 1024 * 1024;
const NDJSON = { headers: { "content-type": "application/x-ndjson" } };

const members = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i.toString(36)}":1`).join(",");
/** Adds members one by one, up to so many bytes. */
const filled = (bytes: number, begin = "{"): string =>
  `${begin}${members(Math.floor(bytes / 9))}}`.slice(0, bytes - 1).replace(/,[^,]*$/, "}");

const nobody = async (relay: TestRelay) => (await relay.ask("GET", "/v1/messages")).body.items;

describe("a body with more in it than anything could mean", () => {
  const unknown = filled(MIB);
  test.each([
    ["POST", "/v1/messages", unknown],
    ["POST", "/v1/messages", `{"to":"user","body":"x","replyTo":[${"1,".repeat(200_000)}1]}`],
    ["POST", "/v1/messages", `[${"{},".repeat(200_000)}{}]`],
    ["POST", "/v1/messages/batch", filled(8 * MIB)],
    ["POST", "/v1/messages/batch", `{"messages":[${"{},".repeat(2_000_000)}{}]}`],
    ["PUT", "/v1/agents/bob", unknown],
    ["POST", "/v1/tasks", unknown],
    ["POST", "/v1/delegations", unknown],
    ["POST", "/a2a/bob", unknown],
  ])(
    "a body with more in it than anything could mean is refused before it is parsed: %s %s",
    async (method, path, body) => {
      const relay = await startRelay();
      await relay.agent("bob");
      const answer = await relay.ask(method, path, body);
      expect(answer.status).toBe(413);
      expect(JSON.stringify(answer.body)).toContain("100000 items");
      expect(await nobody(relay)).toEqual([]);
    },
  );

  test("a body with more in it than anything could mean is refused over MCP, whoever it is for", async () => {
    const { ask, agent } = await startRelay();
    const { token } = await agent("ann");
    const unknownArguments = filled(MIB - 500);
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":${unknownArguments}}}`;
    const headers = { accept: "application/json, text/event-stream", host: "localhost" };
    expect((await ask("POST", "/mcp", call, { token, headers })).status).toBe(413);
    const some = call.replace(unknownArguments, `{${members(6000)}}`);
    const refused = await ask("POST", "/mcp", some, { token, headers });
    expect(refused.status).toBe(413);
    expect(refused.body.error.message).toContain("10000 items");
  });

  test.each([
    ["[", "]"],
    ['{"a":', "}"],
  ])(
    "a body with more in it than anything could mean is refused in data of an A2A part, whose text would grow with the square of its depth: %s",
    async (open, close) => {
      const relay = await startRelay();
      await relay.agent("bob");
      const send = async (depth: number) => {
        const data = `${open.repeat(depth)}0${close.repeat(depth)}`;
        const message = `{"messageId":"m${depth}","role":"ROLE_USER","parts":[{"data":${data}}]}`;
        const params = `{"message":${message},"configuration":{"returnImmediately":true}}`;
        const how = { headers: { "a2a-version": "1.0" } };
        const rest = await relay.ask("POST", "/a2a/bob/message:send", params, how);
        const rpc = `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":${params}}`;
        return JSON.stringify([rest.body, (await relay.ask("POST", "/a2a/bob", rpc, how)).body]);
      };
      expect((await send(9000)).match(/is nested deeper than 64/g)).toHaveLength(2);
      expect((await send(60)).match(/TASK_STATE_SUBMITTED/g)?.length).toBeGreaterThan(1);
    },
  );

  test("a body with more in it than anything could mean is refused in an event of an integration", async () => {
    const { ask } = await startRelay();
    await ask("PUT", "/v1/integrations/ci", { mapping: "generic", verify: "token" });
    const token = (await ask("POST", "/v1/tokens", { role: "integration", source: "ci" })).body.token;
    expect((await ask("POST", "/v1/integrations/ci/events", unknown, { token })).status).toBe(413);
  });

  test("a body with more in it than anything could mean is refused when it holds one text longer than any field, however it is written", async () => {
    const relay = await startRelay();
    for (const body of [`{"text":"${'\\"'.repeat(3 * MIB)}"}`, `{"text":"${"x".repeat(7 * MIB)}"}`]) {
      const answer = await relay.ask("POST", "/v1/messages/batch", body);
      expect(answer.body).toMatchObject({ status: 413, code: "too-large" });
    }
    const body = "\u0001".repeat(150 * 1024);
    const messages = Array.from({ length: 8 }, () => ({ to: "user", body }));
    expect((await relay.ask("POST", "/v1/messages/batch", { messages })).status).toBe(201);
  });

  test("signs inside of text count for nothing in the size of a body", async () => {
    const { ask } = await startRelay();
    const body = '{[,:"\\'.repeat(30_000);
    const sent = await ask("POST", "/v1/messages", { to: "user", body });
    expect(sent.status).toBe(201);
    expect(sent.body.body).toBe(body);
  });

  test("the largest payload and meta that are allowed go through", async () => {
    const { ask } = await startRelay();
    const list = Array.from({ length: 32_000 }, () => 1);
    const draft = { to: "user", body: "x", payload: { list }, meta: { list } };
    expect((await ask("POST", "/v1/messages", draft)).status).toBe(201);
  });
});

describe("lines", () => {
  test.each([
    ["nothing but line ends", "\n".repeat(8 * MIB), 422, "2000 lines, empty ones included"],
    ["blanks", " \r\n".repeat(100_000), 422, "2000 lines, empty ones included"],
    ["numbers", "1\n".repeat(100_000), 422, "1000 lines"],
    ["too many messages by far", '{"to":"user","body":"x"}\n'.repeat(100_000), 413, "100000 items"],
  ])("lines %s are no batch", async (_, body, status, why) => {
    const relay = await startRelay();
    const answer = await relay.ask("POST", "/v1/messages/batch", body, NDJSON);
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toContain(why);
    expect(await nobody(relay)).toEqual([]);
  });

  test("as many lines as a batch takes are taken, with empty ones between", async () => {
    const { ask } = await startRelay();
    const body = '{"to":"user","body":"x"}\n\n'.repeat(1000);
    expect((await ask("POST", "/v1/messages/batch", body, NDJSON)).body.items).toHaveLength(1000);
    const more = await ask("POST", "/v1/messages/batch", '{"to":"user","body":"x"}\n'.repeat(1001), NDJSON);
    expect(more.status).toBe(422);
    expect(more.body.errors[0].pointer).toBe("/messages");
  });
});

describe("a batch", () => {
  test("a batch names what is wrong with each item, and twenty at most", async () => {
    const { ask } = await startRelay();
    const messages = Array.from({ length: 50 }, (_, i) => (i === 3 ? { to: "user", body: "x" } : { to: 1, body: "x" }));
    const { body } = await ask("POST", "/v1/messages/batch", { messages, more: 1 });
    expect(body.errors).toHaveLength(20);
    expect(body.errors.slice(0, 3)).toMatchObject([
      { pointer: "/more" },
      { pointer: "/messages/0/to" },
      { pointer: "/messages/1/to" },
    ]);
    const known = await ask("POST", "/v1/messages/batch", { messages: [{ to: "user", body: "x", hops: 1 }] });
    expect(known.body.errors).toEqual([{ pointer: "/messages/0/hops", message: "is not known here" }]);
  });
});
