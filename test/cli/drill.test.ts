import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli, startCli } from "../support/cli-harness.ts";
import { tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

const FEW = ["--senders", "6", "--workers", "4", "--readers", "2", "--people", "1"];

test("G1, G3, G4: killed 6 times amid 64 senders, 64 workers and runs below runs, the relay keeps every promise it made", async () => {
  const TMPDIR = tempFolder();
  const crew = ["--senders", "64", "--workers", "64", "--readers", "4", "--people", "6"];
  const { code, stdout } = await runCli(["drill", "--kills", "6", ...crew, "--seed", "20261120", "--json"], {
    env: { TMPDIR },
  });
  const report = JSON.parse(stdout);
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({ kills: 6, lost: 0, doubled: 0 });
  expect(report.sent).toBeGreaterThan(64);
  expect(report.completed).toBeGreaterThan(32);
  // Each person has asked, and was answered at the latest after the last kill.
  expect(report.answered).toBeGreaterThanOrEqual(6);
  expect(code).toBe(0);
  expect(readdirSync(TMPDIR)).toEqual([]);
}, 180_000);

test("a message that was accepted, or a part of a run, and is gone ends the drill with what was lost, and keeps its data", async () => {
  const TMPDIR = tempFolder();
  const { ended, complained } = startCli(["drill", "--kills", "4", ...FEW], { env: { TMPDIR } });
  await until(() => complained().includes("kill 1:"), "the first kill");
  const [folder = ""] = readdirSync(TMPDIR);
  const data = new Database(join(TMPDIR, folder, "signalbox.db"));
  data.run("pragma busy_timeout = 5000");
  // A sender goes on once it has its answer: so its first news was accepted when its next message is there.
  const accepted = data.prepare<{ id: number }, []>(
    `select news.id from messages news join messages later on later.body = rtrim(news.body, '1') || '2'
      where news.target = 'tag:news' and news.body like '%-1' order by news.id`,
  );
  await until(() => accepted.get() !== null, "a sender that goes on");
  const id = accepted.get()?.id ?? 0;
  data.run("delete from messages where id = ?", [id]);
  const begun = data.prepare<{ turn: string }, []>(
    `select turn_id turn from run_parts where json like '{"type":"start",%'`,
  );
  await until(() => begun.get() !== null, "a turn that began");
  const turn = begun.get()?.turn ?? "";
  data.run(`delete from run_parts where turn_id = ? and json like '{"type":"start",%'`, [turn]);
  data.close();
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(stdout).toContain(`accepted as message ${id}, which is not there`);
  expect(stdout).toContain(`lost: ${turn} had its start 0 times`);
  expect(stdout).toMatch(/\nlost [1-9]\d*, doubled 0\n$/);
  expect(stderr).toContain(join(TMPDIR, folder));
  expect(readdirSync(TMPDIR)).toEqual([folder]);
});

test("Ctrl-C ends a drill, its relay and its folder", async () => {
  const TMPDIR = tempFolder();
  const { child, ended, complained } = startCli(["drill", ...FEW], { env: { TMPDIR } });
  await until(() => complained().includes("kill 1:"), "the first kill");
  const [folder = ""] = readdirSync(TMPDIR);
  // The port is the same after every kill.
  const { url } = JSON.parse(readFileSync(join(TMPDIR, folder, "server.json"), "utf8"));
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(readdirSync(TMPDIR)).toEqual([]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});
