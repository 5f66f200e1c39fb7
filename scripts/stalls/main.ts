import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createWatch } from "./hold.ts";
import { measureRequests } from "./requests.ts";
import { measureSockets } from "./sockets.ts";
import { startWorld } from "./world.ts";

const TARGET_MS = 50;
const USAGE = `bun run stalls [--only text] [--all]

Starts a relay with temporary data in this process, sends every route its worst allowed and worst refused body, and prints
for how long each held the event loop. Without --all only what held it longest is listed. No request may hold it for more
than ${TARGET_MS} ms on a quiet machine.`;

const { values } = parseArgs({
  options: { only: { type: "string" }, all: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "signalbox-stalls-"));
const world = await startWorld(folder);
const watch = createWatch();
const held = await measureRequests(world, watch, values.only);
if (values.only === undefined) held.push(...(await measureSockets(world, watch)));
watch.stop();

const sorted = held.toSorted((a, b) => b.milliseconds - a.milliseconds);
for (const { what, status, milliseconds } of values.all ? sorted : sorted.slice(0, 40))
  console.log(`${milliseconds.toFixed(1).padStart(8)} ms  ${status.padEnd(4)} ${what}`);
const [worst] = sorted;
const over = sorted.filter((one) => one.milliseconds > TARGET_MS).length;
if (worst)
  console.log(
    `\nworst of ${sorted.length}: ${worst.milliseconds.toFixed(1)} ms, ${worst.what}; ${over} above ${TARGET_MS} ms`,
  );
await world.relay.close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
