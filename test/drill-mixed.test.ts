import { expect, test } from "bun:test";
import { runDrill } from "../scripts/drill/run.ts";
import { tempFolder } from "./support/relay.ts";

test("G1-G5: amid kills, batches, schedules, repeats, releases and failures lose nothing, and no id or key means two things", async () => {
  const report = await runDrill({
    dataDir: tempFolder(),
    cycles: 20,
    senders: 64,
    claimers: 64,
    followers: 6,
    seed: 20_261_120,
  });
  expect(report.faults).toEqual([]);
  // Enough happened for that to mean something.
  expect(report.cycles).toBe(20);
  expect(report.sent).toBeGreaterThan(200);
  expect(report.completed).toBeGreaterThan(50);
  expect(report.connections).toBeGreaterThan(60);
  expect(report.followed).toBeGreaterThan(report.sent / 2);
}, 180_000);
