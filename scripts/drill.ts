import { parseArgs } from "node:util";
import { runDrill } from "./drill/run.ts";

/** `bun run drill --cycles N [--senders 64] [--seed S]`: kills the relay at random instants, and counts what is left. */
const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "20" },
    senders: { type: "string", default: "64" },
    seed: { type: "string" },
  },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const report = await runDrill({
  cycles: Number(values.cycles),
  senders: Number(values.senders),
  seed,
  say: (line) => console.log(line),
});
console.log(JSON.stringify(report.counts));
for (const violation of report.violations) console.error(`VIOLATION: ${violation}`);
console.log(report.violations.length ? `failed; again with --seed ${seed}` : "nothing was lost, nothing came twice");
process.exit(report.violations.length ? 1 : 0);
