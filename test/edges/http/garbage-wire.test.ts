import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { type RawConnection, rawConnect } from "../../support/raw.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { until } from "../../support/until.ts";

const SEED = 20_260_301;
/** The test looks at the bytes that came by then; some garbage is a request that is still to go on. */
const LOOK_AFTER_MS = 150;
const MIB = 1024 * 1024;

/** 505 is Bun's own word for a version of HTTP that it does not speak. */
const FAILURE = /^HTTP\/1\.1 5(?!05)/m;

const lines = (...all: string[]): string => `${all.join("\r\n")}\r\n\r\n`;

/** A sound request, as the bytes that go over the wire. */
function sound(token: string): string {
  const body = '{"to":"user","body":"hello"}';
  return `${lines(
    ...["POST /v1/messages HTTP/1.1", "Host: relay", `Authorization: Bearer ${token}`],
    ...["Content-Type: application/json", `Content-Length: ${body.length}`],
  )}${body}`;
}

/** Everything that is wrong with the framing itself, by name. */
function broken(token: string): Record<string, string | Uint8Array> {
  const auth = `Authorization: Bearer ${token}`;
  const post = ["POST /v1/messages HTTP/1.1", "Host: relay", auth, "Content-Type: application/json"];
  const chunked = lines(...post, "Transfer-Encoding: chunked");
  return {
    "no request": "\r\n\r\n\r\n",
    "no HTTP": "hello\r\n\r\n",
    "HTTP/0.9": "GET /healthz\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    TLS: Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(200).fill(7)]),
    "a version that is none": lines("GET /healthz HTTP/9.9", "Host: relay"),
    "a method that is none": lines("FROB /healthz HTTP/1.1", "Host: relay"),
    "a proxy's request": lines("GET http://elsewhere/healthz HTTP/1.1", "Host: relay"),
    "an asterisk": lines("OPTIONS * HTTP/1.1", "Host: relay"),
    CONNECT: lines("CONNECT elsewhere:443 HTTP/1.1", "Host: elsewhere"),
    "no host": lines("GET /healthz HTTP/1.1"),
    "two hosts": lines("GET /healthz HTTP/1.1", "Host: a", "Host: b"),
    "bare line feeds": "GET /healthz HTTP/1.1\nHost: relay\n\n",
    "a header without a colon": lines("GET /healthz HTTP/1.1", "Host: relay", "nonsense"),
    "a header that goes on": lines("GET /healthz HTTP/1.1", "Host: relay", "X-A: a", " b"),
    "NUL in a header": lines("GET /healthz HTTP/1.1", "Host: relay", "X-A: a\0b"),
    "a giant header": lines("GET /v1/whoami HTTP/1.1", "Host: relay", auth, `X-A: ${"a".repeat(MIB)}`),
    "10,000 headers": lines("GET /v1/whoami HTTP/1.1", "Host: relay", ...Array(10_000).fill("X-A: a"), auth),
    "a giant path": lines(`GET /${"a".repeat(MIB)} HTTP/1.1`, "Host: relay"),
    "a path of broken escapes": lines("GET /v1/agents/%zz%ff%00 HTTP/1.1", "Host: relay", auth),
    "a path of raw bytes": Buffer.from(lines("GET /v1/agents/\xff\xfe\x80 HTTP/1.1", "Host: relay", auth), "latin1"),
    "a path with line ends": lines("GET /v1/agents/%0d%0aX:%20y HTTP/1.1", "Host: relay", auth),
    "a GET with a body": `${lines("GET /v1/whoami HTTP/1.1", "Host: relay", auth, "Content-Length: 5")}hello`,
    "a body too short": `${lines(...post, "Content-Length: 1000")}{"to":"user"`,
    "a body too long": `${lines(...post, "Content-Length: 2")}{}{"to":"user","body":"x"}`,
    "a length below zero": `${lines(...post, "Content-Length: -1")}{}`,
    "a length that is none": `${lines(...post, "Content-Length: 2x")}{}`,
    "a length too large to count": `${lines(...post, "Content-Length: 99999999999999999999999")}{}`,
    "two lengths": `${lines(...post, "Content-Length: 2", "Content-Length: 28")}{"to":"user","body":"hello"}`,
    "a length and chunks": `${lines(...post, "Content-Length: 2", "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`,
    "chunks that never end": `${chunked}5\r\n{"to"\r\n`,
    "a chunk too large to count": `${chunked}FFFFFFFFFFFFFFFFFF\r\n{`,
    "a chunk size that is none": `${chunked}zz\r\n{}\r\n0\r\n\r\n`,
    "a chunk below zero": `${chunked}-5\r\nhello\r\n`,
    "chunks of no bytes": `${chunked}0\r\n\r\n`,
    "an encoding that is none": `${lines(...post, "Transfer-Encoding: gzip, nonsense")}{}`,
    "two tokens": lines("GET /v1/whoami HTTP/1.1", "Host: relay", auth, "Authorization: Bearer other"),
    "a promise of a body": lines(...post, "Content-Length: 28", "Expect: 100-continue"),
    "an upgrade to nothing": lines(
      "GET /v1/whoami HTTP/1.1",
      "Host: relay",
      auth,
      "Connection: Upgrade",
      "Upgrade: h2c",
    ),
    "a WebSocket without a key": lines(
      ...["GET /v1/agents/user/socket HTTP/1.1", "Host: relay", auth, "Connection: Upgrade", "Upgrade: websocket"],
    ),
    "100 requests at once": lines("GET /healthz HTTP/1.1", "Host: relay").repeat(100),
  };
}

