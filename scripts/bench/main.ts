import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bench, Room } from "./bench.ts";
import { broadcast } from "./broadcast.ts";
import { stopChildren } from "./child.ts";
import { checkOut } from "./compare.ts";
import { latency } from "./latency.ts";
import { mcp } from "./mcp.ts";
import { memory } from "./memory.ts";
import { parked } from "./parked.ts";
import { ROOT } from "./relay.ts";
import { table } from "./report.ts";
import { type Result, runBench } from "./rounds.ts";
import { routing } from "./routing.ts";
import { runs } from "./runs.ts";
import { stored } from "./stored.ts";
import { throughput } from "./throughput.ts";

const BENCHES: readonly Bench[] = [throughput, routing, mcp, parked, latency, broadcast, runs, stored, memory];
const CELLS = BENCHES.flatMap((bench) => bench.cells);
const ROUNDS = 3;

const USAGE = `bun run bench [--only name,name] [--quick] [--rounds ${ROUNDS}] [--json file] [--compare commit]

Starts servers of its own on loopback, with temporary data, and prints what it measured. Names: ${CELLS.join(", ")}.
--compare measures the relay of another commit in the same rounds.
Other products are measured where they are installed: docs/benchmarks.md says how.`;

interface Options {
  only: string[];
  quick: boolean;
  rounds: number;
  json: string | undefined;
  compare: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      json: { type: "string" },
      compare: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",") ?? [];
  const unknown = only.filter((name) => !CELLS.includes(name));
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `Unknown: ${unknown.join(", ")}\n\n${USAGE}` : USAGE);
    process.exit(values.help ? 0 : 2);
  }
  const { quick, rounds = quick ? 1 : ROUNDS, json, compare } = values;
  return { ...{ only, quick, json, compare }, rounds: Number(rounds) };
}

async function run(options: Options, folder: string): Promise<Result[]> {
  const results: Result[] = [];
  const roots = [ROOT];
  if (options.compare) roots.push(await checkOut(options.compare, join(folder, "before")));
  const wanted = (cell: string) => options.only.length === 0 || options.only.includes(cell);
  for (const bench of BENCHES.filter(({ cells }) => cells.some(wanted))) {
    console.error(bench.cells.filter(wanted).join(", "));
    const closers: (() => unknown)[] = [];
    const room = async (root: string): Promise<Room> => ({
      root,
      folder: await mkdtemp(join(folder, "bench-")),
      milliseconds: options.quick ? 1000 : 4000,
      scale: options.quick ? 0.1 : 1,
      wanted: (cell) => wanted(cell) && (root === ROOT || !bench.beside?.includes(cell)),
      skip: (cell, reason) => console.error(`  skipped ${cell}: ${reason}`),
      atEnd: (close) => closers.push(close),
    });
    const rooms = await Promise.all(roots.map(room));
    results.push(
      ...(await runBench(bench, rooms, options.rounds, () => Promise.allSettled(closers.map((close) => close())))),
    );
    for (const { folder: used } of rooms) await rm(used, { recursive: true });
  }
  return results;
}

async function main(options: Options) {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-bench-"));
  for (const event of ["SIGINT", "SIGTERM", "uncaughtException"] as const) process.on(event, abandon);
  try {
    const [loadBefore = 0] = loadavg();
    const results = await run(options, folder);
    const machine = {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memoryBytes: totalmem(),
      bun: Bun.version,
      loadBefore,
    };
    console.log(`${table(results)}\n\n${machine.cores} x ${machine.cpu}, Bun ${machine.bun}, ${options.rounds} rounds`);
    if (options.json)
      await Bun.write(options.json, JSON.stringify({ machine, rounds: options.rounds, results }, null, 2));
  } finally {
    await stopChildren();
    await rm(folder, { recursive: true, force: true });
  }
}

/** However the run ends, no server stays. */
function abandon(reason: unknown) {
  console.error(reason);
  stopChildren().finally(() => process.exit(1));
}

await main(readOptions());
process.exit(0);
