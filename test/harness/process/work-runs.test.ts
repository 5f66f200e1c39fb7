import { afterEach, beforeEach, expect, test } from "bun:test";
import { commandHandler } from "../../../src/harness/process/item-command.ts";
import { createWorkRuns } from "../../../src/harness/process/work-runs.ts";
import { claimed, message, problem, until } from "../../support/client-harness.ts";
import { createFarRuns, type FarRuns } from "../../support/client-runs.ts";

let far: FarRuns;
let stop: AbortController;
beforeEach(() => {
  far = createFarRuns();
  stop = new AbortController();
  const open = [claimed(7)];
  far.instead["/claims"] = () => {
    const items = open.splice(0);
    return items.length > 0 ? Response.json({ items }) : new Promise(() => undefined);
  };
  for (const verb of ["complete", "fail", "release"])
    far.instead[`/messages/7/${verb}`] = () => Response.json({ message: message(7, { claimable: true }) });
});
afterEach(async () => {
  stop.abort();
  await far.far.close();
});

/** Works on one item by a shell command, and reports its run. */
async function working(command: string) {
  const troubles: string[] = [];
  const runs = createWorkRuns({ client: far.client, onTrouble: (text) => troubles.push(text) }, "a");
  const onMissing = () => undefined;
  const handler = commandHandler({
    ...{ file: "/bin/sh", args: ["-c", command], environment: {}, onMissing, runs },
    onStderr: () => undefined,
  });
  const onEvent: Parameters<typeof far.client.work>[0]["onEvent"] = (event) => {
    if (event.type !== "claimed" && event.type !== "waiting") runs.end(event);
  };
  await far.client.work({ handler, once: true, onEvent, signal: stop.signal });
  await runs.settled();
  return { troubles };
}

const said = () => far.stored.map(({ data }) => Object(data).delta ?? "").join("");

test("a worker's item is a run: its stdout is the answer, and it ends after the claim", async () => {
  await working('echo "for $SIGNALBOX_RUN_ID $SIGNALBOX_RUN_TOKEN"');
  expect(far.bodies("runs")).toMatchObject([{ agentId: "a", messageId: 7, cause: "message", task: "message 7" }]);
  expect(said()).toBe("for run_1 rnt_1\n");
  expect(far.stored[0]).toMatchObject({ stream: "input", data: { messageIds: [7], state: "started" } });
  expect(far.bodies("complete")).toEqual([{ token: "token-7", result: "for run_1 rnt_1" }]);
  expect(far.bodies("finish")).toEqual([{ outcome: "ok" }]);
  const asked = far.far.asked.filter((one) => /complete|finish/.test(one));
  expect(asked).toEqual(["POST /v1/messages/7/complete", "POST /v1/runs/run_1/finish"]);
});

test("a worker's run of a command that speaks JSON has its events, and the item its answer alone", async () => {
  const lines = [
    { type: "thread.started", thread_id: "t" },
    { type: "item.completed", item: { type: "reasoning", text: "Hm" } },
    { type: "item.completed", item: { type: "agent_message", text: "Done" } },
  ];
  await working(`cat > /dev/null; printf '%s\\n' ${lines.map((line) => `'${JSON.stringify(line)}'`).join(" ")}`);
  expect(far.stored.map(({ stream }) => stream)).toEqual(["input", "thinking", "assistant"]);
  expect(far.bodies("complete")).toEqual([{ token: "token-7", result: "Done" }]);
});

test("a worker's run ends with the failure of its item", async () => {
  await working("echo half; echo broken >&2; exit 3");
  expect(far.bodies("finish")).toEqual([{ outcome: "error", errorCode: "crashed", error: "exit 3: broken" }]);
});

test("a worker's run that is stopped ends the command, and its item for good", async () => {
  const done = working("sleep 600");
  await until(() => far.bodies("runs").length === 1 && far.time.sleepsFor(40_000));
  far.inbox.hello(7);
  far.control("run_1", { do: "abort", text: "No longer needed." });
  await done;
  expect(far.bodies("fail")).toMatchObject([{ error: "No longer needed.", final: true }]);
  expect(far.bodies("finish")).toEqual([{ outcome: "aborted" }]);
});

test("a worker's item is worked on to its end when its run was lost", async () => {
  far.instead["/events"] = () => problem("claim-lost");
  far.instead["/finish"] = () => problem("claim-lost");
  const done = working("sleep 0.2; echo done");
  await until(() => far.bodies("runs").length === 1);
  await far.time.pass(100);
  expect(await done).toEqual({ troubles: [] });
  expect(far.bodies("complete")).toEqual([{ token: "token-7", result: "done" }]);
});

test("a worker's item is worked on also where the relay takes no run of it", async () => {
  far.instead["/v1/runs"] = () => problem("already-running");
  expect(await working("echo done")).toEqual({ troubles: ["It is worked on without a run: far end: already-running"] });
  expect(far.bodies("complete")).toEqual([{ token: "token-7", result: "done" }]);
  expect(far.bodies("finish")).toEqual([]);
});
