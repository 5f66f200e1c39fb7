import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { rawConnect } from "../../support/raw.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const BODY = JSON.stringify({ to: "user", body: "once" });
/** Bun's own answers: see "Answers of Bun, before the relay" in docs/http.md. */
const BARE_400 = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

async function startListening() {
  const relay = await startRelay();
  const url = listen(relay);
  const authorization = `Authorization: Bearer ${relay.relay.operatorToken}`;
  const head = (...lines: string[]) =>
    `${["POST /v1/messages HTTP/1.1", "Host: relay", authorization, "Content-Type: application/json", ...lines].join("\r\n")}\r\n\r\n`;
  return { relay, url, authorization, head, plain: `${head(`Content-Length: ${BODY.length}`)}${BODY}` };
}

/** All that comes back for some bytes, until the other end closes. */
async function sendAll(url: string, bytes: string): Promise<string> {
  const connection = await rawConnect(url);
  connection.socket.write(bytes);
  await connection.closed;
  return connection.text();
}

async function storedIn({ ask }: TestRelay): Promise<string[]> {
  return (await ask("GET", "/v1/messages")).body.items.map((item: { body: string }) => item.body);
}

const chunked = (end: string) => `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${end}\r\n`;

describe("G9: what Bun refuses after the relay has begun", () => {
  test("G9: a body that ends with trailer fields is a bare 400, and nothing is stored", async () => {
    const { relay, url, head } = await startListening();
    expect(await sendAll(url, head("Transfer-Encoding: chunked") + chunked("X-Sum: 1\r\n"))).toBe(BARE_400);
    expect(await storedIn(relay)).toEqual([]);
  });

  test("G9: two requests at once are closed without an answer, and nothing is stored", async () => {
    const { relay, url, plain } = await startListening();
    expect(await sendAll(url, plain + plain)).toBe("");
    expect(await storedIn(relay)).toEqual([]);
  });

  test("G9: a second request while the first is being answered is closed without an answer", async () => {
    const { relay, url, authorization, plain } = await startListening();
    const connection = await rawConnect(url);
    connection.socket.write(
      `GET /v1/agents/user/inbox?waitSeconds=30 HTTP/1.1\r\nHost: relay\r\n${authorization}\r\n\r\n`,
    );
    await until(async () => (await relay.ask("GET", "/metrics")).body.includes("signalbox_connections 1"));
    connection.socket.write(plain);
    await connection.closed;
    expect(connection.text()).toBe("");
    expect(await storedIn(relay)).toEqual([]);
  });

  test("G9: a caller that has left before its write's turn has its write dropped, and the key can be used again", async () => {
    const relay = await startRelay();
    const message = { to: "user", body: "once", idempotencyKey: "k" };
    const leaving = new AbortController();
    const sent = relay.ask("POST", "/v1/messages", message, { signal: leaving.signal });
    leaving.abort();
    expect((await sent).status).toBe(400);
    expect(await storedIn(relay)).toEqual([]);
    expect((await relay.ask("POST", "/v1/messages", message)).status).toBe(201);
  });

  test.each([
    ["two lengths that differ", ["Content-Length: 2", "Content-Length: 3"]],
    ["a length and chunks", ["Content-Length: 2", "Transfer-Encoding: chunked"]],
    ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 2"]],
    ["chunks said twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
    ["another transfer coding", ["Transfer-Encoding: gzip, chunked"]],
    ["a space before a colon", ["Transfer-Encoding : chunked"]],
    ["a length below zero", ["Content-Length: -2"]],
    ["a folded line", ["X-Note: a", " b", "Content-Length: 2"]],
  ])("G9: bad framing is a bare 400: %s", async (_, lines) => {
    const { relay, url, head } = await startListening();
    expect(await sendAll(url, `${head(...lines)}2\r\n{}\r\n0\r\n\r\n`)).toBe(BARE_400);
    expect(await storedIn(relay)).toEqual([]);
  });

  const bare = (status: string) => `HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`;
  test.each([
    ["no host", BARE_400, (plain: string) => plain.replace("Host: relay\r\n", "")],
    ["an empty line before it", BARE_400, (plain: string) => `\r\n${plain}`],
    ["a chunk without a size", BARE_400, (_: string, head: string) => `${head}zz\r\n{}\r\n0\r\n\r\n`],
    ["a chunk longer than its size", BARE_400, (_: string, head: string) => `${head}1\r\n{}\r\n0\r\n\r\n`],
    ["another method", "", (plain: string) => plain.replace("POST", "BREW")],
    ["a method in small letters", "", (plain: string) => plain.replace("POST", "post")],
    ["another version", bare("505 HTTP Version Not Supported"), (plain: string) => plain.replace("1.1", "1.2")],
    ["no version", bare("505 HTTP Version Not Supported"), (plain: string) => plain.replace(" HTTP/1.1", "")],
    [
      "a large head",
      bare("431 Request Header Fields Too Large"),
      (plain: string) => plain.replace("Host:", `X-Note: ${"x".repeat(17_000)}\r\nHost:`),
    ],
    [
      "a head of many lines",
      bare("431 Request Header Fields Too Large"),
      (plain: string) => plain.replace("Host:", `${"X-Note: x\r\n".repeat(250)}Host:`),
    ],
  ])("G9: bytes that are no request are refused by Bun: %s", async (_, answer, broken) => {
    const { relay, url, head, plain } = await startListening();
    expect(await sendAll(url, broken(plain, head("Transfer-Encoding: chunked")))).toBe(answer);
    expect(await storedIn(relay)).toEqual([]);
  });
});

describe("a head that could be read in two ways is refused", () => {
  test("a Trailer header is refused before the body has come", async () => {
    const { url, head } = await startListening();
    const connection = await rawConnect(url);
    connection.socket.write(head("Trailer: X-Sum", "Transfer-Encoding: chunked"));
    await until(() => connection.text().includes("HTTP/1.1 400 "));
    await until(() => connection.text().includes("Send the request without a Trailer header."));
  });

  test.each([
    ["two hosts", "POST", ["Host: elsewhere"]],
    ["the same host twice", "POST", ["Host: relay"]],
    ["two hosts for another protocol", "POST /mcp", ["Host: elsewhere"]],
    ["the same length twice", "POST", [`Content-Length: ${BODY.length}`]],
  ])("a head that could be read in two ways is 400: %s", async (_, line, lines) => {
    const { relay, url, plain } = await startListening();
    const path = line.split(" ")[1] ?? "/v1/messages";
    const bytes = plain
      .replace("/v1/messages", path)
      .replace("\r\n\r\n", `\r\n${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`);
    expect(await sendAll(url, bytes)).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*Send one (Host|Content-Length) header, not several\./,
    );
    expect(await storedIn(relay)).toEqual([]);
  });

  test("a head with two idempotency keys is 422; a key with a comma in quotes is one", async () => {
    const { ask } = await startRelay();
    const make = (key: string) =>
      ask(
        "POST",
        "/v1/schedules",
        { cron: "0 9 * * *", message: { to: "user", body: "x" } },
        { headers: { "idempotency-key": key } },
      );
    for (const key of ["a, b", '"a", "b"', '"a", b'])
      expect((await make(key)).body, key).toMatchObject({ status: 422, errors: [{ pointer: "Idempotency-Key" }] });
    expect((await make('"a, b"')).status).toBe(201);
    expect((await make('"a, b"')).status).toBe(200);
  });
});

