import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, everyItem, RelayProblem } from "../../../src/client/client.ts";
import { callCli, startCli } from "../../support/cli-harness.ts";
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
const json = async (args: string[], stdin?: string) => {
  const ran = await cli([...args, "--json"], stdin);
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.code} ${ran.stderr}`);
  return JSON.parse(ran.stdout);
};

describe("delegations from afar", () => {
  test("delegations from afar are asked, reported on, waited for, answered and listed by the client", async () => {
    const key = { idempotencyKey: "ask-1" };
    const asked = await ann.delegations.ask({ to: "ben", text: "how many?" }, key);
    expect(await ann.delegations.ask({ to: "ben", text: "how many?" }, key)).toMatchObject({ id: asked.id });
    const waiting = ann.delegations.wait(asked.id);
    await ben.delegations.progress(asked.id, { text: "counting" });
    await operator.delegations.answer(asked.id, { text: "42", payload: { n: 42 } }, { agentId: "ben" });
    expect(await waiting).toMatchObject({ status: "answered", answer: { from: "ben", payload: { n: 42 } } });
    const second = await ann.delegations.ask({ to: "ben", text: "and now?" });
    expect((await ann.delegations.cancel(second.id, { tree: true })).cancelled).toEqual([second.id]);
    expect(await ann.delegations.get(second.id)).toMatchObject({ status: "cancelled" });
    const ids: string[] = [];
    for await (const { id } of everyItem((page) => ben.delegations.list({ to: "ben", limit: 1, page }))) ids.push(id);
    expect(ids).toEqual([second.id, asked.id]);
    const refused = ann.delegations.ask({ to: "ann", text: "x" }).catch((error) => error);
    expect(await refused).toBeInstanceOf(RelayProblem);
    expect((await refused).body.code).toBe("cycle");
  });

  test("delegations from afar that are encrypted are carried, and named instead of shown", async () => {
    const asked = await json(["delegate", "ben", "SGVsbG8", "--opaque", "--as", "ann"]);
    expect(asked).toMatchObject({ text: "SGVsbG8", encoding: "opaque" });
    await json(["delegation", "progress", asked.id, "SGVsbG8", "--opaque", "--as", "ben"]);
    const answered = await json(["delegation", "answer", asked.id, "V2VsdA", "--opaque", "--as", "ben"]);
    expect(answered.answer).toMatchObject({ text: "V2VsdA", encoding: "opaque" });
    for (const args of [["show", asked.id], ["list"]]) {
      const { stdout } = await cli(["delegation", ...args]);
      expect(stdout).toContain("(encrypted)");
      expect(stdout).not.toMatch(/SGVsbG8|V2VsdA/);
    }
  });

  test("delegate --wait prints the answer", async () => {
    const run = startCli(["delegate", "ben", "is it green?", "--wait", "--as", "ann", "--data", relay.dataDir]);
    await until(async () => (await operator.delegations.list({ status: "pending", from: "ann" })).items.length === 1);
    const [asked] = (await operator.delegations.list({ status: "pending", from: "ann" })).items;
    const told = await cli(["delegation", "progress", asked?.id ?? "", "running the tests", "--as", "ben"]);
    expect(told.stdout).toBe("ann is told\n");
    expect((await cli(["delegation", "answer", asked?.id ?? "", "--as", "ben"], "\u001b[31mgreen\n")).stdout).toContain(
      "answered",
    );
    const ran = await run.ended;
    expect([ran.code, ran.stdout]).toEqual([0, "green\n"]);
    expect(ran.stderr).toContain("asked ben");
  });

  test("delegate --wait fails with the error", async () => {
    const run = startCli(["delegate", "ben", "fly", "--wait", "--as", "ann", "--data", relay.dataDir]);
    await until(async () => (await operator.delegations.list({ status: "pending", from: "ann" })).items.length === 1);
    const [asked] = (await operator.delegations.list({ status: "pending", from: "ann" })).items;
    await cli(["delegation", "answer", asked?.id ?? "", "no wings", "--error", "--as", "ben"]);
    expect(await run.ended).toMatchObject({ code: 1, stdout: "no wings\n" });
  });

  test("delegations from afar are shown, listed and cancelled by the command line", async () => {
    const args = ["--summary", "the build", "--constraint", "no force push", "--timeout", "60", "--as", "ann"];
    const asked = await json(["delegate", "ben", "fix it", ...args]);
    expect(asked).toMatchObject({ from: "ann", context: { summary: "the build", constraints: ["no force push"] } });
    expect((await cli(["delegation", "list", "--status", "pending"])).stdout).toMatch(/ID +FROM.*ann +ben.*fix it/s);
    expect((await cli(["delegation", "show", asked.id])).stdout).toMatch(/ann → ben {2}pending.*fix it.*the build/s);
    expect((await cli(["delegation", "cancel", asked.id, "--tree", "--reason", "x"])).stdout).toContain(asked.id);
    expect((await cli(["delegation", "list", "--from", "nobody"])).stdout).toBe("No such delegation\n");
    expect((await cli(["delegation", "show", "dlg_none"])).code).toBe(1);
  });
});

describe("pairs from afar", () => {
  test("pairs from afar are asked for, accepted, talked in and ended by the client", async () => {
    const pair = await ann.pairs.ask({ target: "ben", objective: "main green" });
    expect(await ben.pairs.accept(pair.id)).toMatchObject({ status: "active" });
    expect(await ann.pairs.send(pair.id, { body: "you take the tests" })).toMatchObject({ to: "ben", kind: "pair" });
    expect((await ben.pairs.list({ status: "active" })).items).toMatchObject([{ id: pair.id }]);
    await ben.pairs.end(pair.id, { reason: "done" });
    expect(await ann.pairs.get(pair.id)).toMatchObject({ status: "ended", endedBy: "ben", reason: "done" });
  });

  test("pairs from afar are asked for, accepted, talked in and ended by the command line", async () => {
    const pair = await json(["pair", "ask", "ben", "main green", "--as", "ann"]);
    expect(pair).toMatchObject({ requester: "ann", objective: "main green", status: "pending" });
    expect((await cli(["pair", "accept", pair.id, "--as", "ben"])).stdout).toContain("ann and ben, active");
    expect((await cli(["pair", "send", pair.id, "hello", "--as", "ben"])).stdout).toMatch(/ben → ann.*hello/s);
    expect((await cli(["pair", "list", "--agent", "ann"])).stdout).toContain(pair.id);
    expect((await json(["pair", "end", pair.id, "--as", "ann"])).endedBy).toBe("ann");
    const again = await json(["pair", "ask", "ben", "--as", "ann"]);
    expect((await json(["pair", "reject", again.id, "--reason", "busy", "--as", "ben"])).reason).toBe("busy");
  });
});
