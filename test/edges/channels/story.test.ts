import { expect, test } from "bun:test";
import { tempFolder } from "../../support/relay.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const TELEGRAM = "telegram:main";

/** The real program, killed without warning after every step and started again over the same folder. */
async function startMortal() {
  const dataDir = tempFolder();
  let server: TestServer = await startServer({ dataDir });
  const operator = server.operatorToken;
  async function once(method: string, path: string, body?: unknown, token = operator) {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    const isBytes = typeof body === "string";
    if (body !== undefined) headers["content-type"] = isBytes ? "text/plain" : "application/json";
    const init: RequestInit = { method, headers, body: body === undefined || isBytes ? body : JSON.stringify(body) };
    const response = await fetch(`${server.url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }
  return {
    ask: once,
    /** A step that may be repeated: it is, after the relay died. */
    async step(...call: Parameters<typeof once>) {
      const first = await once(...call);
      await server.kill();
      server = await startServer({ dataDir });
      return first;
    },
  };
}

test("G1, G7: a chat with attachments both ways, with kill -9 after every step", async () => {
  const { ask, step } = await startMortal();
  await step("PUT", "/v1/agents/helper", { name: "Helper", tags: ["desk"] });
  const channel = { provider: "telegram", accountId: "main" };
  await step("PUT", `/v1/agents/${TELEGRAM}`, { name: "Main", kind: "channel", channel });
  await step("POST", `/v1/channels/${TELEGRAM}/guests`, { conversationId: "c" });
  const photo = (await step("POST", `/v1/files?name=shot.txt&agentId=${TELEGRAM}`, "pixels")).body;
  const { name, type, size } = photo;
  const event = {
    ...{ conversationId: "c", threadId: "t", externalId: "e1", sender: { id: "1", name: "Ada" }, text: "See" },
    attachments: [{ name, type, size, fileId: photo.id }],
  };
  expect((await step("POST", `/v1/channels/${TELEGRAM}/events`, event)).body.routed).toBe(0);
  const bound = await step("PUT", `/v1/channels/${TELEGRAM}/bindings`, { target: "tag:desk", replay: true });
  expect(bound.body.replayed).toBe(1);
  expect((await step("POST", `/v1/channels/${TELEGRAM}/events`, event)).body.routed).toBe(1);

  const [work] = (await step("POST", "/v1/agents/helper/claims", { leaseSeconds: 3600 })).body.items;
  expect((await ask("GET", `/v1/files/${work.message.payload.attachments[0].fileId}`)).body).toBe("pixels");
  const log = (await step("POST", "/v1/files?name=log.txt&agentId=helper", "lines")).body;
  const result = { body: "Fixed", payload: { files: [{ fileId: log.id }] } };
  const done = { token: work.claim.token, result };
  for (let twice = 0; twice < 2; twice++) await step("POST", `/v1/messages/${work.message.id}/complete`, done);

  const claims = `/v1/agents/${TELEGRAM}/claims`;
  const [post] = (await step("POST", claims, { leaseSeconds: 3600 })).body.items;
  expect(post.message.payload).toMatchObject({
    ...{ text: "Fixed", conversation: { conversationId: "c", threadId: "t" }, replyToExternalId: "e1" },
    files: [{ fileId: log.id, name: "log.txt", size: 5 }],
  });
  const token = post.claim.token;
  const posts = `/v1/messages/${post.message.id}/posts`;
  await step("POST", posts, { token, part: 0 });
  await step("POST", posts, { token, part: 0, externalId: "e2" });
  expect((await ask("GET", claims)).body.items[0].posts).toEqual([{ part: 0, externalId: "e2" }]);
  expect((await ask("GET", `/v1/files/${log.id}`)).body).toBe("lines");
  await step("POST", `/v1/messages/${post.message.id}/complete`, { token, externalIds: ["e2"] });
  const reply = { ...event, externalId: "e3", replyToExternalId: "e2", attachments: undefined };
  const answered = (await step("POST", `/v1/channels/${TELEGRAM}/events`, reply)).body.messages[0];
  expect([answered.replyTo, answered.threadId]).toEqual([post.message.id, post.message.threadId]);
  expect((await ask("GET", `/v1/messages?to=${TELEGRAM}`)).body.items).toHaveLength(1);
});
