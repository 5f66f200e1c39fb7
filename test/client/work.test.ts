import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient, Failure, Release } from "../../src/client/client.ts";
import type { WorkEvent, WorkOptions } from "../../src/client/work.ts";
import {
  claimed,
  createFarEnd,
  createStillTime,
  type FarEnd,
  message,
  problem,
  until,
} from "../support/client-harness.ts";

let far: FarEnd;
let time: ReturnType<typeof createStillTime>;
let stop: AbortController;
/** Work to claim. */
let open: ReturnType<typeof claimed>[];
/** Answers that a test gives instead, by the end of the path. */
let instead: Record<string, () => Response>;

beforeEach(() => {
  far = createFarEnd();
  time = createStillTime();
  stop = new AbortController();
  open = [];
  instead = {};
  far.answer(({ method, path, body }) => {
    const special = Object.keys(instead).find((end) => path.endsWith(end));
    if (special) return instead[special]?.() ?? problem("internal");
    if (path.endsWith("/claims")) {
      if (method === "GET") return Response.json({ items: [] });
      const items = open.splice(0, Object(body).max);
      return items.length > 0 ? Response.json({ items }) : new Promise(() => undefined);
    }
    const answer = { message: message(1, { claimable: true }) };
    if (path === "/v1/messages/complete") return Response.json({ items: Object(body).items.map(() => answer) });
    return Response.json(answer);
  });
});
afterEach(async () => {
  stop.abort();
  await far.close();
});

function working(options: Partial<WorkOptions> & Pick<WorkOptions, "handler">) {
  const client = createClient({ url: far.url, agentId: "a", timing: time.timing });
  const events: WorkEvent[] = [];
  const failure = client.work({ signal: stop.signal, onEvent: (event) => events.push(event), ...options }).then(
    () => undefined,
    (error) => error,
  );
  return { events, failure, types: () => events.map(({ type }) => type) };
}

