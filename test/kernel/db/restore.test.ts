import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli, tempFolder } from "../../support/cli-harness.ts";
import { operatorOf, type Relay, startRelay } from "../../support/client-relay.ts";
import { lookInto } from "../../support/database.ts";

// Processes are started here: on a busy machine that takes its time.
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function relayIn(dataDir: string): Promise<Relay> {
  const relay = await startRelay(dataDir);
  ends.push(() => relay.stop("SIGKILL"));
  return relay;
}

function folder(): string {
  const made = tempFolder();
  ends.push(made.remove);
  return made.path;
}

const bodies = async (relay: Relay) =>
  (await operatorOf(relay).messages.list({ to: "user" })).items.map(({ body }) => body).sort();

/** A relay with a backup of its first message, and a second message since. */
async function backedUp() {
  const dataDir = folder();
  const relay = await relayIn(dataDir);
  await operatorOf(relay).messages.send({ to: "user", body: "before" });
  const { file } = await operatorOf(relay).backup();
  await operatorOf(relay).messages.send({ to: "user", body: "since" });
  return { dataDir, relay, file };
}

test("a backup is restored by one command, and the former database is kept", async () => {
  const { dataDir, relay, file } = await backedUp();
  await relay.stop();
  const ran = await runCli(["restore", file, "--data", dataDir]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(await bodies(await relayIn(dataDir))).toEqual(["before"]);
  const [, former = ""] = /^The former database is (.*)\.$/m.exec(ran.stdout) ?? [];
  const kept = lookInto(former, (sqlite) => sqlite.prepare("select body from messages order by id").values());
  expect(kept).toEqual([["before"], ["since"]]);
});

test("the former database holds the last writes of a killed relay", async () => {
  const { dataDir, relay, file } = await backedUp();
  await relay.stop("SIGKILL");
  const ran = await runCli(["restore", file, "--data", dataDir, "--json"]);
  const { former } = JSON.parse(ran.stdout);
  expect(lookInto(former, (sqlite) => sqlite.prepare("select count(*) as n from messages").get())).toEqual({ n: 2 });
  expect(await bodies(await relayIn(dataDir))).toEqual(["before"]);
});

test("a backup takes the place of a database that is damaged, or of none", async () => {
  const { dataDir, relay, file } = await backedUp();
  await relay.stop();
  truncateSync(join(dataDir, "signalbox.db"), 5000);
  expect(await runCli(["restore", file, "--data", dataDir])).toMatchObject({ code: 0 });
  const fresh = join(folder(), "fresh");
  expect(await runCli(["restore", file, "--data", fresh])).toMatchObject({ code: 0 });
  expect(await bodies(await relayIn(fresh))).toEqual(["before"]);
});

test("nothing is restored under a relay that runs, nor from what is no whole backup", async () => {
  const { dataDir, relay, file } = await backedUp();
  const running = await runCli(["restore", file, "--data", dataDir]);
  expect(running.code).toBe(1);
  expect(running.stderr).toContain("Nothing was restored: another relay is using this data folder");
  await relay.stop();
  const cut = join(dataDir, "cut.db");
  writeFileSync(cut, readFileSync(file).subarray(0, 20_000));
  writeFileSync(join(dataDir, "text.db"), "not a database");
  for (const [bad, said] of [
    [cut, "is not a whole backup"],
    [join(dataDir, "text.db"), "is not a whole backup"],
    [join(dataDir, "nowhere.db"), "there is no file"],
    [dataDir, "is not a whole backup"],
  ] as const) {
    const ran = await runCli(["restore", bad, "--data", dataDir]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(said);
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  }
  const wrong = await runCli(["restore", file], { cwd: folder() });
  expect(wrong).toMatchObject({ code: 2 });
  expect(await bodies(await relayIn(dataDir))).toEqual(["before", "since"]);
});

test("older backups are deleted beyond as many as are kept, and nothing else", async () => {
  const { dataDir, relay } = await backedUp();
  const backups = join(dataDir, "backups");
  mkdirSync(backups, { recursive: true });
  const others = ["notes.txt", "before-restore-2020-01-01T00-00-00.000Z.db", "signalbox-mine.db"];
  for (const name of others) writeFileSync(join(backups, name), "");
  const old = [1, 2, 3, 4].map((day) => `signalbox-2020-01-0${day}T00-00-00.000Z.db`);
  // A clock that ran ahead: the copy that is being made stays all the same.
  const ahead = "signalbox-2999-01-01T00-00-00.000Z.db";
  for (const name of [...old, ahead]) writeFileSync(join(backups, name), "");
  const ran = await runCli(["backup", "--keep", "3", "--data", dataDir]);
  expect(ran.stdout).toContain("; 4 older deleted");
  const left = readdirSync(backups).filter((name) => !others.includes(name));
  expect(left).toHaveLength(3);
  expect(left).toContain(ahead);
  expect(readdirSync(backups)).toEqual(expect.arrayContaining(others));
  expect(old.some((name) => existsSync(join(backups, name)))).toBe(false);
  const { deleted } = await operatorOf(relay).backup();
  expect(deleted).toEqual([]);
  expect(await runCli(["backup", "--keep", "0", "--data", dataDir])).toMatchObject({ code: 1 });
});
