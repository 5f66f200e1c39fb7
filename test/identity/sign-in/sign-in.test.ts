import { expect, test } from "bun:test";
import { contractsOf } from "../../support/contracts.ts";
import { listen } from "../../support/listen.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const OWN = { origin: "http://127.0.0.1:4747", host: "127.0.0.1:4747" };
const WRITES = { ...OWN, "signalbox-console": "1" };
const MINUTE = 60_000;

/** A browser's requests, straight to the relay: no token, only what the browser itself sends. */
const browse = async ({ relay }: TestRelay, method: string, path: string, headers = {}, body?: unknown) => {
  const all = { ...OWN, ...(body !== undefined && { "content-type": "application/json" }), ...headers };
  const init = { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await relay.app.handle(new Request(`http://127.0.0.1:4747${path}`, init));
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
};

const codeOf = async ({ ask }: TestRelay, draft: object = {}) => {
  const { body, status } = await ask("POST", "/v1/sign-in-links", draft);
  expect(status).toBe(201);
  return body.url.split("#code=")[1] as string;
};

/** Signs a browser in. Answers the cookie that it then sends. */
async function signIn(relay: TestRelay, draft: object = {}, headers = {}): Promise<{ cookie: string; id: string }> {
  const answer = await browse(relay, "POST", "/v1/sign-in", headers, { code: await codeOf(relay, draft) });
  expect(answer.status).toBe(201);
  return { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "", id: answer.body.tokenId };
}

test("a link signs one browser in, once, within ten minutes", async () => {
  const relay = await startRelay();
  const code = await codeOf(relay);
  const first = await browse(relay, "POST", "/v1/sign-in", {}, { code });
  expect(first.body).toMatchObject({ role: "operator", personId: null });
  expect(first.headers.get("set-cookie")).toMatch(
    /^signalbox=sbx_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/,
  );
  expect((await browse(relay, "POST", "/v1/sign-in", {}, { code })).body).toMatchObject({
    ...{ status: 401, detail: expect.stringContaining("signalbox console") },
  });
  const late = await codeOf(relay);
  await relay.pass(10 * MINUTE);
  expect((await browse(relay, "POST", "/v1/sign-in", {}, { code: late })).status).toBe(401);
  expect((await browse(relay, "POST", "/v1/sign-in", {}, { code: "guess" })).status).toBe(401);
});

test("off loopback a browser signs in over TLS alone, and a refusal leaves the code unused", async () => {
  const relay = await startRelay();
  const code = await codeOf(relay);
  const plain = { host: "box.example:4747", origin: "http://box.example:4747" };
  const refused = await browse(relay, "POST", "/v1/sign-in", plain, { code });
  expect(refused.body).toMatchObject({ status: 403, detail: expect.stringContaining("TLS") });
  const tls = { host: "box.example", origin: "https://box.example", "x-forwarded-proto": "https" };
  const answer = await browse(relay, "POST", "/v1/sign-in", tls, { code });
  expect(answer.headers.get("set-cookie")).toStartWith("__Host-signalbox=sbx_");
  expect(answer.headers.get("set-cookie")).toContain("; Secure; Path=/; HttpOnly; SameSite=Strict");
  const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect((await browse(relay, "GET", "/v1/whoami", { ...tls, cookie })).body).toMatchObject({ signIn: true });
  // The name without the prefix counts on loopback alone.
  const bare = cookie.replace("__Host-", "");
  expect((await browse(relay, "GET", "/v1/whoami", { ...tls, cookie: bare })).status).toBe(401);
});

test("G10: by the cookie a page of another origin neither writes nor opens a stream", async () => {
  const relay = await startRelay();
  await relay.agent("builder");
  const { cookie } = await signIn(relay);
  const send = (headers: object) =>
    browse(relay, "POST", "/v1/messages", { cookie, ...headers }, { to: "builder", body: "x" });
  expect((await send(WRITES)).status).toBe(201);
  expect((await send({ ...WRITES, origin: "http://127.0.0.1:9999" })).status).toBe(403);
  expect((await send({ ...WRITES, origin: "https://evil.example" })).status).toBe(403);
  expect((await send({ ...WRITES, origin: "null" })).status).toBe(403);
  expect((await send(OWN)).body).toMatchObject({ status: 403, detail: expect.stringContaining("Signalbox-Console") });
  const stream = (headers: object) => browse(relay, "GET", "/v1/messages/stream", { cookie, ...headers });
  expect((await stream({ origin: "http://127.0.0.1:9999" })).status).toBe(403);
  const { origin: _, ...noOrigin } = OWN;
  const bare = new Request("http://127.0.0.1:4747/v1/messages/stream", { headers: { ...noOrigin, cookie } });
  expect((await relay.relay.app.handle(bare)).status).toBe(403);
  const fromPage = { ...noOrigin, cookie, "sec-fetch-site": "same-origin" };
  const opened = await relay.relay.app.handle(
    new Request("http://127.0.0.1:4747/v1/messages/stream", { headers: fromPage }),
  );
  expect(opened.status).toBe(200);
  await opened.body?.cancel();
});

test("G10: by the cookie a page of another origin reaches no operation that changes something or stays open", async () => {
  const relay = await startRelay();
  const { cookie } = await signIn(relay);
  const all = [...(await contractsOf("ours")), ...(await contractsOf("others"))].map(([, contract]) => contract);
  const guarded = all.filter(({ open, method, long }) => !open && (method !== "GET" || long));
  expect(guarded.length).toBeGreaterThan(130);
  const ANOTHER = { cookie, "signalbox-console": "1", origin: "http://127.0.0.1:9999" };
  const reached: string[] = [];
  for (const { operationId, method, path, socket } of guarded) {
    const at = path.replaceAll(/\{(\w+)\}/g, "x");
    const from = async (headers: object) => (await browse(relay, method, at, headers)).status;
    if ((await from(ANOTHER)) !== 403) reached.push(`${operationId}: from another origin`);
    if (method !== "GET" && !socket && (await from({ cookie })) !== 403)
      reached.push(`${operationId}: without the header of the console`);
  }
  expect(reached).toEqual([]);
});

test("G10: a socket by the cookie needs the relay's own origin", async () => {
  const relay = await startRelay();
  await relay.agent("builder");
  const { host } = new URL(listen(relay));
  const { cookie } = await signIn(relay);
  const open = (origin: string) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`ws://${host}/v1/agents/user/socket`, { headers: { cookie, origin } } as never);
      socket.onmessage = ({ data }) => {
        resolve(JSON.parse(String(data)).type ?? String(data));
        socket.close();
      };
      socket.onclose = ({ code }) => resolve(`closed ${code}`);
    });
  expect(await open(`http://${host}`)).toBe("hello");
  expect(await open("http://127.0.0.1:1")).toStartWith("closed");
});