/** Requests by hosts that are none, for places that are there and places that are not. */
function lostHosts(token: string): string[] {
  const paths = [
    "/v1/agents?limit=1",
    "/nope",
    "//",
    "///v1/agents",
    "/docs/",
    "/v1/agents/../nope",
    "/v1/agents/%zz",
    "*",
  ];
  return ["", ":::@/?#", "a b", "%zz", "[::1", "\xff", "a/b?c#d", "a".repeat(5000)].flatMap((host) =>
    paths.map((path) => lines(`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${token}`)),
  );
}

/** Sends the bytes, waits a little, and answers what came back. */
async function shoot({ url }: TestServer, bytes: string | Uint8Array): Promise<string> {
  const raw = await rawConnect(url);
  raw.socket.write(bytes);
  await Promise.race([raw.closed, Bun.sleep(LOOK_AFTER_MS)]);
  raw.socket.destroy();
  return raw.text();
}

async function expectAlive({ url }: TestServer): Promise<void> {
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
}

async function stored({ url, operatorToken }: TestServer): Promise<number> {
  const answer = await fetch(`${url}/v1/messages?limit=500`, { headers: { authorization: `Bearer ${operatorToken}` } });
  return ((await answer.json()) as { items: unknown[] }).items.length;
}

/** Resident memory in MiB. */
const memoryOf = ({ pid }: TestServer): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

describe("G9: bytes that are no request", () => {
  test("G9: bytes that are no request are refused or waited for, and nothing is stored", async () => {
    const server = await startServer();
    const all = Object.entries(broken(server.operatorToken));
    const answers = await Promise.all(all.map(([, bytes]) => shoot(server, bytes)));
    for (const [at, [name]] of all.entries()) expect(answers[at], name).not.toMatch(FAILURE);
    await expectAlive(server);
    expect(await stored(server)).toBe(0);
  });

  test("G9: a host that is none is no reason to fail", async () => {
    const server = await startServer();
    await fetch(`${server.url}/v1/agents/worker`, {
      method: "PUT",
      headers: { authorization: `Bearer ${server.operatorToken}`, "content-type": "application/json" },
      body: '{"name":"worker"}',
    });
    const all = lostHosts(server.operatorToken).map((text) => Buffer.from(text, "latin1"));
    const answers = await Promise.all(all.map((bytes) => shoot(server, bytes)));
    for (const [at, bytes] of all.entries()) expect(answers[at], bytes.toString("latin1")).not.toMatch(FAILURE);
    expect(answers.filter((answer) => answer.startsWith("HTTP/1.1 404")).length).toBeGreaterThan(5);
    await expectAlive(server);
  });

  test("G9: a sound request with wrong bytes in it never breaks anything", async () => {
    const server = await startServer();
    const request = sound(server.operatorToken);
    const edit = fc.record({
      at: fc.nat(request.length - 1),
      gone: fc.nat(3),
      bytes: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom("\r\n", "\n", "\0", ":", "%", '"').map((t) => Buffer.from(t)),
      ),
    });
    const spoilt = fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(spoilt, async (many) => {
        const answers = await Promise.all(many.map((edits) => shoot(server, edited(request, edits))));
        for (const answer of answers) expect(answer).not.toMatch(FAILURE);
        await expectAlive(server);
      }),
      // Shrinking would shoot thousands of requests, each with its wait.
      { seed: SEED, numRuns: 20, endOnFailure: true },
    );
  });

  test("G9: HEAD of a stream ends at once and holds no place, however its path is written", async () => {
    const { url, operatorToken } = await startServer();
    const headers = { authorization: `Bearer ${operatorToken}` };
    for (const path of ["/v1/agents/user/inbox/stream", "/v1/agents/user/inbox/stream/", "/v1/messages/stream/"])
      for (let i = 0; i < 10; i++) expect((await fetch(`${url}${path}`, { method: "HEAD", headers })).status).toBe(200);
    const user = (await (await fetch(`${url}/v1/agents/user`, { headers })).json()) as { connections: number };
    expect(user.connections).toBe(0);
  });
});

