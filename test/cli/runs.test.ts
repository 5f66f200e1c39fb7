import { afterAll, beforeAll, expect, test } from "bun:test";
import { RunFailure } from "../../src/client/client.ts";
import { callCli, runCli, startCli } from "../support/cli-harness.ts";
import { until } from "../support/client-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let env: Record<string, string>;
const stop = new AbortController();
let serving: Promise<void>;
beforeAll(async () => {
  relay = await freshRelay();
  env = { SIGNALBOX_URL: relay.url, SIGNALBOX_TOKEN: relay.token };
  await agentOf(relay, "ann");
  const ben = await agentOf(relay, "ben", { reach: "mid-turn" });
  serving = ben.runs.serve({
    ...{ signal: stop.signal, concurrency: 4 },
    async handler(run) {
      run.think("Hm.");
      const call = run.tool.start("grep", { for: run.turn.text });
      run.tool.result(call, "2 lines");
      if (run.run.task === "Fail.") throw new RunFailure("limited", "no tokens left");
      if (run.run.task === "Wait.") {
        const word = await new Promise<string>((resolve, reject) => {
          run.onMessage(({ text }) => resolve(text));
          run.signal.addEventListener("abort", () => reject(run.signal.reason));
        });
        run.say(`Heard ${word}`);
        await new Promise((_, reject) => run.signal.addEventListener("abort", () => reject(run.signal.reason)));
      }
      run.say("Done.\n");
      return "Done.";
    },
  });
});
afterAll(async () => {
  stop.abort();
  await serving;
  await relay.remove();
});

const cli = (args: string[], run: Parameters<typeof runCli>[1] = {}) => callCli(args, { ...run, env });
const idIn = (text: string) => /run_\w+/.exec(text)?.[0] ?? "";

test("the command runs start asks an agent for a run, and shows it to its end", async () => {
  const { code, stdout, stderr } = await cli(["runs", "start", "ben", "Look.", "--label", "A look", "--watch"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hm.\n▸ grep {"for":"Look."}\n✓ grep: 2 lines\nDone.\n' });
  expect(stderr).toMatch(/^run_\w+: queued\nrun_\w+ ended ok after \d+\.\d s\n$/);
  const id = idIn(stderr);
  expect((await cli(["runs", "--agent", "ben", "--status", "ended"])).stdout).toMatch(
    new RegExp(`${id} +ben +ended ok +\\S+ \\S+ +A look`),
  );
  expect((await cli(["runs", id])).stdout).toMatch(/ended ok[\s\S]*label: A look\nmessage: \d+\n> Look\.\nDone\.\n$/);
  expect((await cli(["runs", "tree", id])).stdout).toStartWith(`${id}  ben  ended ok`);
});

test("the command runs watch ends by the outcome of the run", async () => {
  const made = await cli(["runs", "start", "ben"], { stdin: "Fail." });
  const watched = await cli(["runs", "watch", idIn(made.stdout)]);
  expect(watched.code).toBe(1);
  expect(watched.stdout).toEndWith("✗ no tokens left\n");
  expect(watched.stderr).toContain("ended error (limited): no tokens left");
  const parts = (await cli(["runs", "watch", idIn(made.stdout), "--json"])).stdout.trim().split("\n");
  expect(JSON.parse(parts[0] ?? "")).toMatchObject({ part: { type: "start" } });
  expect((await cli(["runs", "watch", "run_0"])).code).toBe(1);
});

test("the commands runs tell and runs abort reach a run while it is watched", async () => {
  const id = idIn((await cli(["runs", "start", "ben", "Wait."])).stdout);
  const watching = startCli(["runs", "watch", id], { env });
  await until(() => watching.printed().includes("✓ grep"));
  expect((await cli(["runs", "tell", id, "the tests too"])).stdout).toBe("The running turn hears it\n");
  await until(() => watching.printed().includes("Heard the tests too"));
  expect((await cli(["runs", "abort", id, "--reason", "Enough."])).stdout).toBe(`${id}: stopping\n`);
  const { code, stdout } = await watching.ended;
  expect({ code, end: stdout.slice(stdout.indexOf("Heard")) }).toEqual({
    code: 1,
    end: "Heard the tests too\n■ aborted: Enough.\n",
  });
});

test("the command announcements lists results on their way, and dismisses them", async () => {
  const made = await cli(["runs", "start", "ben", "Look.", "--requester", "ann"]);
  const operator = operatorOf(relay);
  const of = async () => (await operator.announcements.list({ run: idIn(made.stdout) })).items;
  await until(async () => (await of()).length === 1);
  const listed = await cli(["announcements", "--state", "sent"]);
  expect(listed.stdout).toMatch(/ann_\w+ +run_\w+ +sent +ann +#\d+/);
  const id = /ann_\w+/.exec(listed.stdout)?.[0] ?? "";
  expect((await cli(["announcements", "dismiss", id])).stdout).toStartWith(`${id}: dismissed`);
  expect((await of())[0]?.state).toBe("dismissed");
  expect((await cli(["announcements", "retry", id])).code).toBe(1);
});

test("the command work reports no run with --no-run", async () => {
  const operator = operatorOf(relay);
  const item = await operator.messages.send({ to: "ann", body: "make all", claimable: true });
  const { token } = await operator.tokens.create({ role: "agent", agentId: "ann" });
  const args = ["work", "--once", "--no-run", "--shell", "env | grep -c SIGNALBOX_RUN || true"];
  expect((await runCli(args, { env: { ...env, SIGNALBOX_TOKEN: token } })).code).toBe(0);
  expect((await operator.runs.list({ message: item.id })).items).toEqual([]);
  expect((await operator.messages.list({ thread: item.id, kind: "response" })).items).toMatchObject([{ body: "0" }]);
});

test("the command work reports a run of each item, which is seen while it goes on", async () => {
  const operator = operatorOf(relay);
  const item = await operator.messages.send({ to: "ann", body: "make all", claimable: true, subject: "Build" });
  const { token } = await operator.tokens.create({ role: "agent", agentId: "ann" });
  const args = ["work", "--once", "--shell", 'echo "building for $SIGNALBOX_RUN_ID"; sleep 0.3; echo built'];
  const worker = runCli(args, { env: { ...env, SIGNALBOX_TOKEN: token } });
  await until(async () => (await operator.runs.list({ message: item.id })).items.length === 1);
  const [run] = (await operator.runs.list({ message: item.id })).items;
  expect(run).toMatchObject({ agentId: "ann", label: "Build", task: "make all", status: "running" });
  expect((await worker).code).toBe(0);
  const ended = await operator.runs.get(run?.id ?? "");
  const result = `building for ${ended.id}\nbuilt`;
  expect(ended).toMatchObject({ status: "ended", outcome: "ok", result: { text: result } });
  expect((await operator.messages.list({ thread: item.id, kind: "response" })).items).toMatchObject([{ body: result }]);
});
