import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

describe("headers of every answer", () => {
  test("X-Request-Id is echoed when it is sound, and made when it is not", async () => {
    const { ask } = await startRelay();
    const id = async (given?: string) =>
      (await ask("GET", "/healthz", undefined, given ? { headers: { "x-request-id": given } } : {})).headers.get(
        "x-request-id",
      );
    expect(await id("my-request.1:2_3")).toBe("my-request.1:2_3");
    expect(await id("with space")).toStartWith("req_");
    expect(await id("x".repeat(129))).toStartWith("req_");
    expect(await id()).toStartWith("req_");
    expect(await id()).not.toBe(await id());
    const refused = await ask("GET", "/v1/messages/99", undefined, { headers: { "x-request-id": "mine" } });
    expect(refused.body.requestId).toBe("mine");
  });

  test.each([
    ["GET", "/healthz"],
    ["GET", "/v1/whoami"],
    ["GET", "/nothing"],
    ["PUT", "/v1/messages"],
    ["POST", "/v1/messages"],
    ["GET", "/v1/messages/99"],
    ["GET", "/metrics"],
  ])("an answer to %s %s has headers: nothing sniffed, framed, kept or sent on", async (method, path) => {
    const { ask } = await startRelay();
    const { headers } = await ask(method, path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("vary")).toBe("Authorization, Cookie");
    expect(headers.get("server")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("G10: no answer lets another origin in, whatever it asks", async () => {
    const { ask } = await startRelay();
    const origin = { origin: "https://elsewhere.example", "access-control-request-method": "GET" };
    for (const [method, path] of [
      ["GET", "/healthz"],
      ["GET", "/v1/whoami"],
      ["OPTIONS", "/v1/messages"],
      ["GET", "/openapi.json"],
    ] as const) {
      const { headers } = await ask(method, path, undefined, { headers: origin });
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("the rate limit", () => {
  test("the rate limit says in each answer what is left, and refuses with 429 and Retry-After when nothing is", async () => {
    const { ask, clock } = await startRelay({ rateLimit: 3 });
    const first = await ask("GET", "/v1/whoami");
    expect(first.headers.get("ratelimit-policy")).toBe('"default";q=3;w=60');
    expect(first.headers.get("ratelimit")).toBe('"default";r=2;t=20');
    await ask("GET", "/v1/messages/99");
    expect((await ask("GET", "/v1/whoami")).headers.get("ratelimit")).toBe('"default";r=0;t=60');
    const refused = await ask("GET", "/v1/whoami");
    expect(refused).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(refused.headers.get("retry-after")).toBe("20");
    clock.advance(19_999);
    expect((await ask("GET", "/v1/whoami")).status).toBe(429);
    clock.advance(1);
    expect((await ask("GET", "/v1/whoami")).status).toBe(200);
    clock.advance(600_000);
    expect((await ask("GET", "/v1/whoami")).headers.get("ratelimit")).toBe('"default";r=2;t=20');
  });

  test("the rate limit is each token's own; what needs no token is not counted", async () => {
    const { ask, agent } = await startRelay({ rateLimit: 4 });
    const bob = await agent("bob");
    for (let i = 0; i < 4; i++) await ask("GET", "/v1/whoami");
    expect((await ask("GET", "/v1/whoami")).status).toBe(429);
    expect((await ask("GET", "/v1/whoami", undefined, bob)).status).toBe(200);
    for (let i = 0; i < 10; i++) expect((await ask("GET", "/healthz")).status).toBe(200);
  });

  test("a rate limit of 0 turns it off, and then no answer speaks of it", async () => {
    const { ask } = await startRelay({ rateLimit: 0 });
    for (let i = 0; i < 50; i++) expect((await ask("GET", "/v1/whoami")).status).toBe(200);
    expect((await ask("GET", "/v1/whoami")).headers.get("ratelimit")).toBeNull();
  });
});
