import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient, RelayMismatch, RelayProblem } from "../../src/client/client.ts";
import type { FollowEvent, FollowOptions } from "../../src/client/follow.ts";
import { createFarEnd, createStillTime, createStream, type FarEnd, problem, until } from "../support/client-harness.ts";

let far: FarEnd;
let time: ReturnType<typeof createStillTime>;
let stop: AbortController;
beforeEach(() => {
  far = createFarEnd();
  time = createStillTime();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await far.close();
});

/** A far end whose streams are given out in order; every other call is answered with `{}`-like success. */
function streams(count: number) {
  const list = Array.from({ length: count }, createStream);
  let next = 0;
  far.answer(({ path, body }) => {
    if (path.endsWith("/inbox/stream")) return list[next++]?.response() ?? problem("stopping");
    if (path.endsWith("/inbox/ack")) return Response.json({ cursor: Object(body).upTo, skipped: 0 });
    return Response.json({});
  });
  return list as [ReturnType<typeof createStream>, ...ReturnType<typeof createStream>[]];
}

function following(options: FollowOptions = {}) {
  const client = createClient({ url: far.url, agentId: "a", timing: time.timing });
  const ids: number[] = [];
  const events: FollowEvent[] = [];
  const done = (async () => {
    for await (const entry of client.follow({ signal: stop.signal, onEvent: (e) => events.push(e), ...options })) {
      ids.push(entry.id);
    }
  })();
  const failure = done.then(
    () => undefined,
    (error) => error,
  );
  return { ids, events, failure };
}

const opened = () => far.requests.filter(({ path }) => path.endsWith("/inbox/stream"));
const acks = () => far.requests.filter(({ path }) => path.endsWith("/ack")).map(({ body }) => Object(body).upTo);

