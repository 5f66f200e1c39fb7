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

interface NewToken {
  id: string;
  token: string;
}

/** A person with a token of the same role, and the browsers that links sign in. `hours`: the token's time. */
async function withMember(role: "member" | "viewer" | "operator" = "member", hours?: number) {
  const relay = await startRelay();
  const expiresAt = hours && new Date(relay.clock.now() + hours * 60 * MINUTE).toISOString();
  await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role });
  const ada = (await relay.ask("POST", "/v1/tokens", { role, personId: "ada", expiresAt })).body as NewToken;
  const codeBy = async (by: { token: string } | { cookie: string }, draft: object = {}) => {
    const path = "/v1/sign-in-links";
    const made =
      "token" in by
        ? await relay.ask("POST", path, draft, by)
        : await browse(relay, "POST", path, { ...WRITES, cookie: by.cookie }, draft);
    expect(made.status).toBe(201);
    return made.body.url.split("#code=")[1] as string;
  };
  const use = async (code: string) => {
    const { status, body, headers } = await browse(relay, "POST", "/v1/sign-in", {}, { code });
    const set = headers.get("set-cookie") ?? "";
    return { status, body, cookie: set.split(";")[0] ?? "", seconds: Number(/Max-Age=(\d+)/.exec(set)?.[1]) };
  };
  const works = async ({ cookie }: { cookie: string }) =>
    (await browse(relay, "GET", "/v1/messages", { cookie })).status === 200;
  const revoke = (id: string) => relay.ask("DELETE", `/v1/tokens/${id}`);
  return { ...relay, ada, codeBy, use, works, revoke };
}

test("G10: a link signs no browser in once the token that made it was revoked, or is weaker than the link", async () => {
  for (const role of ["viewer", "member", "operator"] as const) {
    const { ada, codeBy, use, revoke } = await withMember(role);
    const code = await codeBy(ada, { hours: 8760 });
    expect((await revoke(ada.id)).status).toBe(200);
    expect([role, (await use(code)).status]).toEqual([role, 401]);
  }
  const { ask, ada, codeBy, use } = await withMember("operator");
  const code = await codeBy(ada, { role: "operator" });
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "viewer" });
  expect((await use(code)).status).toBe(401);
});

test("G10: a member's sign-in lasts no longer than the token that made its link, by however many links", async () => {
  const { pass, ada, codeBy, use, works } = await withMember("member", 1);
  const one = await use(await codeBy(ada, { hours: 8760 }));
  expect([one.status, one.seconds]).toEqual([201, 3600]);
  const two = await use(await codeBy(one, { hours: 8760 }));
  expect(two.body.expiresAt).toBe(one.body.expiresAt);
  await pass(59 * MINUTE);
  const late = await codeBy(ada, { hours: 8760 });
  await pass(MINUTE - 1);
  expect([await works(one), await works(two)]).toEqual([true, true]);
  await pass(1);
  expect([await works(one), await works(two)]).toEqual([false, false]);
  expect((await use(late)).status).toBe(401);
});

test("G10: browsers that a member's token signed in end when it is revoked, those of another token and an operator's stay", async () => {
  const { ask, ada, codeBy, use, works, revoke } = await withMember();
  const other = (await ask("POST", "/v1/tokens", { role: "member", personId: "ada" })).body as NewToken;
  const own = await use(await codeBy(ada));
  const next = await use(await codeBy(own));
  const others = [await use(await codeBy(other))];
  const operator = (await ask("POST", "/v1/tokens", { role: "operator" })).body as NewToken;
  others.push(await use(await codeBy(operator, { personId: "ada" })));
  await revoke(operator.id);
  await revoke(ada.id);
  expect([await works(own), await works(next)]).toEqual([false, false]);
  for (const one of others) expect(await works(one)).toBe(true);
  const { data } = (await ask("GET", `/v1/activity?verb=token.revoked&subject=${ada.id}`)).body.items[0];
  expect(data.signedOut.toSorted()).toEqual([own.body.tokenId, next.body.tokenId].toSorted());
});

test("signing one browser out leaves the other that it signed in", async () => {
  const relay = await withMember();
  const { ada, codeBy, use, works } = relay;
  const one = await use(await codeBy(ada));
  const two = await use(await codeBy(one));
  await browse(relay, "POST", "/v1/sign-out", { ...WRITES, cookie: one.cookie }, {});
  expect([await works(one), await works(two)]).toEqual([false, true]);
});
