import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../../src/client/client.ts";
import { runCli, tempFolder } from "../support/cli-harness.ts";
import { operatorOf, type Relay, startRelay } from "../support/client-relay.ts";
import { lookInto } from "../support/database.ts";

/** One relay, which each test takes over as the one before left it. */
let relay: Relay;
let operator: Client;
const { path: dataDir, remove } = tempFolder();
const file = join(dataDir, "signalbox.db");
beforeAll(async () => {
  relay = await startRelay(dataDir);
  operator = operatorOf(relay);
});
afterAll(async () => {
  await relay.stop();
  remove();
});

const check = async () => {
  const { code, stdout, stderr } = await runCli(["upgrade", "--check", "--data", dataDir, "--json"]);
  const { safe, checks } = JSON.parse(stdout) as { safe: boolean; checks: Record<string, string>[] };
  const found = (name: string) => checks.find((one) => one.name === name);
  return {
    code,
    stderr,
    safe,
    found,
    failed: checks.filter(({ status }) => status === "fail").map(({ name }) => name),
  };
};

describe("a relay that runs", () => {
  test("a relay that runs is not to be upgraded without a backup", async () => {
    const { code, safe, failed, found } = await check();
    expect({ code, safe, failed }).toEqual({ code: 1, safe: false, failed: ["backup"] });
    expect(found("backup")?.next).toContain("signalbox backup");
  });

  test("a relay that runs may be upgraded with a backup, whatever work is under way, which is said", async () => {
    await operator.agents.register("worker", { name: "worker" });
    for (const body of ["held", "open", "open too"])
      await operator.messages.send({ to: "worker", body, claimable: true });
    await operator.claims.claimNext({}, { agentId: "worker" });
    await operator.delegations.ask({ to: "worker", text: "Is it safe?" });
    await operator.backup({});
    await operator.messages.send({ to: "worker", body: "after the backup" });

    const { code, safe, failed, found } = await check();
    expect({ code, safe, failed }).toEqual({ code: 0, safe: true, failed: [] });
    expect(found("backup")).toMatchObject({
      status: "ok",
      detail: expect.stringMatching(/signalbox-.*\.db.* 1 messages ago/),
    });
    expect(found("schema")?.detail).toMatch(/^(\d+) of the \1 migrations of this version have run$/);
    expect(found("version")?.next).toBe("There is nothing to upgrade");
    expect(found("claims")).toMatchObject({ status: "warn", detail: "1 held" });
    expect(found("open work")).toMatchObject({ status: "warn", detail: "2 open" });
    expect(found("delegations")?.detail).toMatch(/^1 pending, the next deadline \d{4}-/);
    expect(found("deliveries")?.detail).toMatch(/^\d+ due$/);

    const { stdout } = await runCli(["upgrade", "--check", "--data", dataDir]);
    expect(stdout).toMatch(/^ok +backup .*^warn +claims +1 held\. Let workers finish.*^Safe to upgrade: /ms);
  });
});

/** Makes the number of migrations that have run larger or smaller. */
const moveVersion = (by: number) =>
  lookInto(file, (sqlite) => {
    const { user_version: done } = sqlite.prepare("pragma user_version").get() as { user_version: number };
    sqlite.run(`pragma user_version = ${done + by}`);
  });

describe("a relay that is stopped", () => {
  beforeAll(() => relay.stop());

  test("a relay that is stopped is looked at all the same", async () => {
    const { code, found } = await check();
    expect([code, found("version")?.detail]).toEqual([0, expect.stringContaining("no relay runs on this data")]);
  });

  test("a relay that is stopped owes deliveries, and no sweeps of old rows", async () => {
    lookInto(file, (sqlite) => sqlite.run("update due set at = 0 where kind like 'retention%'"));
    expect((await check()).found("deliveries")).toMatchObject({ status: "ok", detail: "0 due" });
    lookInto(file, (sqlite) =>
      sqlite.run("insert into due (kind, key, at, tries, data) values ('webhook.deliver', 'x', 0, 0, '{}')"),
    );
    expect((await check()).found("deliveries")).toMatchObject({ status: "warn", detail: "1 due" });
    lookInto(file, (sqlite) => sqlite.run("delete from due where kind = 'webhook.deliver'"));
  });

  test("a relay that is stopped gets told of migrations that the start will run", async () => {
    moveVersion(-1);
    const { code, found } = await check();
    expect([code, found("schema")]).toEqual([0, expect.objectContaining({ status: "warn" })]);
    expect(found("schema")?.next).toContain("The start runs the rest");
    moveVersion(1);
  });

  test("a relay that is stopped is not to be upgraded to a version that does not know all of its migrations", async () => {
    moveVersion(1);
    expect(await check()).toMatchObject({ code: 1, failed: ["schema"] });
    moveVersion(-1);
  });

  test("a relay that is stopped is not to be upgraded with a backup of last week, nor one that was made under another name", async () => {
    lookInto(file, (sqlite) => sqlite.run("update activity set at = at - 604800000 where verb = 'backup.made'"));
    expect(await check()).toMatchObject({ code: 1, failed: ["backup"] });
    lookInto(file, (sqlite) => {
      sqlite.run("update activity set at = at + 604800000, subject = '/elsewhere/copy.db' where verb = 'backup.made'");
    });
    const { code, found } = await check();
    expect([code, found("backup")]).toEqual([0, expect.objectContaining({ status: "warn" })]);
    expect(found("backup")?.next).toContain("not there any more");
  });
});

test("an older program is not an upgrade", async () => {
  const other = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      Response.json({ status: "fail", version: "99.1.0", generatedAt: new Date().toISOString(), checks: [] }),
  });
  writeFileSync(join(dataDir, "server.json"), JSON.stringify({ url: other.url.origin, pid: process.pid }));
  const { code, failed, found } = await check();
  expect([code, failed]).toEqual([1, ["version", "health"]]);
  expect(found("version")?.detail).toContain("the relay runs 99.1.0");
  rmSync(join(dataDir, "operator.token"));
  const blind = await check();
  expect([blind.code, blind.found("version")?.status]).toEqual([0, "warn"]);
  expect(blind.found("version")?.detail).toMatch(/does not say its version: .*operator\.token has no token/);
  await other.stop(true);
});

test("a folder without a database, and a call without --check, say how to go on", async () => {
  const folder = tempFolder();
  const empty = await runCli(["upgrade", "--check", "--data", folder.path]);
  folder.remove();
  expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/no database of a relay: .* give --data/)]);
  const bare = await runCli(["upgrade"]);
  expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("--check")]);
});
