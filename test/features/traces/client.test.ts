import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, everyItem } from "../../../src/client/client.ts";
import { callCli } from "../../support/cli-harness.ts";
import { until } from "../../support/client-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
let ben: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann");
  ben = await agentOf(relay, "ben");
});
afterAll(() => relay.remove());

const cli = (args: string[], stdin?: string) => callCli([...args, "--data", relay.dataDir], { stdin });

describe("traces from afar", () => {
  test("traces from afar are said, listed, and read with the history, by the client", async () => {
    const { id } = await ann.messages.send({ to: "ben", body: "Is the zeppelin green?" });
    const key = { idempotencyKey: "turn-1" };
    const drafts = [
      { level: 2 as const, type: "thinking", content: "Let me look." },
      { level: 3 as const, type: "file_read", content: "ci.log", metadata: { path: "ci.log" } },
    ];
    const first = await ben.traces.add(id, drafts, key);
    expect(await ben.traces.add(id, drafts, key)).toEqual(first);
    expect(first.items).toMatchObject([
      { agentId: "ben", number: 1 },
      { number: 2, metadata: { path: "ci.log" } },
    ]);
    await operator.traces.add(id, [{ level: 2, type: "decision", content: "Go." }], { agentId: "ann" });
    const types: string[] = [];
    for await (const trace of everyItem((page) => ann.traces.list(id, { limit: 1, page }))) types.push(trace.type);
    expect(types).toEqual(["thinking", "file_read", "decision"]);
    const history = await ann.traces.history({ thread: id, level: 2 });
    expect(history.items.map((item) => item.traces?.map((trace) => trace.type))).toEqual([["thinking", "decision"]]);
    await until(async () => (await ann.traces.history({ q: "zeppelin" })).items.length === 1);
  });

  test("traces from afar that are encrypted are carried, and named instead of shown", async () => {
    const { id } = await ann.messages.send({ to: "ben", body: "Decide" });
    await cli(["trace", "add", `${id}`, "SGVsbG8", "--type", "decision", "--opaque"]);
    const list = await cli(["trace", "list", `${id}`]);
    expect(list.stdout).toMatch(/^user decision .*\n {2}\(encrypted\)\n$/);
    expect((await ann.traces.list(id)).items).toMatchObject([{ content: "SGVsbG8", encoding: "opaque" }]);
  });

  test("traces from afar are said and shown by the command line, harmless for the terminal", async () => {
    const { id } = await ann.messages.send({ to: "ben", body: "Run the tests" });
    const added = await cli(["trace", "add", `${id}`, "--type", "command_exec", "--as", "ben"], "\u001b[31m1 failed\n");
    expect(added.stdout).toBe(`Trace 1 of message ${id}\n`);
    await cli(["trace", "add", `${id}`, "Flaky?", "--type", "thinking", "--as", "ben", "--metadata", '{"sure":false}']);
    expect((await cli(["trace", "add", `${id}`, "x", "--type", "own"])).code).toBe(2);
    expect((await cli(["trace", "add", `${id}`, "x", "--type", "own", "--level", "3"])).code).toBe(0);
    const list = await cli(["trace", "list", `${id}`, "--level", "2"]);
    expect(list.stdout).toMatch(/^ben thinking .*\n {2}Flaky\?\n {2}\{"sure":false\}\n$/);
    const history = await cli(["history", "--thread", `${id}`, "--level", "3"]);
    expect(history.stdout).toMatch(/ann → ben.*Run the tests.*ben command_exec.*1 failed.*ben thinking.*user own/s);
    expect(history.stdout).not.toContain("\u001b");
    const shown = await cli(["history", "--thread", `${id}`, "--level", "2", "--json"]);
    expect(JSON.parse(shown.stdout).items[0].traces).toMatchObject([{ type: "thinking" }]);
    expect((await cli(["history", "--before", "1"])).stdout).toBe("No such message\n");
  });
});
