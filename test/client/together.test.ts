import { beforeEach, describe, expect, test } from "bun:test";
import { type Client, createClient, RelayProblem } from "../../src/client/client.ts";
import type { Fetch } from "../../src/client/transport.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { turns } from "../support/until.ts";

let made: TestRelay;
let ann: { id: string; token: string };
/** Requests of the client, in order, each with the bytes of its body. */
let asked: { place: string; bytes: number }[];
/** Does something with a request in place of passing it on. */
let instead: ((place: string, pass: () => Promise<Response>) => Promise<Response>) | undefined;
beforeEach(async () => {
  made = await startRelay();
  ann = await made.agent("ann");
  await made.agent("ben");
  asked = [];
  instead = undefined;
});

const passOn: Fetch = (url, init) => {
  const place = `${init?.method} ${url.slice("http://relay".length)}`;
  asked.push({ place, bytes: String(init?.body ?? "").length });
  const pass = () => made.relay.app.handle(new Request(url, init));
  return instead ? instead(place, pass) : pass();
};
const clientOf = (token: string, more: object = {}): Client =>
  createClient({ url: "http://relay", token, fetch: passOn, timing: { sleep: sleepless }, ...more });
/** Waits between tries take no time; limits of time never come. */
const sleepless = (ms: number, signal?: AbortSignal) =>
  ms < 20_000 ? Promise.resolve() : new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject()));

const places = () => asked.map(({ place }) => place);
const EACH = "POST /v1/messages/batch?atomic=false";
const to = (target: string) => (body: string) => ({ to: target, body });
const bodiesFor = async (agent: string): Promise<string[]> =>
  (await made.ask("GET", `/v1/messages?to=${agent}&limit=500`)).body.items
    .map((item: { body: string }) => item.body)
    .reverse();
const codes = (settled: PromiseSettledResult<unknown>[]) =>
  settled.map((one) => (one.status === "fulfilled" ? "ok" : ((one.reason as RelayProblem).code ?? one.reason)));

