import { Database } from "bun:sqlite";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { readConfig } from "../../src/config.ts";
import { createRelay } from "../../src/relay.ts";
import { VERSION } from "../../src/version.ts";
import { createManualClock, type ManualClock } from "../../test/support/clock.ts";
import { fill } from "./fill.ts";

/**
 * Writes test/support/databases/<version>.db.gz: the database of a relay of this version that was asked to do one of everything.
 * Run once for each release, in the commit that makes it; later versions open every stored database in a test.
 *
 *   bun run stored-database
 */
const FOLDER = fileURLToPath(new URL("../../test/support/databases", import.meta.url));
const BEGIN = Date.parse("2026-03-01T11:00:00Z");

export interface Answered {
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the relay answered
  body: any;
}

export interface Filled {
  clock: ManualClock;
  /** A request that has to succeed; by the operator without a token. */
  ask(method: string, path: string, body?: unknown, how?: { token?: string; headers?: object }): Promise<Answered>;
  /** Moves the clock on and does what is due. */
  pass(ms: number): Promise<void>;
}

async function run(dataDir: string): Promise<void> {
  const config = readConfig({
    SIGNALBOX_DATA_DIR: dataDir,
    ...{ SIGNALBOX_RATE_LIMIT: "0", SIGNALBOX_LOOP_LIMIT: "4", SIGNALBOX_DISK_RESERVE_BYTES: "0" },
    ...{ SIGNALBOX_MESSAGES_PER_DAY: "1000", SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1" },
  });
  const clock = createManualClock(BEGIN);
  const relay = await createRelay(config, clock, pino({ level: "silent" }));
  const filled: Filled = {
    clock,
    async ask(method, path, body, { token = relay.operatorToken, headers = {} } = {}) {
      const said = { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers };
      const init = { method, headers: said, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await relay.app.handle(new Request(`http://localhost${path}`, init));
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return { headers: response.headers, body: /^[{[]/.test(text) ? JSON.parse(text) : text };
    },
    async pass(ms) {
      clock.advance(ms);
      await relay.settle();
    },
  };
  await fill(filled);
  await relay.close();
}

const folder = mkdtempSync(join(tmpdir(), "signalbox-stored-"));
try {
  await run(folder);
  const packed = join(folder, "packed.db");
  const sqlite = new Database(join(folder, "signalbox.db"), { readwrite: true });
  sqlite.run("vacuum into ?", [packed]);
  sqlite.close();
  mkdirSync(FOLDER, { recursive: true });
  const bytes = Bun.gzipSync(readFileSync(packed), { level: 9 });
  writeFileSync(join(FOLDER, `${VERSION}.db.gz`), bytes);
  console.log(`${VERSION}.db.gz: ${bytes.length} bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