test("a sign-in is no bearer token, and a token is no cookie", async () => {
  const relay = await startRelay();
  const { cookie } = await signIn(relay);
  const secret = cookie.slice("signalbox=".length);
  expect((await relay.ask("GET", "/v1/whoami", undefined, { token: secret })).status).toBe(401);
  const operator = `signalbox=${relay.relay.operatorToken}`;
  expect((await browse(relay, "GET", "/v1/whoami", { cookie: operator })).status).toBe(401);
});

test("a sign-in is listed and revoked as tokens are, ends with its time, and by signing out", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  const draft = { personId: "ada", hours: 1 };
  const agent = { "user-agent": "Firefox" };
  const [one, two, three] = [
    await signIn(relay, draft, agent),
    await signIn(relay, draft),
    await signIn(relay, { hours: 2 }),
  ];
  const who = ({ cookie }: { cookie: string }) => browse(relay, "GET", "/v1/whoami", { cookie });
  expect((await who(one)).body).toMatchObject({ role: "member", personId: "ada", agentId: "user", signIn: true });
  const listed = (await ask("GET", "/v1/tokens")).body.items as { id: string }[];
  expect(listed.find(({ id }) => id === one.id)).toMatchObject({ signIn: true, name: "Firefox", personId: "ada" });
  await ask("DELETE", `/v1/tokens/${one.id}`);
  expect((await who(one)).status).toBe(401);
  const out = (from: { cookie: string }, body: object) =>
    browse(relay, "POST", "/v1/sign-out", { ...WRITES, cookie: from.cookie }, body);
  const four = await signIn(relay, draft);
  const left = await out(two, {});
  expect(left.body).toEqual({ ended: [two.id], own: true });
  expect(left.headers.get("set-cookie")).toContain("signalbox=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  expect((await who(two)).status).toBe(401);
  const five = await signIn(relay, draft);
  expect((await out(five, { everywhere: true })).body.ended.toSorted()).toEqual([four.id, five.id].toSorted());
  expect((await who(four)).status).toBe(401);
  await relay.pass(119 * MINUTE);
  expect((await who(three)).status).toBe(200);
  await relay.restart();
  await relay.pass(MINUTE);
  expect((await who(three)).status).toBe(401);
  const acts = (await ask("GET", "/v1/activity?verb=signed-in")).body.items;
  expect(acts[0]).toMatchObject({ person: "ada", subject: five.id });
});

test("G10: a person makes links for no one else, and none that is stronger", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  await ask("PUT", "/v1/people/ben", { name: "Ben", role: "viewer" });
  const ada = (await ask("POST", "/v1/tokens", { role: "member", personId: "ada" })).body;
  const link = async (draft: object) => (await ask("POST", "/v1/sign-in-links", draft, ada)).status;
  expect(await link({})).toBe(201);
  expect(await link({ role: "viewer", personId: "ada" })).toBe(201);
  expect(await link({ personId: "ben" })).toBe(403);
  expect(await link({ role: "operator" })).toBe(403);
  expect(await link({ role: "member" })).toBe(403);
  expect((await ask("POST", "/v1/sign-in-links", { personId: "ben", role: "member" })).status).toBe(422);
  const weak = await signIn(relay, { personId: "ada" });
  await ask("DELETE", "/v1/people/ada");
  expect((await browse(relay, "GET", "/v1/whoami", { cookie: weak.cookie })).status).toBe(401);
});