describe("sends of one turn", () => {
  test("sends of one turn go as one request, in order, each with its own answer; one alone is the plain call", async () => {
    const { messages } = clientOf(ann.token);
    const sent = await Promise.all(["one", "two", "three"].map((body) => messages.send(to("ben")(body))));
    expect(places()).toEqual([EACH]);
    expect(sent.map(({ body }) => body)).toEqual(["one", "two", "three"]);
    expect(sent.map(({ id }) => id - (sent[0]?.id ?? 0))).toEqual([0, 1, 2]);
    const alone = await messages.send(to("ben")("four"));
    expect(places()).toEqual([EACH, "POST /v1/messages"]);
    expect(Object.keys(sent[0] ?? {}).sort()).toEqual(Object.keys(alone).sort());
  });

  test("callers that each send again when they are answered have two requests under way, each in the order of its turn", async () => {
    const { messages } = clientOf(ann.token);
    let underWay = 0;
    let most = 0;
    instead = async (_place, pass) => {
      most = Math.max(most, ++underWay);
      await turns();
      return pass().finally(() => underWay--);
    };
    const callers = [...Array(64).keys()];
    const sent: string[][] = [[], []];
    await Promise.all(
      callers.map(async (caller) => {
        for (const round of sent) round.push((await messages.send(to("ben")(`${caller}`))).body ?? "");
      }),
    );
    expect(places()).toEqual([EACH, EACH, EACH]);
    expect(most).toBe(2);
    const inOrder = callers.map(String);
    // Two requests that are under way together may be answered in either order.
    const halves = (bodies: string[]) =>
      [true, false].flatMap((first) => bodies.filter((b) => Number(b) < 32 === first));
    const [once = [], again = []] = sent;
    expect([once, halves(again)]).toEqual([inOrder, inOrder]);
    const stored = await bodiesFor("ben");
    expect([stored.slice(0, 64), halves(stored.slice(64))]).toEqual([inOrder, inOrder]);
  });

  test("sends of one turn are refused each by itself, with the problem of the plain call", async () => {
    const { messages } = clientOf(ann.token);
    const settled = await Promise.allSettled([
      messages.send(to("ben")("one")),
      messages.send(to("bem")("two")),
      messages.send({ ...to("ben")("three"), topic: "x".repeat(200) }),
      messages.send(to("ben")("four")),
    ]);
    expect(codes(settled)).toEqual(["ok", "unknown-target", "invalid", "ok"]);
    const [, unknown, invalid] = settled.map((one) => (one.status === "rejected" ? one.reason : undefined));
    expect(unknown).toBeInstanceOf(RelayProblem);
    expect(unknown.body).toMatchObject({ status: 422, suggestions: ["ben"] });
    expect(invalid.body.errors).toMatchObject([{ pointer: "/topic" }]);
    expect(await bodiesFor("ben")).toEqual(["one", "four"]);
  });

  test("G5: sends of one turn whose answer was cut off are sent again under their keys, and stored once", async () => {
    const { messages } = clientOf(ann.token);
    let cuts = 0;
    instead = async (_, pass) => {
      const answer = await pass();
      if (++cuts < 3) throw new TypeError("the connection was closed");
      return answer;
    };
    const bodies = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    const sent = await Promise.all(bodies.map((body) => messages.send(to("ben")(body))));
    expect(places()).toEqual([EACH, EACH, EACH]);
    expect(sent.every((one) => one.replayed === undefined)).toBe(true);
    expect(await bodiesFor("ben")).toEqual(bodies);
  });

  test("sends of one turn tell of a key of the caller's that was used before", async () => {
    const { messages } = clientOf(ann.token);
    const draft = { ...to("ben")("once"), idempotencyKey: "k" };
    const [first, again] = await Promise.all([messages.send(draft), messages.send(draft)]);
    expect(again).toMatchObject({ id: first.id, replayed: true });
    expect(first.replayed).toBeUndefined();
  });

  test("sends of one turn leave out what is aborted before, and go on without what is aborted later", async () => {
    const { messages } = clientOf(ann.token);
    const [early, late] = [new AbortController(), new AbortController()];
    instead = (_, pass) => {
      late.abort(new Error("too late"));
      return pass();
    };
    const settled = Promise.allSettled([
      messages.send(to("ben")("one")),
      messages.send(to("ben")("early"), { signal: early.signal }),
      messages.send(to("ben")("late"), { signal: late.signal }),
      messages.send(to("ben")("gone"), { signal: AbortSignal.abort(new Error("before")) }),
      messages.send(to("ben")("two")),
    ]);
    early.abort(new Error("enough"));
    const outcomes = (await settled).map((one) => (one.status === "fulfilled" ? "ok" : String(one.reason)));
    expect(outcomes).toEqual(["ok", "Error: enough", "Error: too late", "Error: before", "ok"]);
    expect(await bodiesFor("ben")).toEqual(["one", "late", "two"]);
  });

  test("sends of one turn that are all aborted end their request", async () => {
    const { messages } = clientOf(ann.token);
    const stop = new AbortController();
    let wasAborted = false;
    const fetch: Fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => {
          wasAborted = true;
          reject(new Error("aborted"));
        });
        stop.abort(new Error("stop"));
      });
    const hanging = clientOf(ann.token, { fetch }).messages;
    const { signal } = stop;
    const settled = await Promise.allSettled([1, 2].map((n) => hanging.send(to("ben")(`${n}`), { signal })));
    expect(settled.map((one) => one.status === "rejected" && String(one.reason))).toEqual([
      "Error: stop",
      "Error: stop",
    ]);
    expect(wasAborted).toBe(true);
    expect((await messages.send(to("ben")("after"))).body).toBe("after");
  });

  test("sends of one turn of a superseded instance all are", async () => {
    for (const instanceId of ["i-1", "i-2"])
      await made.ask("PUT", "/v1/agents/ann", { name: "ann", instanceId }, { token: ann.token });
    const { messages } = clientOf(ann.token, { instanceId: "i-1" });
    const settled = await Promise.allSettled(["one", "two"].map((body) => messages.send(to("ben")(body))));
    expect(codes(settled)).toEqual(["superseded", "superseded"]);
    expect(places()).toEqual([EACH]);
  });

  test("sends of one turn go each alone where the request as a whole is refused, as by an older relay", async () => {
    const { messages } = clientOf(ann.token);
    // Numbers beyond 2^53 refuse a whole body.
    const far = { ...to("ben")("far"), payload: { n: 2 ** 60 } };
    const settled = await Promise.allSettled([messages.send(to("ben")("one")), messages.send(far)]);
    expect(codes(settled)).toEqual(["ok", "invalid"]);
    expect(places()).toEqual([EACH, "POST /v1/messages", "POST /v1/messages"]);
  });

  test("sends of one turn are split where a request has no room for them", async () => {
    const { messages } = clientOf(ann.token);
    await Promise.all(Array.from({ length: 1200 }, (_, i) => messages.send(to("user")(`${i}`))));
    expect(places()).toEqual([EACH, EACH]);
    asked = [];
    const large = "x".repeat(250 * 1024);
    const sent = await Promise.all(Array.from({ length: 25 }, () => messages.send(to("ben")(large))));
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.every(({ place, bytes }) => place === EACH && bytes < 8 * 1024 * 1024)).toBe(true);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(25);
  });

  test("sends of one turn stay apart where they are tried differently often", async () => {
    const { messages } = clientOf(ann.token);
    const drafts = ["one", "two"].map(to("ben"));
    await Promise.all([...drafts, ...drafts].map((draft, i) => messages.send(draft, { retries: i < 2 ? 1 : 2 })));
    expect(places()).toEqual([EACH, EACH]);
  });

  test("sends of one turn try again for the one that the relay was too busy for", async () => {
    const { messages } = clientOf(ann.token);
    instead = async (place, pass) => {
      const answer = await pass();
      if (place !== EACH) return answer;
      const { items } = (await answer.json()) as { items: unknown[] };
      const problem = { status: 503, code: "storage-unavailable", detail: "the disk is full" };
      return Response.json({ items: [items[0], { problem, retryAfterSeconds: 5 }] });
    };
    const sent = await Promise.all(["one", "two"].map((body) => messages.send(to("ben")(body))));
    expect(sent.map(({ body }) => body)).toEqual(["one", "two"]);
    expect(places()).toEqual([EACH, "POST /v1/messages"]);
    expect(await bodiesFor("ben")).toEqual(["one", "two"]);
  });
});

