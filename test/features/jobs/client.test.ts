import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Client } from "../../../src/client/client.ts";
import { callCli } from "../../support/cli-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann");
});
afterAll(() => relay.remove());

const cli = (args: string[]) => callCli([...args, "--data", relay.dataDir], {});
const startedAt = "2026-03-01T03:00:00.000Z";

describe("jobs and models from afar", () => {
  test("jobs and models from afar are told by an agent's client and ordered by an operator's", async () => {
    await ann.models.put({ items: [{ id: "opus", name: "Opus" }], default: "opus" });
    expect((await operator.models.list({ agent: "ann" })).items).toMatchObject([
      { id: "opus", agents: [{ agentId: "ann", isDefault: true }] },
    ]);
    const put = await ann.jobs.put([{ id: "nightly", name: "Nightly", schedule: "@daily" }]);
    expect(put.items).toMatchObject([{ agentId: "ann", id: "nightly", enabled: true }]);
    expect(await ann.jobs.report("nightly", { id: "1", status: "ok", output: "3 sent", startedAt })).toMatchObject({
      id: "1",
    });
    expect((await operator.jobs.listOf("ann")).items).toMatchObject([{ id: "nightly", lastRunAt: startedAt }]);
    expect((await operator.jobs.list()).items).toHaveLength(1);
    expect((await ann.jobs.runs("ann", "nightly")).items).toMatchObject([{ output: "3 sent" }]);
    const run = await operator.jobs.run("ann", "nightly", { idempotencyKey: "k" });
    expect(await operator.jobs.run("ann", "nightly", { idempotencyKey: "k" })).toEqual(run);
    await operator.jobs.delete("ann", "nightly");
    const { items } = await ann.inbox.read({ after: 0 });
    expect(items.map(({ payload }) => payload)).toEqual([
      { job: { id: "nightly", do: "run" } },
      { job: { id: "nightly", do: "delete" } },
    ]);
  });

  test("jobs and models from afar are listed, shown and ordered on the command line", async () => {
    await ann.models.put({ items: [{ id: "opus", name: "Opus" }], default: "opus" });
    await ann.jobs.put([{ id: "nightly", name: "Nightly", schedule: "0 3 * * *", enabled: false }]);
    await ann.jobs.report("nightly", { id: "1", status: "error", output: "no \u001b[31mdisk", startedAt });
    expect((await cli(["models"])).stdout).toMatch(/opus +Opus +ann\*/);
    for (const args of [["jobs"], ["jobs", "ann"]])
      expect((await cli(args)).stdout).toMatch(/ann +nightly +Nightly +0 3 \* \* \* +no +2026-03-01 03:00:00Z +error/);
    const shown = (await cli(["jobs", "show", "ann", "nightly", "--outputs"])).stdout;
    expect(shown).toContain("disk");
    expect(shown).not.toContain("\u001b[31m");
    expect((await cli(["jobs", "run", "ann", "nightly"])).stdout).toMatch(
      /ann was asked to run nightly, by message #\d+/,
    );
    expect((await cli(["jobs", "delete", "ann", "nightly"])).stdout).toContain("ann was asked to delete nightly");
    const wrong = await cli(["jobs", "run", "ann", "weekly"]);
    expect([wrong.code, wrong.stderr.includes("ann has no job weekly")]).toEqual([1, true]);
  });
});
