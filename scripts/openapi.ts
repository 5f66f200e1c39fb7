import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { readConfig } from "../src/config.ts";
import { systemClock } from "../src/kernel/clock.ts";
import { createRelay } from "../src/relay.ts";

/** Prints the OpenAPI document, or with `--lint` checks it as redocly.yaml says. Nothing listens for that. */
async function main(lint: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-openapi-"));
  try {
    const text = await documentText(folder);
    if (!lint) {
      process.stdout.write(`${text}\n`);
      return 0;
    }
    const file = join(folder, "openapi.json");
    writeFileSync(file, text);
    return await lintFile(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The document belongs to a whole route table, so a whole relay is wired, over a database of its own. */
async function documentText(folder: string): Promise<string> {
  const config = readConfig({ SIGNALBOX_DATA_DIR: join(folder, "data") });
  const relay = await createRelay(config, systemClock, pino({ level: "silent" }));
  const answer = await relay.app.handle(new Request("http://localhost/openapi.json"));
  await relay.close();
  return JSON.stringify(await answer.json(), null, 2);
}

async function lintFile(file: string): Promise<number> {
  const root = join(import.meta.dir, "..");
  const redocly = Bun.spawn([process.execPath, "--bun", "x", "redocly", "lint", file, "--format", "stylish"], {
    cwd: root,
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    stdout: "inherit",
    stderr: "inherit",
  });
  return redocly.exited;
}

process.exitCode = await main(process.argv.includes("--lint"));
