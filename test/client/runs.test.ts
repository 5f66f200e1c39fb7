import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient, RelayProblem, RunStopped } from "../../src/client/client.ts";
import type { RunEventInput } from "../../src/protocol/run-events.ts";
import { problem, until } from "../support/client-harness.ts";
import { createFarRuns, type FarRuns } from "../support/client-runs.ts";

let far: FarRuns;
beforeEach(() => {
  far = createFarRuns();
});
afterEach(() => far.far.close());

const begin = async () => {
  const handle = await far.client.runs.start({ task: "do it" });
  far.inbox.hello(7);
  return handle;
};
const brief = ({ seq, stream, data }: RunEventInput) => [seq, stream, data];
/** Text of the stored assistant events. */
const said = () => far.stored.map(({ data }) => Object(data).delta ?? "").join("");

describe("a handle of a run", () => {
  test("a handle sends events in order, and joins the words that come together", async () => {
    const handle = await begin();
    for (const word of ["Read", "ing ", "it."]) handle.say(word);
    const call = handle.tool.start("grep", { pattern: "x" });
    handle.tool.update(call, "1 file");
    handle.tool.result(call, { hits: 2 });
    handle.think("Hm");
    handle.usage({ inputTokens: 5, model: "m" });
    handle.diff({ path: "a.ts", change: "added", added: 1, removed: 0 });
    handle.input([3]);
    handle.status("Reading");
    handle.event("compaction", { phase: "start" });
    await handle.flush();
    expect(far.stored.map(brief)).toEqual([
      [0, "assistant", { delta: "Reading it." }],
      [1, "tool", { phase: "start", toolCallId: call, name: "grep", args: { pattern: "x" } }],
      [2, "tool", { phase: "update", toolCallId: call, result: "1 file" }],
      [3, "tool", { phase: "result", toolCallId: call, result: { hits: 2 } }],
      [4, "thinking", { delta: "Hm" }],
      [5, "usage", { inputTokens: 5, model: "m" }],
      [6, "diff", { path: "a.ts", change: "added", added: 1, removed: 0 }],
      [7, "input", { messageIds: [3], state: "started" }],
      [8, "status", { text: "Reading" }],
      [9, "compaction", { phase: "start" }],
    ]);
    expect(far.bodies("events")).toHaveLength(1);
    const [request] = far.far.requests.filter(({ path }) => path.endsWith("/events"));
    expect(request?.headers.get("signalbox-run")).toBe("rnt_1");
  });

  test("a handle sends by itself after a moment, with one request under way", async () => {
    const first = Promise.withResolvers<void>();
    let under = 0;
    let most = 0;
    far.instead["/events"] = async () => {
      most = Math.max(most, ++under);
      await first.promise;
      under--;
      return undefined;
    };
    const handle = await begin();
    handle.say("a");
    await far.time.pass(100);
    await until(() => under === 1);
    handle.say("b");
    handle.say("c");
    delete far.instead["/events"];
    first.resolve();
    await handle.flush();
    expect({ said: said(), most }).toEqual({ said: "abc", most: 1 });
  });

  test("a handle repeats events with their numbers when no answer came", async () => {
    const answers = [() => problem("stopping", { "retry-after": "0" }), () => new Response("", { status: 502 })];
    far.instead["/events"] = () => answers.shift()?.();
    const handle = await begin();
    handle.say("kept");
    const done = handle.flush();
    await far.time.pass(250);
    await far.time.pass(500);
    await done;
    expect(far.bodies("events").map(({ events }) => events.map(brief))).toEqual(
      Array.from({ length: 3 }, () => [[0, "assistant", { delta: "kept" }]]),
    );
    expect(far.stored).toHaveLength(1);
  });

  test("a handle fills a gap with what it has kept", async () => {
    const handle = await begin();
    handle.say("one");
    await handle.flush();
    // A relay that was restored from a backup has lost the newest.
    far.stored.length = 0;
    handle.say("two");
    await handle.flush();
    expect(far.stored.map(brief)).toEqual([
      [0, "assistant", { delta: "one" }],
      [1, "assistant", { delta: "two" }],
    ]);
  });

  test("a handle goes on under a new source when it cannot fill a gap", async () => {
    const handle = await begin();
    const long = "x".repeat(10_000);
    for (let n = 0; n < 240; n++) handle.say(long);
    await handle.flush();
    const source = far.stored[0]?.source;
    far.stored.length = 0;
    handle.say("after");
    await handle.flush();
    expect(far.stored.map(brief)).toEqual([[0, "assistant", { delta: "after" }]]);
    expect(far.stored[0]?.source).toBe(`${source}.1`);
  });

  test("a handle sends long text in pieces, and of a large value of a tool the beginning", async () => {
    const handle = await begin();
    const text = `${"\u0001".repeat(9_999)}🙂${"é".repeat(30_000)}`;
    handle.say(text);
    handle.tool.result("call", { log: "\n".repeat(100_000) });
    handle.tool.start("write", { text: "é".repeat(40_000) });
    handle.status("é".repeat(4000));
    await handle.flush();
    expect(said()).toBe(text);
    const sizes = far.stored.map((event) => Buffer.byteLength(JSON.stringify(event)));
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
    const [result, start] = far.stored.filter(({ stream }) => stream === "tool");
    expect(Object.keys(Object(start?.data).args)).toEqual(["cut"]);
    expect(Object(result?.data).result).toEndWith("[cut: the whole has 200010 bytes]");
  });

  test("a handle leaves out the one event that the relay refuses, and says so", async () => {
    const dropped: unknown[] = [];
    const handle = await far.client.runs.start({ task: "x" }, { onEvent: (event) => dropped.push(event) });
    let first = true;
    far.instead["/events"] = () => {
      if (!first) return undefined;
      first = false;
      const errors = [{ pointer: "/events/1/data", message: "is bad" }];
      return Response.json({ ...BAD, errors }, { status: 422 });
    };
    handle.say("a");
    handle.usage({ inputTokens: -1 });
    handle.say("b");
    await handle.flush();
    expect(far.stored.map(brief)).toEqual([
      [0, "assistant", { delta: "a" }],
      [1, "assistant", { delta: "b" }],
    ]);
    expect(dropped).toMatchObject([{ type: "dropped", runId: "run_1", events: 1 }]);
  });

  test("a handle renews its lease after a third of it, and learns from the answer that it shall stop", async () => {
    // No request has a time limit of 40 s: only the lease waits for so long.
    const handle = await far.client.runs.start({ task: "x", leaseSeconds: 120 });
    far.inbox.hello(7);
    await far.time.pass(40_000);
    await until(() => far.bodies("renew").length === 1);
    expect(handle.signal.aborted).toBe(false);
    far.state.status = "stopping";
    await far.time.pass(40_000);
    await until(() => handle.signal.aborted);
    expect(handle.signal.reason).toBeInstanceOf(RunStopped);
    await handle.finish();
    expect(far.bodies("finish")).toEqual([{ outcome: "aborted" }]);
  });

  test("a handle hears at once that its run shall stop, and nothing of other runs or turns", async () => {
    const handle = await begin();
    far.control("run_2", { do: "abort" }, 8);
    far.control("run_1", { do: "abort", turnId: "trn_0" }, 9);
    far.control("run_1", { do: "message", text: "also this" }, 10);
    const words: unknown[] = [];
    await until(() => {
      handle.onMessage((word) => words.push(word));
      return words.length > 0;
    });
    expect(words).toEqual([{ messageId: 10, text: "also this", files: [] }]);
    expect(handle.signal.aborted).toBe(false);
    far.control("run_1", { do: "abort", text: "No longer needed." }, 11);
    await until(() => handle.signal.aborted);
    expect(handle.signal.reason).toMatchObject({ name: "RunStopped", message: "No longer needed." });
  });

  test("a handle follows the inbox from the place before its run, and closes the stream with its last run", async () => {
    const one = await begin();
    const two = await far.client.runs.start({ task: "y" });
    const opened = () => far.far.requests.filter(({ path }) => path.endsWith("/inbox/stream"));
    expect(opened()).toHaveLength(1);
    expect(opened()[0]?.query.get("after")).toBe("7");
    await one.finish();
    expect(far.inbox.gone).toBe(false);
    await two.finish();
    await until(() => far.inbox.gone);
  });

  test("a handle of a lost turn fires its signal, sends nothing more, and may still finish late", async () => {
    far.instead["/events"] = () => problem("claim-lost");
    const handle = await begin();
    handle.say("too late");
    await until(() => handle.signal.aborted || far.time.sleepsFor(100));
    far.time.advance(100);
    await until(() => handle.signal.aborted);
    expect(handle.signal.reason).toMatchObject({ code: "claim-lost" });
    handle.say("more");
    expect(await handle.finish({ result: "found" })).toMatchObject({ status: "ended" });
    expect(far.bodies("events")).toHaveLength(1);
    expect(far.bodies("finish")).toEqual([{ outcome: "ok", result: "found" }]);
  });

  test("a handle finishes after its events are stored, and until the relay answers", async () => {
    const answers = [...Array.from({ length: 5 }, () => () => problem("stopping"))];
    far.instead["/finish"] = () => answers.shift()?.();
    const handle = await begin();
    handle.say("done");
    const ended = handle.finish({ result: "done", usage: { outputTokens: 3 } });
    await far.passUntil(2_000, () => far.bodies("finish").length === 6);
    expect(await ended).toMatchObject({ status: "ended", outcome: "ok" });
    expect(far.far.asked.indexOf("POST /v1/runs/run_1/events")).toBeLessThan(
      far.far.asked.indexOf("POST /v1/runs/run_1/finish"),
    );
    expect(handle).toMatchObject({ isClosed: true, ended: { status: "ended" } });
  });

  test("a handle goes on after a result that the relay requires, and closes after every other refusal", async () => {
    const answers = [() => problem("required-result"), () => problem("claim-lost")];
    far.instead["/finish"] = () => answers.shift()?.();
    const handle = await begin();
    const refusal = (call: Promise<unknown>) => call.catch((error) => error instanceof RelayProblem && error.code);
    expect(await refusal(handle.finish())).toBe("required-result");
    expect(handle.isClosed).toBe(false);
    expect(await refusal(handle.finish({ result: "x" }))).toBe("claim-lost");
    expect(handle.isClosed).toBe(true);
  });

  test("a handle that closes leaves the turn to its lease", async () => {
    const handle = await begin();
    handle.say("x");
    handle.close();
    await until(() => far.inbox.gone);
    await handle.flush();
    far.time.advance(120_000);
    expect(far.bodies("renew")).toEqual([]);
    expect(far.bodies("finish")).toEqual([]);
  });
});

test("a client of a running turn says so with every call, and a call names another one", async () => {
  const client = createClient({ url: far.far.url, agentId: "a", run: "rnt_7" });
  await client.runs.create({ agentId: "b", task: "look" });
  await client.runs.tell("run_1", { text: "x" }, { run: "rnt_8" }).catch(() => undefined);
  expect(far.far.requests.map(({ headers }) => headers.get("signalbox-run"))).toEqual(["rnt_7", "rnt_8"]);
});

const BAD = {
  ...{ type: "urn:signalbox:problem:invalid", title: "Invalid", status: 422, detail: "no", code: "invalid" },
  requestId: "r",
};
