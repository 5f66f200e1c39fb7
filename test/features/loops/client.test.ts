import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, RelayProblem } from "../../../src/client/client.ts";
import { callCli } from "../../support/cli-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
});
afterAll(() => relay.remove());

const cli = (args: string[]) => callCli(["loops", ...args, "--data", relay.dataDir]);

test("a loop is seen and resumed, by the client and the command line", async () => {
  const ann = await agentOf(relay, "ann");
  const ben = await agentOf(relay, "ben");
  expect((await cli(["list"])).stdout).toBe("There are no loops\n");
  const messages = Array.from({ length: 100 }, (_, i) => ({
    ...{ from: i % 2 ? "ben" : "ann", to: i % 2 ? "ann" : "ben", body: "and you?" },
  }));
  const { items } = await operator.messages.sendBatch(messages);
  const [first, last] = [items[0], items.at(-1)] as { id: number }[];
  // Said once and not again: a person has to see to it.
  const refused = ann.messages.send({ to: "ben", body: "and you?", replyTo: last?.id });
  const problem = await refused.catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(RelayProblem);
  expect(problem).toMatchObject({ code: "loop-paused" });
  expect((await cli(["list", "--status", "paused"])).stdout).toMatch(/chain +paused .*ben → ann, 100 in a row/);
  expect((await cli(["resume", `${first?.id}`])).stdout).toBe(`The chain of message ${first?.id} is resumed\n`);
  expect((await operator.loops.list()).items).toMatchObject([{ rootId: first?.id, status: "resumed" }]);
  expect(await operator.loops.resume(first?.id ?? 0)).toMatchObject({ status: "resumed" });
  expect(await ann.messages.send({ to: "ben", body: "and you?", replyTo: last?.id })).toMatchObject({ from: "ann" });
  expect(await ben.loops.list().catch((error: unknown) => error)).toMatchObject({ code: "forbidden" });
});