describe("following an inbox", () => {
  test("a follower of an inbox yields the entries and tells of the rest", async () => {
    const [stream] = streams(1);
    const { ids, events, failure } = following();
    stream.hello();
    stream.write(": keep-alive\n\nevent: something-new\ndata: {}\n\n");
    stream.message(4);
    stream.event("open", {});
    stream.message(9);
    await until(() => ids.length === 2);
    expect(ids).toEqual([4, 9]);
    expect(events.map(({ type }) => type)).toEqual(["hello", "open"]);
    stop.abort();
    expect(await failure).toBeUndefined();
    await until(() => stream.gone);
  });

  test("a follower of an inbox comes back behind the last entry it yielded, and drops what is repeated", async () => {
    const [first, second] = streams(2);
    const { ids, events } = following();
    first.hello(3);
    first.message(4);
    first.message(5);
    await until(() => ids.length === 2);
    first.end();
    await time.pass(1000);
    second?.hello(3);
    second?.message(5);
    second?.message(6);
    await until(() => ids.length === 3);
    expect(ids).toEqual([4, 5, 6]);
    expect(opened()[1]?.headers.get("last-event-id")).toBe("5");
    expect(opened()[1]?.query.get("after")).toBeNull();
    expect(events.find(({ type }) => type === "reconnecting")).toMatchObject({ inMs: 1000 });
  });

  test("a follower of an inbox that has yielded nothing comes back to where it first stood, whoever acknowledged meanwhile", async () => {
    const [first, second] = streams(2);
    following();
    expect(opened()).toHaveLength(0);
    first.hello(3);
    first.end();
    await time.pass(1000);
    await until(() => opened().length === 2);
    expect(opened()[0]?.query.get("after")).toBeNull();
    expect(opened()[1]?.query.get("after")).toBe("3");
    second?.hello(50);
  });

  test("a follower of an inbox waits longer each time, and anew after 10 s of standing", async () => {
    const list = streams(4);
    const { events } = following();
    const waits = () => events.flatMap((e) => (e.type === "reconnecting" ? [e.inMs] : []));
    list[0].hello();
    list[0].end();
    await time.pass(1000);
    list[1]?.hello();
    list[1]?.end();
    await time.pass(2000);
    list[2]?.hello();
    await until(() => events.filter(({ type }) => type === "hello").length === 3);
    time.advance(10_000);
    list[2]?.end();
    await until(() => waits().length === 3);
    expect(waits()).toEqual([1000, 2000, 1000]);
  });

  test("a follower of an inbox waits as long as the relay asks", async () => {
    far.answer(() => problem("overloaded", { "retry-after": "20" }));
    const { events } = following({ heartbeat: false });
    await until(() => events.at(-1)?.type === "reconnecting");
    expect(events.at(-1)).toMatchObject({ inMs: 22_500 });
  });

  test("a follower of an inbox takes a connection that says nothing for 45 s for dead", async () => {
    const [stream] = streams(1);
    const { events } = following({ heartbeat: false });
    stream.hello();
    await until(() => events.length === 1 && time.sleepsFor(45_000));
    time.advance(45_000);
    await until(() => events.at(-1)?.type === "reconnecting");
    expect(String(Object(events.at(-1)).cause)).toContain("nothing for 45 s");
    await until(() => stream.gone);
  });

  test("a follower of an inbox sends a heartbeat every 25 s, unless it only looks on", async () => {
    const [stream] = streams(1);
    const { events } = following();
    stream.hello();
    await until(() => events.length === 1);
    await time.pass(25_000);
    await until(() => far.asked.includes("POST /v1/agents/a/heartbeat"));
  });

  test("a superseded heartbeat ends a follower", async () => {
    const stream = createStream();
    far.answer(({ path }) => (path.endsWith("/heartbeat") ? problem("superseded") : stream.response()));
    const { failure } = following();
    stream.hello();
    await time.pass(25_000);
    expect(await failure).toMatchObject({ code: "superseded" });
  });

  test.each([
    ["superseded", "superseded"],
    ["revoked", "unauthorized"],
  ])("bye %s is final for a follower", async (reason, code) => {
    const [stream] = streams(1);
    const { failure } = following();
    stream.hello();
    stream.event("bye", { reason, resumeAfter: 0 });
    expect(await failure).toBeInstanceOf(RelayProblem);
    expect(await failure).toMatchObject({ code });
  });

  test("bye restarting is not final for a follower", async () => {
    const [first, second] = streams(2);
    const { ids } = following();
    first.hello();
    first.event("bye", { reason: "restarting", resumeAfter: 0 });
    await time.pass(1000);
    second?.hello();
    second?.message(1);
    await until(() => ids.length === 1);
  });

  test.each(["unauthorized", "forbidden", "not-found", "superseded"] as const)(
    "being refused as %s is final for a follower",
    async (code) => {
      far.answer(() => problem(code));
      expect(await following().failure).toMatchObject({ code });
      expect(far.asked).toHaveLength(1);
    },
  );

  test("an entry that a follower cannot read is not passed over", async () => {
    const [stream] = streams(1);
    const { failure } = following();
    stream.hello();
    stream.event("message", { id: 1, kind: "from the future" }, 1);
    expect(await failure).toBeInstanceOf(RelayMismatch);
  });

  test("a follower of an inbox reads no faster than it is asked, and is left by leaving the loop", async () => {
    const [stream] = streams(1);
    const client = createClient({ url: far.url, agentId: "a", timing: time.timing });
    stream.hello();
    stream.message(1);
    stream.message(2);
    for await (const entry of client.follow()) {
      expect(entry.id).toBe(1);
      break;
    }
    await until(() => stream.gone);
  });
});

describe("following with ack", () => {
  test("a follower with ack acknowledges an entry when the next is asked for", async () => {
    const [stream] = streams(1);
    const entries = createClient({ url: far.url, agentId: "a", timing: time.timing }).follow({ ack: true });
    stream.hello();
    stream.message(1);
    await entries.next();
    expect(acks()).toEqual([]);
    stream.message(2);
    await entries.next();
    await until(() => acks().length === 1);
    await entries.return();
    expect(acks()).toEqual([1]);
  });

  test("a follower with ack puts acknowledgements together, and owes what did not get through until the connection stands again", async () => {
    const [first, second] = [createStream(), createStream()];
    let up = false;
    far.answer(({ path, body }) => {
      if (path.endsWith("/ack"))
        return up ? Response.json({ cursor: Object(body).upTo, skipped: 0 }) : problem("stopping");
      return (opened().length === 1 ? first : second).response();
    });
    const { ids } = following({ ack: true, heartbeat: false });
    first.hello();
    for (const id of [1, 2, 3]) first.message(id);
    await until(() => ids.length === 3);
    await time.pass(250);
    await until(() => acks().length >= 2 && !time.sleepsFor(10_000));
    up = true;
    first.end();
    await time.pass(1000);
    second.hello();
    await until(() => acks().at(-1) === 3);
  });

  test("an acknowledgement that is refused for good ends a follower", async () => {
    const stream = createStream();
    far.answer(({ path }) => (path.endsWith("/ack") ? problem("superseded") : stream.response()));
    const { failure } = following({ ack: true });
    stream.hello();
    stream.message(1);
    expect(await failure).toMatchObject({ code: "superseded" });
  });
});
