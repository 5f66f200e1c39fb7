import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { RunFailure, type ServeEvent, type ServeOptions } from "../../src/client/client.ts";
import { createStream, problem, until } from "../support/client-harness.ts";
import { createFarRuns, type FarRuns, runOf } from "../support/client-runs.ts";
import { turns } from "../support/until.ts";

let far: FarRuns;
let stop: AbortController;
beforeEach(() => {
  far = createFarRuns();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await far.far.close();
});

const queued = (id: string, fields = {}) => runOf(id, { status: "queued", ...fields });

function serving(options: Partial<ServeOptions> & Pick<ServeOptions, "handler">) {
  const events: ServeEvent[] = [];
  const failure = far.client.runs
    .serve({ signal: stop.signal, onEvent: (event) => events.push(event), ...options })
    .then(
      () => undefined,
      (error) => error,
    );
  return { events, failure, count: (type: string) => events.filter((one) => one.type === type).length };
}

describe("serving runs", () => {
  test("a server of runs takes those that wait at its start, oldest first, and ends them with what its handler returns", async () => {
    far.state.queued = [queued("run_2", { task: "second" }), queued("run_1", { task: "first" })];
    const { count } = serving({ handler: ({ turn }) => `did ${turn.text}` });
    await until(() => count("finished") === 2);
    expect(far.bodies("start")).toEqual([{ leaseSeconds: 120 }, { leaseSeconds: 120 }]);
    expect(far.bodies("finish").map(({ result }) => result)).toEqual(["did first", "did second"]);
  });

  const turn = { startedAt: null, endedAt: null, outcome: null, late: false };
  const second = (id: string) => ({
    turnId: id,
    turns: [
      { ...turn, turnId: "trn_0" },
      { ...turn, turnId: id },
    ],
  });
  const woken = (id: string) => ({ ...second(id), wokenAt: "2026-01-01T00:00:00.000Z" });

  test("a server of runs is woken by news of a run, and knows what the runs that it asked for have found", async () => {
    const turns: unknown[] = [];
    const { count } = serving({ handler: ({ turn }) => void turns.push(turn) });
    await until(() => far.far.asked.filter((one) => one === "GET /v1/runs").length > 0);
    far.inbox.hello(7);
    far.state.queued = [queued("run_4", woken("trn_4"))];
    const result = { text: "found", cut: false };
    const outcome = { outcome: "ok", errorCode: null, error: null, result };
    const findings = [{ runId: "run_5", agentId: "b", label: null, task: "look", ...outcome }];
    far.control("run_4", { do: "wake", findings });
    await until(() => count("finished") === 1);
    expect(turns).toEqual([{ turnId: "trn_4", cause: "wake", text: null, files: [], findings }]);
  });

  test("a server of runs asks the relay for what was said and found before it started", async () => {
    const children = [runOf("run_9", { task: "look", outcome: "ok", result: { text: "found", cut: false } })];
    far.state.queued = [queued("run_3", woken("trn_3")), queued("run_2", second("trn_2")), queued("run_1")];
    far.said.push({ turnId: "trn_2", text: "and this" }, { turnId: "trn_1", text: "Carefully." });
    far.instead["/v1/runs"] = ({ query }) =>
      query.get("requester") === "run_3" ? Response.json({ items: children, nextPage: null }) : undefined;
    const turns: unknown[] = [];
    const { count } = serving({ handler: ({ turn }) => void turns.push(turn) });
    await until(() => count("finished") === 3);
    expect(turns).toMatchObject([
      { cause: "begin", text: "do it\n\nCarefully." },
      { cause: "message", text: "and this" },
      { cause: "wake", text: null, findings: [{ runId: "run_9", result: { text: "found" } }] },
    ]);
  });

  test("a server of runs hands on what was said to a turn that waits, once", async () => {
    const words: string[] = [];
    let open = false;
    const { count } = serving({
      handler: async (handle) => {
        handle.onMessage(({ text }) => words.push(text));
        open = true;
        await until(() => words.includes("running"));
        return `did ${handle.turn.text}`;
      },
    });
    await until(() => far.time.sleepsFor(60_000));
    far.inbox.hello(7);
    far.control("run_1", { do: "message", text: "waiting" }, 8);
    await until(() => far.far.asked.filter((one) => one === "GET /v1/runs").length > 1);
    far.state.queued = [queued("run_1")];
    far.said.push({ turnId: "trn_1", text: "waiting" });
    far.control("run_1", { do: "start" }, 9);
    await until(() => open);
    far.control("run_1", { do: "message", text: "running" }, 10);
    await until(() => count("finished") === 1);
    expect(words).toEqual(["running"]);
    expect(far.bodies("finish")).toMatchObject([{ result: "did do it\n\nwaiting" }]);
  });

  test("a server of runs ends a failed turn by the error's kind", async () => {
    far.state.queued = [queued("run_3"), queued("run_2"), queued("run_1")];
    const { count } = serving({
      handler({ id }) {
        if (id === "run_1") throw new RunFailure("limited", "out of tokens");
        if (id === "run_2") throw new Error("é".repeat(5000));
        return { outcome: "timeout" };
      },
    });
    await until(() => count("finished") === 3);
    expect(far.bodies("finish")).toEqual([
      { outcome: "error", errorCode: "limited", error: "out of tokens" },
      { outcome: "error", errorCode: "crashed", error: "é".repeat(2048) },
      { outcome: "timeout" },
    ]);
  });

  test("a server of runs ends a turn as aborted when it was asked to stop", async () => {
    far.state.queued = [queued("run_1")];
    const { count } = serving({ handler: ({ signal }) => untilAborted(signal) });
    far.inbox.hello(7);
    await until(() => count("started") === 1);
    far.control("run_1", { do: "abort" });
    await until(() => count("finished") === 1);
    expect(far.bodies("finish")).toEqual([{ outcome: "aborted" }]);
  });

  test("a server of runs tries a busy session again after the turn in its way, or a minute", async () => {
    far.state.queued = [queued("run_2"), queued("run_1")];
    far.instead["run_2/start"] = () => problem("already-running");
    const { count } = serving({ concurrency: 2, handler: () => "done" });
    await until(() => count("finished") === 1 && count("lost") > 0 && far.time.sleepsFor(60_000));
    const before = count("lost");
    delete far.instead["run_2/start"];
    await far.passUntil(60_000, () => count("finished") === 2);
    expect(before).toBeLessThan(10);
  });

  test("a server of runs works at a given number of turns at a time", async () => {
    far.state.queued = [3, 2, 1].map((n) => queued(`run_${n}`));
    const open = Promise.withResolvers<void>();
    const { count } = serving({ concurrency: 2, handler: () => open.promise.then(() => "x") });
    await until(() => count("started") === 2);
    await turns();
    expect(far.bodies("start")).toHaveLength(2);
    open.resolve();
    await until(() => count("finished") === 3);
  });

  test("a server of runs takes up the turns of an earlier process only when told to", async () => {
    far.state.running = [runOf("run_1")];
    const seen: unknown[] = [];
    const handler: ServeOptions["handler"] = ({ id }, { resumed }) => void seen.push([id, resumed]);
    serving({ handler });
    await until(() => far.time.sleepsFor(60_000));
    expect(seen).toEqual([]);
    serving({ handler, resume: true });
    await until(() => seen.length === 1);
    expect(seen).toEqual([["run_1", true]]);
  });

  test("a server of runs waits for a relay that is away, and stops for one that knows it no more", async () => {
    const answers = [...Array.from({ length: 5 }, () => () => problem("stopping")), () => problem("superseded")];
    far.instead["/v1/runs"] = () => answers.shift()?.();
    const { failure, events } = serving({ handler: () => "x" });
    await far.passUntil(1_000, () => events.length > 0);
    expect(events).toMatchObject([{ type: "waiting", inMs: 1000 }]);
    far.time.advance(2_000);
    expect(await failure).toMatchObject({ code: "superseded" });
  });

  test("a server of runs that starts before its relay waits for it", async () => {
    far.state.queued = [queued("run_1")];
    let away = 12;
    far.instead["/inbox"] = () => (away-- > 0 ? problem("stopping") : undefined);
    const { events, count } = serving({ handler: () => "done" });
    await far.passUntil(40_000, () => count("finished") === 1);
    expect(events[0]).toMatchObject({ type: "waiting", inMs: 1000 });
  });

  test("a server of runs keeps a turn that the relay gave it without an answer, and asks until it has all of it", async () => {
    far.state.queued = [queued("run_1")];
    const lost = { starts: 8, prompts: 8 };
    far.instead["/start"] = () => {
      // Taken: from now on it is in no list of turns that wait.
      far.state.queued = [];
      return lost.starts-- > 0 ? problem("stopping") : undefined;
    };
    far.instead["/events"] = ({ method }) => (method === "GET" && lost.prompts-- > 0 ? problem("stopping") : undefined);
    const { events, count } = serving({ handler: () => "done" });
    await far.passUntil(40_000, () => count("finished") === 1 || count("lost") > 0);
    expect(events.map(({ type }) => type)).toEqual(["started", "finished"]);
    expect(far.bodies("finish")).toEqual([{ outcome: "ok", result: "done" }]);
  });

  test("a server of runs that stops leaves its turns to be begun again", async () => {
    far.state.queued = [queued("run_1")];
    const { count, failure } = serving({ handler: ({ signal }) => untilAborted(signal) });
    await until(() => count("started") === 1);
    stop.abort();
    expect(await failure).toBeUndefined();
    expect(far.bodies("finish")).toEqual([{ outcome: "error", errorCode: "lost", error: "The runner is stopping" }]);
    expect(count("finished")).toBe(1);
  });

  test("a server of runs leaves the end to a handler that finishes itself, and says when no result was given", async () => {
    far.state.queued = [queued("run_2"), queued("run_1")];
    let first = true;
    far.instead["run_2/finish"] = () => {
      if (!first) return undefined;
      first = false;
      return problem("required-result");
    };
    const { count } = serving({
      handler: async (handle) => void (handle.id === "run_1" && (await handle.finish({ result: "mine" }))),
    });
    await until(() => count("finished") === 2);
    expect(far.bodies("finish")).toEqual([
      { outcome: "ok", result: "mine" },
      { outcome: "ok" },
      { outcome: "error", errorCode: "no-result", error: "far end: required-result" },
    ]);
  });

  test("a runner waits for the next turn of its run, until the run has ended", async () => {
    let status = "waiting";
    far.instead["/v1/runs/run_1"] = () => Response.json(runOf("run_1", { status: status as "waiting" }));
    const next = far.client.runs.next("run_1");
    await until(() => far.time.sleepsFor(30_000));
    far.inbox.hello(7);
    status = "queued";
    far.control("run_1", { do: "message", text: "more" });
    const handle = await next;
    expect(handle).toMatchObject({ id: "run_1", token: "rnt_1" });
    await handle?.finish();
    status = "ended";
    expect(await far.client.runs.next("run_1")).toBeUndefined();
  });
});