describe.skipIf(process.platform !== "linux")("G9: clients that are slow, or never stop", () => {
  test("G9: clients that are slow, or never stop cost bounded memory, and nobody else waits for them", async () => {
    const server = await startServer();
    await expectAlive(server);
    const before = memoryOf(server);
    const head = (path: string, ...more: string[]) =>
      lines(`POST ${path} HTTP/1.1`, "Host: relay", "Content-Type: application/json", ...more);
    const auth = `Authorization: Bearer ${server.operatorToken}`;
    const endless = await connectAll(server, 10, head("/v1/messages", auth, "Transfer-Encoding: chunked"));
    const strangers = await connectAll(server, 10, head("/v1/messages", "Transfer-Encoding: chunked"));
    const nowhere = await connectAll(server, 10, head("/nowhere", `Content-Length: ${60 * MIB}`));
    const halfHeads = await connectAll(server, 200, "GET /healthz HTTP/1.1\r\nHost: rel");
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MIB, "x"), Buffer.from("\r\n")]);
    let peak = before;
    for (let i = 0; i < 16; i++) {
      for (const { socket } of [...endless, ...strangers, ...nowhere]) if (!socket.destroyed) socket.write(chunk);
      await Bun.sleep(20);
      peak = Math.max(peak, memoryOf(server));
      await expectAlive(server);
    }
    await answered(endless, "HTTP/1.1 413");
    await answered(strangers, "HTTP/1.1 401");
    // 480 MiB were sent; each body is read no further than 1 MiB.
    expect(peak - before).toBeLessThan(200);
    for (const { socket } of [...endless, ...strangers, ...nowhere, ...halfHeads]) socket.destroy();
    await expectAlive(server);
    expect(await stored(server)).toBe(0);
  });
});

/** Waits until each is answered, or was cut off while it still sent: a reset takes an answer along that was not read yet. */
async function answered(raws: RawConnection[], status: string): Promise<void> {
  await until(
    () => raws.every((raw) => raw.text() !== "" || raw.socket.destroyed),
    `${status} for each that never stops`,
  );
  const texts = raws.map((raw) => raw.text()).filter((text) => text !== "");
  expect(texts.length).toBeGreaterThan(0);
  for (const text of texts) expect(text).toStartWith(status);
}

const connectAll = (server: TestServer, many: number, head: string): Promise<RawConnection[]> =>
  Promise.all(
    Array.from({ length: many }, async () => {
      const raw = await rawConnect(server.url);
      raw.socket.write(head);
      return raw;
    }),
  );

interface Edit {
  at: number;
  gone: number;
  bytes: Uint8Array;
}

function edited(text: string, edits: readonly Edit[]): Uint8Array {
  let bytes = Buffer.from(text);
  for (const { at, gone, bytes: more } of edits)
    bytes = Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + gone)]);
  return bytes;
}
