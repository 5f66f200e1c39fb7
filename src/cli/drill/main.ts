import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drill } from "./drill.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "100" },
    senders: { type: "string", default: "64" },
    claimers: { type: "string", default: "64" },
    followers: { type: "string", default: "8" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});

const dataDir = mkdtempSync(join(tmpdir(), "signalbox-drill-"));
console.error(`seed ${values.seed}, data in ${dataDir}`);
const report = await drill({
  dataDir,
  cycles: Number(values.cycles),
  senders: Number(values.senders),
  claimers: Number(values.claimers),
  followers: Number(values.followers),
  seed: Number(values.seed),
  onCycle: (cycle, { sent, completed }) =>
    console.error(`kill ${cycle}: ${sent.size} sent, ${completed.size} completed`),
});
console.log(JSON.stringify(report, null, 2));
// What a failed drill left is kept to be looked at.
if (report.faults.length === 0) rmSync(dataDir, { recursive: true });
process.exit(report.faults.length === 0 ? 0 : 1);
