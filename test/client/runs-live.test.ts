import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, createClient, RunFailure, RunStopped, type RunWord } from "../../src/client/client.ts";
import { tempFolder } from "../support/cli-harness.ts";
import { until } from "../support/client-harness.ts";
import { agentOf, freshRelay, hastyTiming, operatorOf, startRelay } from "../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
let ben: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann");
  ben = await agentOf(relay, "ben", { reach: "mid-turn" });
});
afterAll(() => relay.remove());

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    // The stop may come before the handler.
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

describe("runs at a real relay", () => {
  test("a run that an agent begins is watched to its end, in parts and as the AI SDK has it", async () => {
    const run = await ann.runs.start({ task: "Tidy up.", label: "Tidying" });
    const parts = Array.fromAsync(operator.runs.follow(run.id));
    run.status("Reading");
    run.think("Hm.");
    const call = run.tool.start("grep", { for: "TODO" });
    run.tool.result(call, "2 lines");
    run.usage({ inputTokens: 7, outputTokens: 3, costUsd: 0.5, model: "m" });
    run.diff({ path: "a.ts", change: "modified", added: 2, removed: 1 });
    for (const word of ["Two ", "things."]) run.say(word);
    expect(await run.finish()).toMatchObject({
      ...{ status: "ended", outcome: "ok", result: { text: "Two things." } },
      usage: { inputTokens: 7, outputTokens: 3, costUsd: 0.5 },
    });
    const types = (await parts).map(({ part }) => part.type);
    expect(types.slice(0, 2)).toEqual(["start", "start-step"]);
    expect(types).toEqual(expect.arrayContaining(["tool-input-available", "tool-output-available", "text-delta"]));
    expect(types.at(-1)).toBe("finish");
    expect((await Array.fromAsync(operator.runs.stream(run.id))).map(({ type }) => type)).toEqual(types as string[]);
    expect(await operator.runs.diff(run.id)).toMatchObject({ files: [{ path: "a.ts" }], added: 2, removed: 1 });
    expect(await operator.runs.prompt(run.id)).toMatchObject({ depth: 0 });
    const listed = await operator.runs.list({ agent: "ann", status: "ended" });
    expect(listed.items.map(({ id }) => id)).toEqual([run.id]);
  });

  test("a run is stopped and steered while it goes on", async () => {
    const run = await ben.runs.start({ task: "Go on and on." });
    const words: RunWord[] = [];
    run.onMessage((word) => words.push(word));
    expect(await operator.runs.tell(run.id, { text: "Faster." })).toMatchObject({ mode: "steered" });
    await until(() => words.length === 1);
    expect(words[0]?.text).toBe("Faster.");
    const stopping = await operator.runs.abort(run.id, { reason: "Enough." });
    expect(stopping.status).toBe("stopping");
    await until(() => run.signal.aborted);
    expect(run.signal.reason).toBeInstanceOf(RunStopped);
    expect(run.signal.reason).toMatchObject({ message: "Enough." });
    expect(await run.finish()).toMatchObject({ outcome: "aborted", confirmed: true });
  });

  test("runs that others ask for are served, with those below them, and woken by their results", async () => {
    const stop = new AbortController();
    const turns: string[] = [];
    const lead = ann.runs.serve({
      signal: stop.signal,
      async handler(run) {
        turns.push(`${run.turn.cause}: ${run.turn.text ?? run.turn.findings.map(({ result }) => result?.text).join()}`);
        if (run.turn.cause !== "begin") return `Together: ${run.turn.findings.length}`;
        const below = createClient({ url: relay.url, token: await tokenOf("ann"), agentId: "ann", run: run.token });
        await below.runs.create({ agentId: "ben", task: "A part.", cause: "spawn" });
        return "Waiting.";
      },
    });
    const helper = ben.runs.serve({
      signal: stop.signal,
      async handler(run) {
        if (run.run.task === "Fail.") throw new RunFailure("limited", "no tokens left");
        return run.run.task === "Stop." ? await untilAborted(run.signal) : "Done.";
      },
    });
    const ended = async (id: string) => {
      await until(async () => (await operator.runs.get(id)).status === "ended");
      return operator.runs.get(id);
    };
    const top = await operator.runs.create({ agentId: "ann", task: "All of it." });
    expect(await ended(top.id)).toMatchObject({ outcome: "ok", result: { text: "Together: 1" } });
    expect(turns).toEqual(["begin: All of it.", "wake: Done."]);
    const tree = await operator.runs.tree(top.id);
    expect(tree.descendants).toMatchObject([{ agentId: "ben", depth: 1, outcome: "ok", parentId: top.id }]);
    expect((await operator.announcements.list({ requester: top.id })).items).toMatchObject([
      { runId: tree.descendants[0]?.id },
    ]);

    const failed = await operator.runs.create({ agentId: "ben", task: "Fail." });
    expect(await ended(failed.id)).toMatchObject({ outcome: "error", errorCode: "limited", error: "no tokens left" });
    const long = await operator.runs.create({ agentId: "ben", task: "Stop." });
    await until(async () => (await operator.runs.get(long.id)).status === "running");
    await operator.runs.abort(long.id);
    expect(await ended(long.id)).toMatchObject({ outcome: "aborted", confirmed: true });
    stop.abort();
    await Promise.all([lead, helper]);
  });
});

const tokenOf = async (agentId: string) => (await operator.tokens.create({ role: "agent", agentId })).token;

describe("a run over a death of the relay", () => {
  const folder = tempFolder();
  let first: Awaited<ReturnType<typeof startRelay>>;
  let second: typeof first | undefined;
  beforeAll(async () => {
    first = await startRelay(folder.path);
  });
  afterAll(async () => {
    await first.stop("SIGKILL");
    await second?.stop("SIGKILL");
    folder.remove();
  });

  test("a run over a death of the relay has every event once, for its follower too", async () => {
    const cay = await agentOf(first, "cay");
    const watcher = createClient({ url: first.url, token: first.token, timing: hastyTiming });
    const run = await cay.runs.start({ task: "Count." });
    const parts = Array.fromAsync(watcher.runs.follow(run.id));
    const numbers = Array.from({ length: 60 }, (_, n) => `${n} `);
    for (const [at, number] of numbers.entries()) {
      run.say(number);
      if (at === 20) await run.flush();
      if (at !== 30) continue;
      await first.stop("SIGKILL");
      second = await startRelay(folder.path, first.port);
    }
    expect((await run.finish()).result?.text).toBe(numbers.join("").trim());
    const said = (await parts).map(({ part }) => (part.type === "text-delta" ? part.delta : "")).join("");
    expect(said).toBe(numbers.join(""));
  });
});
