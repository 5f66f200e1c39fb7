import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createBackoff } from "../../src/client/backoff.ts";
import { createClient, everyItem, RelayMismatch, RelayProblem, RelayUnreachable } from "../../src/client/client.ts";
import { headOf } from "../../src/client/text.ts";
import { createFarEnd, createStillTime, type FarEnd, message, problem, until } from "../support/client-harness.ts";

let far: FarEnd;
beforeEach(() => {
  far = createFarEnd();
});
afterEach(() => far.close());

const clientOf = (options: object = {}) => createClient({ url: far.url, token: "secret", ...options });
const sent = () => Response.json({ ...message(1), matched: 1 }, { status: 201 });

describe("a call", () => {
  test("a call carries the token, the instance and the name it acts in", async () => {
    far.answer(sent);
    await clientOf({ agentId: "a", instanceId: "i-1" }).messages.send({ to: "b", body: "hello" });
    const [request] = far.requests;
    expect(request?.headers.get("authorization")).toBe("Bearer secret");
    expect(request?.headers.get("signalbox-instance")).toBe("i-1");
    expect(request?.body).toMatchObject({ from: "a", to: "b", body: "hello" });
  });

  test("a call keeps the path that a proxy gave the relay, and writes ids as one part of a path", async () => {
    far.answer(() => problem("not-found"));
    const client = createClient({ url: `${far.url}/relay/` });
    await client.agents.get("telegram:a/b").catch(() => undefined);
    expect(far.asked).toEqual(["GET /relay/v1/agents/telegram%3Aa%2Fb"]);
  });

  test("a call rejects with the problem that the relay states", async () => {
    far.answer(() => problem("already-claimed"));
    const refusal = await clientOf()
      .claims.claim(7)
      .catch((error) => error);
    expect(refusal).toBeInstanceOf(RelayProblem);
    expect(refusal).toMatchObject({ code: "already-claimed", status: 409, message: "far end: already-claimed" });
  });

  test("a call makes a problem of a proxy's page, and of a code from the future", async () => {
    far.answer(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    const page = await clientOf()
      .whoami({ retries: 0 })
      .catch((error) => error);
    expect(page).toMatchObject({ name: "RelayProblem", status: 502, code: "internal" });
    far.answer(() => Response.json({ code: "brand-new", detail: "what it says", status: 409 }, { status: 409 }));
    const future = await clientOf()
      .whoami()
      .catch((error) => error);
    expect(future).toMatchObject({ name: "RelayProblem", status: 409, message: "what it says" });
  });

  test("a call says that it was not the relay that answered", async () => {
    far.answer(() => new Response("<h1>It works!</h1>"));
    expect(clientOf().whoami()).rejects.toThrow(RelayMismatch);
  });

  test("a call does not follow a redirect with its token", async () => {
    const elsewhere = createFarEnd();
    far.answer(() => new Response(null, { status: 307, headers: { location: `${elsewhere.url}/v1/whoami` } }));
    expect(await clientOf({ retries: 0 }).whoami({ retries: 0 }).catch(String)).toContain("does not answer");
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.close();
  });

  test("a call rejects with the signal's reason when that fires", async () => {
    const stop = new AbortController();
    far.answer(() => new Promise(() => undefined));
    const call = clientOf().whoami({ signal: stop.signal });
    await until(() => far.asked.length === 1);
    stop.abort(new Error("enough"));
    expect(call).rejects.toThrow("enough");
  });

  test("a call gives up on an answer that does not come, later where the relay may wait", async () => {
    const time = createStillTime();
    far.answer(() => new Promise(() => undefined));
    const client = clientOf({ timing: time.timing, agentId: "a" });
    const claim = client.claims.claimNext({ waitSeconds: 20 }).catch((error) => error);
    await until(() => far.asked.length === 1);
    await time.pass(50_000);
    expect(await claim).toBeInstanceOf(RelayUnreachable);
    expect(far.asked).toHaveLength(1);
  });
});

describe("what is safe to repeat", () => {
  test("a call that is safe to repeat is repeated with growing waits while the relay is busy", async () => {
    const time = createStillTime();
    far.answer((_, n) => (n < 4 ? problem("overloaded") : sent()));
    const call = clientOf({ timing: time.timing }).messages.send({ to: "b", body: "x" });
    for (const ms of [250, 500, 1000]) await time.pass(ms);
    expect(await call).toMatchObject({ id: 1, matched: 1 });
    const keys = new Set(far.requests.map((request) => Object(request.body).idempotencyKey));
    expect(keys.size).toBe(1);
    expect([...keys][0]).toBeTruthy();
  });

  test("a call that is safe to repeat waits as long as Retry-After says, but not for ever", async () => {
    const time = createStillTime();
    far.answer((_, n) => (n === 1 ? problem("rate-limited", { "retry-after": "8" }) : sent()));
    const call = clientOf({ timing: time.timing }).messages.send({ to: "b", body: "x" });
    await time.pass(9_000);
    await call;
    far.answer(() => problem("rate-limited", { "retry-after": "300" }));
    expect(clientOf({ timing: time.timing }).health()).rejects.toMatchObject({ retryAfterMs: 300_000 });
  });

  test("a call that is safe to repeat is given up after four repeats", async () => {
    const time = createStillTime();
    far.answer(() => problem("stopping"));
    const call = clientOf({ timing: time.timing })
      .health()
      .catch((error) => error);
    for (const ms of [250, 500, 1000, 2000]) await time.pass(ms);
    expect(await call).toMatchObject({ code: "stopping" });
    expect(far.asked).toHaveLength(5);
  });

  test("a call that is safe to repeat is repeated when the connection is refused", async () => {
    const time = createStillTime();
    await far.close();
    const call = clientOf({ timing: time.timing })
      .health({ retries: 1 })
      .catch((error) => error);
    await time.pass(250);
    expect(await call).toBeInstanceOf(RelayUnreachable);
  });

  test("calls that are safe to repeat do not include making a token, or a refusal", async () => {
    far.answer(() => problem("overloaded"));
    expect(clientOf().tokens.create({ role: "viewer" })).rejects.toThrow("overloaded");
    await until(() => far.asked.length === 1);
    far.answer(() => problem("forbidden"));
    expect(clientOf().health()).rejects.toThrow("forbidden");
    await until(() => far.asked.length === 2);
  });
});

describe("a send", () => {
  test("a send says replayed for the caller's key, and keeps quiet about its own repeats", async () => {
    far.answer(() => Response.json({ ...message(1), matched: 1 }, { headers: { "idempotent-replayed": "true" } }));
    const client = clientOf();
    expect((await client.messages.send({ to: "b", body: "x", idempotencyKey: "k" })).replayed).toBe(true);
    expect((await client.messages.send({ to: "b", body: "x" })).replayed).toBeUndefined();
  });

  test("a send with a time to come answers with the schedule", async () => {
    const deliverAt = "2030-01-01T00:00:00.000Z";
    far.answer(() => Response.json({ scheduleId: "sch_1", deliverAt }, { status: 202 }));
    expect(await clientOf().messages.send({ to: "b", body: "x", deliverAt })).toEqual({
      scheduleId: "sch_1",
      deliverAt,
    });
  });

  test("a send of many gives each its key", async () => {
    far.answer(() => Response.json({ items: [] }));
    await clientOf().messages.sendBatch([
      { to: "b", body: "1" },
      { to: "b", body: "2", idempotencyKey: "mine" },
    ]);
    const { messages } = Object(far.requests[0]?.body);
    expect(messages[0].idempotencyKey).toBeTruthy();
    expect(messages[1].idempotencyKey).toBe("mine");
  });
});

test("a token's own agent is asked for once", async () => {
  const instance = { given: null, current: null, fenced: false };
  const who = {
    ...{
      tokenId: "tok_1",
      role: "agent",
      agentId: "mine",
      groups: null,
      prefix: null,
      source: null,
      personId: null,
      sessionId: null,
      signIn: false,
    },
    instance,
  };
  far.answer(({ path }) => Response.json(path === "/v1/whoami" ? who : { items: [], nextPage: null }));
  const client = clientOf();
  await client.claims.held();
  await client.claims.held();
  expect(far.asked).toEqual(["GET /v1/whoami", "GET /v1/agents/mine/claims", "GET /v1/agents/mine/claims"]);
});

test("every page of a list is read, empty ones passed over", async () => {
  const pages: Record<string, object> = {
    "": { items: [message(3)], nextPage: "2" },
    "2": { items: [], nextPage: "3" },
    "3": { items: [message(1)], nextPage: null },
  };
  far.answer(({ query }) => Response.json(pages[query.get("page") ?? ""]));
  const client = clientOf();
  const ids: number[] = [];
  for await (const item of everyItem((page) => client.messages.list({ page }))) ids.push(item.id);
  expect(ids).toEqual([3, 1]);
});

describe("waits between connections", () => {
  test("waits between connections double from 1 s to 30 s, moved by up to a quarter", () => {
    const { timing } = createStillTime();
    const waits = (random: number) => {
      const backoff = createBackoff({ ...timing, random: () => random });
      return Array.from({ length: 7 }, () => backoff.delay());
    };
    expect(waits(0.5)).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    expect(waits(0)[0]).toBe(750);
    expect(waits(0.998)[0]).toBe(1249);
  });

  test("waits between connections begin anew only after a connection that stood for 10 s", () => {
    const time = createStillTime();
    const backoff = createBackoff(time.timing);
    backoff.delay();
    backoff.up();
    time.advance(9_999);
    expect(backoff.delay()).toBe(2000);
    backoff.up();
    time.advance(10_000);
    expect(backoff.delay()).toBe(1000);
  });

  test("waits between connections are never shorter than the relay asked, and never longer than an hour and a quarter", () => {
    const { timing } = createStillTime();
    const backoff = createBackoff({ ...timing, random: () => 0 });
    expect(backoff.delay(300_000)).toBe(300_000);
    expect(backoff.delay(1e12)).toBe(3_600_000);
  });
});

test("text is cut between characters, and comes out well-formed", () => {
  expect(headOf("äöü", 3)).toBe("ä");
  expect(headOf("a😀b", 4)).toBe("a");
  expect(headOf("\ud800x", 10)).toBe("\ufffdx");
});