describe("following a run", () => {
  const part = (place: number) => ({
    ...{ place, turnId: "trn_1", at: "2026-01-01T00:00:00.000Z" },
    part: { type: "text-delta", id: "t", delta: `${place}` },
  });

  test("a follower of a run gets each part once across lost connections, to the run's end", async () => {
    const streams = [createStream(), createStream(), createStream()];
    let opened = 0;
    far.instead["/events/stream"] = () => streams[opened++]?.response();
    const places: number[] = [];
    const waits: number[] = [];
    const done = (async () => {
      const onReconnect = (inMs: number) => waits.push(inMs);
      for await (const { place } of far.client.runs.follow("run_1", { after: 2, onReconnect })) places.push(place);
    })();
    streams[0]?.event("part", part(3), 3);
    streams[0]?.event("part", part(4), 4);
    await until(() => places.length === 2);
    streams[0]?.end();
    await far.time.pass(1_000);
    streams[1]?.event("part", part(4), 4);
    streams[1]?.event("part", part(5), 5);
    streams[1]?.event("bye", { reason: "restarting", resumeAfter: 5 });
    await far.time.pass(2_000);
    streams[2]?.event("something", {});
    streams[2]?.event("bye", { reason: "ended", resumeAfter: 5 });
    await done;
    expect(places).toEqual([3, 4, 5]);
    expect(waits).toEqual([1_000, 2_000]);
    const opening = far.far.requests.filter(({ path }) => path.endsWith("/events/stream"));
    expect(opening.map(({ headers }) => headers.get("last-event-id"))).toEqual(["2", "4", "5"]);
  });

  test("a follower of a run ends with its signal, and fails for a run that is not there", async () => {
    const stream = createStream();
    far.instead["/run_1/events/stream"] = () => stream.response();
    const parts = far.client.runs.follow("run_1", { signal: stop.signal });
    stream.event("part", part(1), 1);
    expect((await parts.next()).value).toMatchObject({ place: 1 });
    stop.abort();
    expect(await parts.next()).toMatchObject({ done: true });
    expect(far.client.runs.follow("run_2").next()).rejects.toMatchObject({ code: "not-found" });
  });
});

test("a reader of a turn as the AI SDK has it gets the chunks up to its end", async () => {
  const stream = createStream();
  far.instead["/run_1/stream"] = () => stream.response();
  for (const type of ["start", "finish"]) stream.write(`data: {"type":"${type}"}\n\n`);
  stream.write("data: [DONE]\n\n");
  const types: string[] = [];
  for await (const { type } of far.client.runs.stream("run_1", { turn: "trn_1" })) types.push(type);
  expect(types).toEqual(["start", "finish"]);
  expect(far.far.requests.at(-1)?.query.get("turn")).toBe("trn_1");
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<undefined>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