const bodies = (verb: string) => far.requests.filter(({ path }) => path.endsWith(`/${verb}`)).map(({ body }) => body);
const never = (signal: AbortSignal) =>
  new Promise<undefined>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("working", () => {
  test("a worker completes with what the handler returns", async () => {
    open = [claimed(7)];
    const { types } = working({ handler: (work) => `did ${work.body}` });
    await until(() => types().includes("completed"));
    expect(bodies("complete")).toEqual([{ token: "token-7", result: "did message 7" }]);
    expect(types()).toEqual(["claimed", "completed"]);
  });

  test("a worker fails with the handler's error, cut to what the relay takes", async () => {
    open = [claimed(1), claimed(2)];
    const { types } = working({
      handler: ({ id }) => {
        throw id === 1 ? new Error("é".repeat(5000)) : new Failure("never", { final: true });
      },
    });
    await until(() => types().filter((type) => type === "failed").length === 2);
    expect(bodies("fail")).toEqual([
      { token: "token-1", error: "é".repeat(2048), retryAfterSeconds: 1 },
      { token: "token-2", error: "never", final: true },
    ]);
  });

  test("a worker has a failed item tried again later and later, at most after five minutes", async () => {
    open = [1, 2, 3, 5, 9, 40].map((attempt) => ({
      ...claimed(attempt),
      claim: { ...claimed(attempt).claim, attempt },
    }));
    const { events, types } = working({ handler: () => Promise.reject(new Error("no")) });
    await until(() => types().filter((type) => type === "failed").length === 6);
    expect(bodies("fail").map((body) => Object(body).retryAfterSeconds)).toEqual([1, 2, 4, 16, 256, 300]);
    expect(events[1]).toMatchObject({ type: "failed", retryAfterSeconds: 1 });
  });

  test("a worker moves the waits of different workers apart", async () => {
    const waits = new Set<unknown>();
    for (const random of [0, 0.5, 0.999]) {
      open = [{ ...claimed(1), claim: { ...claimed(1).claim, attempt: 5 } }];
      const timing = { ...time.timing, random: () => random };
      const client = createClient({ url: far.url, agentId: "a", timing });
      await client.work({ once: true, handler: () => Promise.reject(new Error("no")) });
      waits.add(Object(bodies("fail").at(-1)).retryAfterSeconds);
    }
    expect(waits).toEqual(new Set([12, 16, 20]));
  });

  test("a worker leaves it to the handler when to try again, or never", async () => {
    open = [claimed(1), claimed(2), claimed(3)];
    const hows = [{ retryAfterSeconds: 0 }, { failure: "permanent" as const }, { final: true }];
    const { types } = working({
      handler: ({ id }) => {
        throw new Failure("no", hows[id - 1]);
      },
    });
    await until(() => types().filter((type) => type === "failed").length === 3);
    expect(bodies("fail")).toEqual(hows.map((how, n) => ({ token: `token-${n + 1}`, error: "no", ...how })));
  });

  test("a worker tries no more often than it is told", async () => {
    open = [1, 2, 3].map((attempt) => ({ ...claimed(attempt), claim: { ...claimed(attempt).claim, attempt } }));
    const { types } = working({ retries: 1, handler: () => Promise.reject(new Error("no")) });
    await until(() => types().filter((type) => type === "failed").length === 3);
    expect(bodies("fail").map((body) => Boolean(Object(body).final))).toEqual([false, true, true]);
  });

  test("a worker ends after one item when that was asked for", async () => {
    open = [claimed(1), claimed(2)];
    const { failure, types } = working({ once: true, concurrency: 3, handler: () => "ok" });
    expect(await failure).toBeUndefined();
    expect(types()).toEqual(["claimed", "completed"]);
    expect(open).toHaveLength(1);
  });

  test("a worker ends when there is nothing left, but not before what is under way is done", async () => {
    let asked = 0;
    instead["/claims"] = () => Response.json({ items: asked++ === 0 ? [claimed(1)] : open.splice(0) });
    const { failure, types } = working({
      exitWhenEmpty: true,
      concurrency: 2,
      handler: async ({ id }) => {
        // The second question has come back empty by then.
        if (id === 1) await until(() => asked === 2);
        if (id === 1) open = [claimed(2)];
        return "ok";
      },
    });
    expect(await failure).toBeUndefined();
    expect(types().filter((type) => type === "completed")).toHaveLength(2);
    const waits = far.requests.flatMap(({ path, body }) =>
      path.endsWith("/claims") ? [Object(body).waitSeconds] : [],
    );
    expect(new Set(waits)).toEqual(new Set([0]));
  });

  test("a worker gives back what the handler releases", async () => {
    open = [claimed(1)];
    const { types } = working({ handler: () => Promise.reject(new Release("not now", 60)) });
    await until(() => types().includes("released"));
    expect(bodies("release")).toEqual([{ token: "token-1", reason: "not now", delaySeconds: 60 }]);
  });

  test("a worker renews at a third of the lease while the handler works", async () => {
    open = [claimed(1)];
    const { types } = working({ leaseSeconds: 600, handler: (_, { signal }) => never(signal) });
    await until(() => types().includes("claimed"));
    await time.pass(200_000);
    await until(() => bodies("renew").length === 1);
    await time.pass(200_000);
    await until(() => bodies("renew").length === 2);
    expect(bodies("renew")[0]).toEqual({ token: "token-1", leaseSeconds: 600 });
  });

  test("a worker tells the handler that the lease is lost, and says nothing more about that item", async () => {
    open = [claimed(1)];
    instead["/renew"] = () => problem("claim-lost");
    const { events, types } = working({ leaseSeconds: 90, handler: (_, { signal }) => never(signal) });
    await until(() => types().includes("claimed"));
    await time.pass(30_000);
    await until(() => types().includes("lost"));
    expect(events.at(-1)).toMatchObject({ cause: { code: "claim-lost" } });
    expect(bodies("fail")).toEqual([]);
  });

  test("a worker holds on while the relay is away, and hands in the result when it is back", async () => {
    open = [claimed(1)];
    instead["/renew"] = () => problem("stopping");
    instead["/complete"] = () => problem("stopping", { "retry-after": "7" });
    let finish = () => {};
    const { types } = working({
      leaseSeconds: 90,
      handler: () => new Promise((resolve) => (finish = () => resolve("done"))),
    });
    await until(() => types().includes("claimed"));
    await time.pass(30_000);
    await time.pass(1000);
    await until(() => bodies("renew").length === 2);
    finish();
    // Nothing but the result waits for so long: 7 s and an eighth.
    await time.pass(7875);
    await time.pass(7875);
    await until(() => bodies("complete").length === 3);
    delete instead["/complete"];
    await time.pass(7875);
    await until(() => types().includes("completed"));
  });

  test("a worker fails an item whose result the relay refuses", async () => {
    open = [claimed(1)];
    instead["/complete"] = () => problem("invalid");
    const { types } = working({ handler: () => "too much" });
    await until(() => types().includes("failed"));
    expect(bodies("fail")).toMatchObject([{ error: "The result was refused: far end: invalid" }]);
  });

  test("a worker does as many at a time as it is told, and asks for no more", async () => {
    open = [1, 2, 3, 4, 5].map(claimed);
    let now = 0;
    let most = 0;
    const { types } = working({
      concurrency: 2,
      handler: async () => {
        most = Math.max(most, ++now);
        await Bun.sleep(5);
        now--;
      },
    });
    await until(() => types().filter((type) => type === "completed").length === 5);
    expect(most).toBe(2);
    expect(far.requests.filter(({ path }) => path.endsWith("/claims")).map(({ body }) => Object(body).max)[0]).toBe(2);
  });

  test("a worker that is stopped gives back what is under way and resolves", async () => {
    open = [claimed(1)];
    const { types, failure } = working({ handler: (_, { signal }) => never(signal) });
    await until(() => types().includes("claimed"));
    stop.abort();
    expect(await failure).toBeUndefined();
    expect(bodies("release")).toEqual([{ token: "token-1", reason: "the worker is stopping" }]);
  });

  test("a worker that is stopped while it asks gives back what it is answered with", async () => {
    let answer = () => {};
    far.answer(({ path }) => {
      if (!path.endsWith("/claims")) return Response.json({ message: message(1, { claimable: true }) });
      return new Promise((resolve) => (answer = () => resolve(Response.json({ items: [claimed(1)] }))));
    });
    let handled = false;
    const { failure } = working({
      handler: () => {
        handled = true;
        return "";
      },
    });
    await until(() => far.asked.length === 1);
    stop.abort();
    answer();
    expect(await failure).toBeUndefined();
    expect(bodies("release")).toHaveLength(1);
    expect(handled).toBe(false);
  });

  test("a worker that is stopped while it asks in vain waits for the answer no longer than a second", async () => {
    const { failure } = working({ handler: () => "" });
    await until(() => far.asked.length === 1);
    stop.abort();
    await time.pass(1000);
    expect(await failure).toBeUndefined();
  });

  test("a worker asks again with growing waits when the relay is away", async () => {
    let away = 3;
    instead["/claims"] = () => (away-- > 0 ? problem("stopping") : Response.json({ items: open.splice(0) }));
    open = [claimed(1)];
    const { events, types } = working({ handler: () => "ok" });
    for (const ms of [1000, 2000, 4000]) await time.pass(ms);
    await until(() => types().includes("completed"));
    expect(events.flatMap((event) => (event.type === "waiting" ? [event.inMs] : []))).toEqual([1000, 2000, 4000]);
  });

  test("a worker does not ask in a hurry when nothing comes back at once", async () => {
    instead["/claims"] = () => Response.json({ items: [] });
    working({ handler: () => "" });
    await time.pass(1000);
    await until(() => far.asked.filter((call) => call.endsWith("/claims")).length === 2);
  });

  test("a worker that is superseded ends its handlers and rejects", async () => {
    open = [claimed(1)];
    instead["/renew"] = () => problem("superseded");
    const { failure, types } = working({ leaseSeconds: 90, handler: (_, { signal }) => never(signal) });
    await until(() => types().includes("claimed"));
    await time.pass(30_000);
    expect(await failure).toMatchObject({ code: "superseded" });
  });

  test("a worker that is refused rejects", async () => {
    instead["/claims"] = () => problem("forbidden");
    expect(await working({ handler: () => "" }).failure).toMatchObject({ code: "forbidden" });
  });

  test("a worker takes up what it holds when asked to, renewing it at once", async () => {
    const held = [claimed(5)];
    far.answer(({ method, path }) => {
      if (path.endsWith("/claims")) {
        return method === "GET" ? Response.json({ items: held, nextPage: null }) : new Promise(() => undefined);
      }
      return Response.json({ message: message(5, { claimable: true }) });
    });
    const { types } = working({ resume: true, handler: (_, { signal }) => never(signal) });
    await until(() => types().includes("claimed"));
    await time.pass(0);
    await until(() => bodies("renew").length === 1);
  });
});
