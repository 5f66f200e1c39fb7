import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Measures what a start costs: CPU time (user and system) until the relay answers /readyz, with an empty data folder,
 * beside that of importing the four libraries it cannot do without. Runs alternate, so that both meet the same machine.
 *
 *   bun run start-cost [--runs 15] [--source]
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const LIBRARIES = ["elysia", "zod", "drizzle-orm/bun-sqlite", "pino"];
const FLAGS = ["--config=/dev/null", "--no-env-file", "--tsconfig-override=/dev/null"];

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : (process.argv[at + 1] ?? "");
}

const milliseconds = (child: Bun.Subprocess): number => Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1000;

async function libraries(): Promise<number> {
  const imports = LIBRARIES.map((name) => `import ${JSON.stringify(Bun.resolveSync(name, root))};`).join("");
  const child = Bun.spawn([process.execPath, ...FLAGS, "-e", imports], { stdout: "ignore" });
  await child.exited;
  return milliseconds(child);
}

async function start(program: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-start-"));
  const child = Bun.spawn([process.execPath, ...FLAGS, ...program], {
    env: { PATH: process.env.PATH, NODE_ENV: "production", SIGNALBOX_DATA_DIR: folder, SIGNALBOX_PORT: "0" },
    stdout: "pipe",
  });
  try {
    const url = await urlIn(child.stdout);
    while (!(await fetch(`${url}/readyz`)).ok);
    child.kill("SIGKILL");
    await child.exited;
    return milliseconds(child);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The address in the first line of the log that has one. */
async function urlIn(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const bytes of stdout) {
    text += new TextDecoder().decode(bytes);
    const found = /"url":"([^"]+)"/.exec(text)?.[1];
    if (found) return found;
  }
  throw new Error(`the relay ended before it listened: ${text}`);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const runs = Number(option("--runs") ?? 15);
const program = process.argv.includes("--source") ? [`${root}src/main.ts`] : [`${root}dist/signalbox.js`, "serve"];
const [base, starts]: [number[], number[]] = [[], []];
for (let i = 0; i < runs; i++) {
  base.push(await libraries());
  starts.push(await start(program));
}
const [least, whole] = [median(base), median(starts)];
console.log(`importing ${LIBRARIES.join(", ")}: ${least.toFixed(0)} ms of CPU`);
console.log(`start until ready (${program[0]?.slice(root.length)}): ${whole.toFixed(0)} ms of CPU`);
console.log(`ratio: ${(whole / least).toFixed(2)} (median of ${runs} runs each)`);
