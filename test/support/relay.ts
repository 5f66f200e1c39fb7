import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Replacements } from "../../src/areas.ts";
import type { Config } from "../../src/config.ts";
import { openDatabase } from "../../src/kernel/db/database.ts";
import { createRelay, type Relay } from "../../src/relay.ts";
import { createManualClock, type ManualClock } from "./clock.ts";
import { atEnd } from "./ending.ts";

export { atEnd };

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-"));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One for all tests: pino looks for its caller's file whenever it makes one. */
const silent = pino({ level: process.env.TEST_LOG ?? "silent" });

let empty: Promise<Uint8Array> | undefined;

/** An empty database with today's schema. A relay that begins with a copy spends half as long on its start. */
async function makeEmpty(): Promise<Uint8Array> {
  const dataDir = tempFolder();
  await openDatabase({
    ...{ dataDir, durability: "full" },
    onError: (error) => {
      throw error;
    },
  }).close();
  return readFileSync(join(dataDir, "signalbox.db"));
}

async function newDataFolder(): Promise<string> {
  empty ??= makeEmpty();
  const folder = tempFolder();
  writeFileSync(join(folder, "signalbox.db"), await empty);
  return folder;
}

export interface Answered {
  status: number;
  headers: Headers;
  // Whatever JSON came back: what a test expects of it is what the test says.
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  body: any;
}

interface Ask {
  token?: string;
  instance?: string;
  headers?: Record<string, string>;
  /** Aborted: the client has left. */
  signal?: AbortSignal;
}

/** A whole relay in this process, over a real database file, with a clock that is moved by hand. */
export interface TestRelay {
  relay: Relay;
  clock: ManualClock;
  config: Config;
  /** One request through the front door; the operator's token when none is given. */
  ask(method: string, path: string, body?: unknown, how?: Ask): Promise<Answered>;
  /** Registers a provider and makes it a token. */
  agent(id: string, fields?: Record<string, unknown>): Promise<{ id: string; token: string }>;
  /** Moves the clock, and does what came due by that. */
  pass(ms: number): Promise<void>;
  /** Closes the relay and opens it again over the same files; so long passes in between. */
  restart(awayMs?: number): Promise<void>;
}

/** `logger`: silent when left out. */
export async function startRelay(
  overrides: Partial<Config> = {},
  logger = silent,
  replaced: Replacements = {},
): Promise<TestRelay> {
  const clock = createManualClock();
  const config: Config = {
    host: "127.0.0.1",
    port: 0,
    dataDir: overrides.dataDir ?? (await newDataFolder()),
    token: undefined,
    publicUrl: undefined,
    durability: "full",
    logLevel: "silent",
    retentionDays: 30,
    agentTtlSeconds: 90,
    rateLimit: 0,
    loopLimit: 100,
    loopWindowSeconds: 1800,
    threadRate: 120,
    delegationsPerAgent: 200,
    delegationsPerRoot: 100,
    ...{ spawnDepth: 2, runsPerParent: 5, runEventHours: 24 },
    egressPrivate: ["127.0.0.0/8"],
    ...{ fileMaxBytes: 1024 * 1024, fileTypes: ["*"], fileUnusedHours: 24 },
    ...{ messagesPerDay: 0, filesPerDay: 0, diskReserveBytes: 0 },
    allowedHosts: [],
    ...overrides,
  };
  const open = () => createRelay(config, clock, logger, replaced);
  const made: TestRelay = {
    relay: await open(),
    clock,
    config,
    async ask(method, path, body, how = {}) {
      const headers: Record<string, string> = { authorization: `Bearer ${how.token ?? made.relay.operatorToken}` };
      if (how.instance) headers["signalbox-instance"] = how.instance;
      if (body !== undefined) headers["content-type"] = "application/json";
      const init: RequestInit = { method, headers: { ...headers, ...how.headers } };
      if (how.signal) init.signal = how.signal;
      if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
      const response = await made.relay.app.handle(new Request(`http://localhost${path}`, init));
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.includes("json");
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    async agent(id, fields = {}) {
      const registered = await made.ask("PUT", `/v1/agents/${encodeURIComponent(id)}`, { name: id, ...fields });
      if (registered.status > 201) throw new Error(`registering ${id}: ${JSON.stringify(registered.body)}`);
      const token = await made.ask("POST", "/v1/tokens", { role: "agent", agentId: id });
      return { id, token: token.body.token };
    },
    async pass(ms) {
      clock.advance(ms);
      await made.relay.settle();
    },
    async restart(awayMs = 0) {
      await made.relay.close();
      clock.advance(awayMs);
      made.relay = await open();
    },
  };
  // Nobody starts it again: restart() closes it, with all that a stop stores.
  atEnd(() => made.relay.abandon());
  return made;
}