describe("completes and acknowledgements of one turn", () => {
  test("completes of one turn go as one request, each with its own answer", async () => {
    for (const body of ["one", "two", "three"])
      await made.ask("POST", "/v1/messages", { to: "ann", body, claimable: true });
    const { claims } = clientOf(ann.token);
    const { items } = await claims.claimNext({ max: 3 });
    asked = [];
    const settled = await Promise.allSettled(
      items.map(({ message: { id, body }, claim: { token } }, i) =>
        claims.complete(id, { token: i === 1 ? "clm_1_1" : token, result: `did ${body}` }),
      ),
    );
    expect(places()).toEqual(["POST /v1/messages/complete"]);
    expect(codes(settled)).toEqual(["ok", "claim-lost", "ok"]);
    expect(settled[2]).toMatchObject({ value: { message: { body: "three", state: "done" } } });
    expect(await bodiesFor("user")).toEqual(["did one", "did three"]);
  });

  test("acknowledgements of one turn go as the highest, and what was skipped is counted once", async () => {
    for (const body of ["one", "two", "three"]) await made.ask("POST", "/v1/messages", { to: "ann", body });
    const { inbox } = clientOf(ann.token, { agentId: "ann" });
    const head = (await made.ask("GET", "/v1/agents/ann/inbox")).body.head as number;
    const acked = await Promise.all([head - 2, head, head - 1].map((upTo) => inbox.ack(upTo)));
    expect(places()).toEqual(["POST /v1/agents/ann/inbox/ack"]);
    expect(acked.map(({ cursor }) => cursor)).toEqual([head, head, head]);
    expect(acked[0]?.skipped).toBe(0);
    expect(acked[2]?.skipped).toBe(0);
    const settled = await Promise.allSettled([inbox.ack(head), inbox.ack(head + 50), inbox.ack(-1)]);
    expect(codes(settled)).toEqual(["ok", "ahead-of-log", "invalid"]);
  });
});
