import { expect, test } from "bun:test";
import { drill } from "../../src/cli/drill/drill.ts";
import { tempFolder } from "../support/relay.ts";

test("G1, G3, G4: killed 20 times amid 64 senders and 64 claimers, the relay keeps every promise it made", async () => {
  const report = await drill({
    dataDir: tempFolder(),
    cycles: 20,
    senders: 64,
    claimers: 64,
    followers: 4,
    seed: 20261120,
  });
  expect(report.faults).toEqual([]);
  expect(report.cycles).toBe(20);
  expect(report.sent).toBeGreaterThan(200);
  expect(report.completed).toBeGreaterThan(100);
}, 180_000);
