import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const JSON_TYPE = { "content-type": "application/json" };

describe("requests that cannot be answered", () => {
  test.each([
    ["GET", "/nothing", 404, "not-found"],
    ["GET", "/v1", 404, "not-found"],
    ["GET", "/v2/messages", 404, "not-found"],
    ["POST", "/v1/messages/1/dance", 404, "not-found"],
    ["GET", "/v1/agents//inbox", 404, "not-found"],
    ["PUT", "/v1/messages", 405, "method-not-allowed"],
    ["DELETE", "/v1/messages/1", 405, "method-not-allowed"],
    ["OPTIONS", "/v1/messages", 405, "method-not-allowed"],
    ["PATCH", "/healthz", 405, "method-not-allowed"],
  ])("the request %s %s is %i, as a problem", async (method, path, status, code) => {
    const { ask } = await startRelay();
    const { headers, body, ...answer } = await ask(method, path);
    expect(answer.status).toBe(status);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ type: `urn:signalbox:problem:${code}`, status, code });
    expect(body.title).toBeString();
    expect(body.detail).toContain(path);
    expect(body.requestId).toBe(headers.get("x-request-id"));
  });

  test("a 405 says in Allow what the path takes", async () => {
    const { ask } = await startRelay();
    expect((await ask("PUT", "/v1/messages")).headers.get("allow")).toBe("GET, HEAD, POST");
    expect((await ask("POST", "/v1/agents/bob")).headers.get("allow")).toBe("DELETE, GET, HEAD, PATCH, PUT");
    expect((await ask("GET", "/v1/messages/1/claim")).headers.get("allow")).toBe("POST");
    expect((await ask("GET", "/nothing")).headers.get("allow")).toBeNull();
  });

  test.each([
    ["no header", {}],
    ["another scheme", { authorization: "Basic dXNlcjpwYXNz" }],
    ["no token", { authorization: "Bearer " }],
    ["an unknown token", { authorization: "Bearer sbx_nobody" }],
    ["two tokens", { authorization: "Bearer a b" }],
  ])("a 401 comes with WWW-Authenticate: %s", async (_, headers) => {
    const { relay } = await startRelay();
    const response = await relay.app.handle(new Request("http://localhost/v1/whoami", { headers }));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="signalbox"');
    expect(await response.json()).toMatchObject({ code: "unauthorized" });
  });

  test("the scheme of a token is read in any case", async () => {
    const { relay } = await startRelay();
    const headers = { authorization: `bEaReR ${relay.operatorToken}` };
    expect((await relay.app.handle(new Request("http://localhost/v1/whoami", { headers }))).status).toBe(200);
  });

  test("the token is looked at before the body", async () => {
    const { ask } = await startRelay();
    expect((await ask("POST", "/v1/messages", "no json", { token: "sbx_nobody" })).status).toBe(401);
  });

  test.each(["", "{", "[1,]", "undefined", "{'a':1}", "\u0000", '{"a":1}x'])(
    "a body that is not JSON is 400: %j",
    async (body) => {
      const { ask } = await startRelay();
      expect((await ask("POST", "/v1/messages", body)).body).toMatchObject({ status: 400, code: "not-json" });
    },
  );

  test("a body that is not UTF-8, or nested beyond all reason, is 400", async () => {
    const { relay, ask } = await startRelay();
    const headers = { ...JSON_TYPE, authorization: `Bearer ${relay.operatorToken}` };
    const body = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
    const request = new Request("http://localhost/v1/messages", { method: "POST", headers, body });
    expect((await relay.app.handle(request)).status).toBe(400);
    expect((await ask("POST", "/v1/messages", "[".repeat(500_000))).status).toBe(400);
  });

  test.each([
    ["POST", "/v1/messages", "text/plain"],
    ["POST", "/v1/messages", ""],
    ["POST", "/v1/messages", "application/x-ndjson"],
    ["PUT", "/v1/agents/bob", "application/x-www-form-urlencoded"],
    ["POST", "/v1/messages/batch", "multipart/form-data; boundary=x"],
  ])("a body of %s %s as %j is 415", async (method, path, type) => {
    const { relay } = await startRelay();
    const headers: Record<string, string> = { authorization: `Bearer ${relay.operatorToken}` };
    if (type) headers["content-type"] = type;
    const body = new TextEncoder().encode('{"to":"user","body":"x"}');
    const response = await relay.app.handle(new Request(`http://localhost${path}`, { method, headers, body }));
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ code: "unsupported-media-type" });
  });

  test("a body that is too large is 413, said beforehand or found on the way", async () => {
    const { ask, ...relay } = await startRelay();
    const url = listen(relay);
    const authorization = `Bearer ${relay.relay.operatorToken}`;
    const big = JSON.stringify({ to: "user", body: "x".repeat(1024 * 1024) });
    const declared = await fetch(`${url}/v1/messages`, {
      method: "POST",
      headers: { ...JSON_TYPE, authorization },
      body: big,
    });
    expect(declared.status).toBe(413);
    expect(await declared.json()).toMatchObject({ code: "too-large" });
    const chunked = await rawConnect(url, {
      lines: [
        "POST /v1/messages HTTP/1.1",
        "Host: relay",
        `Authorization: ${authorization}`,
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
      ],
    });
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    for (let i = 0; i < 20; i++) chunked.socket.write(chunk);
    await until(() => chunked.text().includes("HTTP/1.1 413 "));
    expect((await ask("GET", "/v1/messages")).body.items).toEqual([]);
  });

  test.each([
    "POST /v1/messages HTTP/1.1\r\nHost: relay\r\nContent-Length: x\r\n\r\n",
    "\u0000\u0001\u0002\r\n\r\n",
    "GET\r\n\r\n",
  ])("G9: what is no HTTP at all ends that connection alone: %j", async (bytes) => {
    const { ask, ...relay } = await startRelay();
    const connection = await rawConnect(listen(relay));
    connection.socket.write(bytes);
    await connection.closed;
    expect((await ask("GET", "/healthz")).status).toBe(200);
  });

  test("a 422 names each place, as a pointer into the body or by the parameter's name", async () => {
    const { ask } = await startRelay();
    const body = await ask("POST", "/v1/messages", {
      to: 1,
      body: "x",
      urgent: "yes",
      extra: true,
      meta: { "a/b~": "\ud800" },
    });
    expect(body.body.code).toBe("invalid");
    expect(body.body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      "/extra",
      "/meta",
      "/to",
      "/urgent",
    ]);
    expect((await ask("GET", "/v1/messages?limit=x")).body.errors).toMatchObject([{ pointer: "limit" }]);
    expect((await ask("GET", "/v1/messages?limit=1&limit=2")).body.errors).toMatchObject([{ pointer: "limit" }]);
    expect((await ask("GET", "/v1/whoami?x=1")).body.errors).toMatchObject([{ pointer: "x" }]);
    expect((await ask("GET", "/v1/messages/abc")).body.errors).toMatchObject([{ pointer: "id" }]);
    expect((await ask("GET", "/v1/messages?__proto__=x")).status).toBe(422);
    expect((await ask("POST", "/v1/messages", '{"to":"user","body":"x","__proto__":{}}')).status).toBe(422);
  });
});