describe("a compressed body is refused with the way out", () => {
  test.each([
    ["POST", "/v1/messages", "gzip"],
    ["POST", "/v1/messages/batch", "br"],
    ["PUT", "/v1/agents/bob", "deflate, gzip"],
    ["POST", "/v1/files", "GZIP"],
    ["POST", "/v1/integrations/ci/events", "zstd"],
  ])("a compressed body is refused with 415 and the way out: %s %s as %s", async (method, path, encoding) => {
    const { ask } = await startRelay();
    const { body } = await ask(method, path, "{}", { headers: { "content-encoding": encoding } });
    expect(body).toMatchObject({ status: 415, code: "unsupported-media-type" });
    expect(body.detail).toContain("Send it as it is, without that header.");
  });

  test("a compressed body is refused with the way out over MCP and A2A, too, in their words", async () => {
    const relay = await startRelay();
    const bob = await relay.agent("bob");
    for (const path of ["/mcp", "/a2a", "/a2a/bob/message:send"]) {
      const how = { ...bob, headers: { "content-encoding": "gzip" } };
      expect(JSON.stringify((await relay.ask("POST", path, "{}", how)).body), path).toContain("Send it as it is");
    }
  });

  test("identity is no encoding of a body", async () => {
    const { ask } = await startRelay();
    const how = { headers: { "content-encoding": "identity" } };
    expect((await ask("POST", "/v1/messages", BODY, how)).status).toBe(201);
  });
});
