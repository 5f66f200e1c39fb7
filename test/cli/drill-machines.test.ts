import { expect, test } from "bun:test";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runCli, startCli } from "../support/cli-harness.ts";
import { atEnd, tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

test.skipIf(process.platform !== "linux")(
  "G11, G12, G13: with relay, daemon and agent CLI killed, each question is answered once, and no process or second writer is left",
  async () => {
    const TMPDIR = tempFolder();
    const options = ["--kills", "3", "--senders", "2", "--seed", "1", "--json"];
    const { code, stdout } = await runCli(["drill", "--machines", ...options], { env: { TMPDIR } });
    const report = JSON.parse(stdout);
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({
      lost: 0,
      doubled: 0,
      left: 0,
      writers: 0,
      kills: { relay: 1, daemon: 1, agent: 1 },
    });
    // An answer comes before each kill.
    expect(report.answered).toBeGreaterThanOrEqual(3);
    expect(report.runs).toBeGreaterThanOrEqual(report.answered);
    expect(code).toBe(0);
    expect(readdirSync(TMPDIR)).toEqual([]);
  },
  120_000,
);

test.skipIf(process.platform !== "linux")(
  "a marked process that is left, and a second writer, end the drill of machines with a sentence each",
  async () => {
    const TMPDIR = tempFolder();
    const options = ["--kills", "1", "--senders", "1"];
    const { ended, complained } = startCli(["drill", "--machines", ...options], { env: { TMPDIR } });
    await until(() => complained().includes("No more questions"), "the kill");
    const [folder = ""] = readdirSync(TMPDIR);
    const home = join(TMPDIR, folder, "m0", "home");
    const env = { PATH: process.env.PATH, HOME: home, SIGNALBOX_SESSION: "ses_stray" };
    const stray = Bun.spawn(["sleep", "300"], { env });
    atEnd(async () => stray.kill(9));
    appendFileSync(join(home, "writers"), "one has 1 and 2\n");
    const { code, stdout, stderr } = await ended;
    expect(stdout).toContain("fault: 1 marked processes are left\n");
    expect(stdout).toContain("fault: two processes wrote one dialogue on m0: one has 1 and 2\n");
    expect(stdout).toEndWith("\nlost 0, doubled 0, processes left 1, sessions with two writers 1\n");
    expect(code).toBe(1);
    expect(stderr).toContain(join(TMPDIR, folder));
    // The drill ends what it finds.
    await stray.exited;
    expect(stray.signalCode).toBe("SIGKILL");
  },
  120_000,
);
