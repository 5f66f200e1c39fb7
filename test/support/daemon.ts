import { join } from "node:path";
import { systemTiming } from "../../src/client/timing.ts";
import type { DaemonConfigInput } from "../../src/daemon/config.ts";
import { DaemonConfig } from "../../src/daemon/config.ts";
import { createDaemon, type Daemon } from "../../src/daemon/daemon.ts";
import { openJournal } from "../../src/daemon/journal/journal.ts";
import type { Effort } from "../../src/daemon/supervision/effort.ts";
import type { MarkedProcess } from "../../src/harness/providers/process/marker.ts";
import { createStillTime, until } from "./client-harness.ts";
import { createFakeProvider, type FakeProvider } from "./providers/fake.ts";
import type { FakeSession } from "./providers/fake-session.ts";
import { atEnd, startRelay, type TestRelay, tempFolder } from "./relay.ts";

export { until };

/** A daemon in this process, over a real journal and a real relay, with a clock that is moved by hand. */
export interface TestDaemon {
  relay: TestRelay;
  fake: FakeProvider;
  /** Its second provider, `other`; only where the setup asks for it. */
  other: FakeProvider;
  daemon: Daemon;
  /** Sentences of its log. */
  log: string[];
  folder: string;
  /** File of the journal of the next daemon. */
  journal: string;
  /** Marked processes that its machine has. */
  marked: MarkedProcess[];
  /** Requests to the relay fail while it is away. */
  away: boolean;
  /** Called before each request to the relay and again after it: takes time, and by a throw the request or its answer is lost. */
  lag: ((request: { method: string; path: string; isAnswered: boolean }) => void | Promise<void>) | null;
  /** Work that the machine sees every process do. */
  effort: () => Effort | undefined;
  /** Whether something of the daemon sleeps for that long. */
  sleepsFor(ms: number): boolean;
  /** Moves the clocks of daemon and relay. */
  pass(ms: number): Promise<void>;
  /** Moves the clock of the daemon alone. */
  passHere(ms: number): void;
  /** Lets the machine sleep: the relay and the clock on the wall go on. */
  sleep(ms: number): Promise<void>;
  /** Sends a message to the daemon's agent in the operator's name. @returns its id */
  say(text: string, fields?: Record<string, unknown>): Promise<number>;
  /** Messages of the agent to `user`, in order. */
  answers(): Promise<{ id: number; from: string; body: string; replyTo: number | null }[]>;
  /** The newest run on a message. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  run(messageId: number): Promise<any>;
  /** Begins another daemon. */
  begin(config?: Partial<DaemonConfigInput>): Promise<void>;
  /** Ends the daemon as kill -9 does, and begins another over the same journal. */
  crash(config?: Partial<DaemonConfigInput>): Promise<void>;
  /** Stops the daemon, and begins another. */
  restart(graceMs?: number, config?: Partial<DaemonConfigInput>): Promise<void>;
}

export interface DaemonSetup {
  config?: Partial<DaemonConfigInput>;
  provider?: Parameters<typeof createFakeProvider>[0];
  /** Gives it a second provider. */
  other?: boolean;
}

export const AGENT = "box-fake";
const SHORT_MS = 5_000;

export async function startDaemon({
  config = {},
  provider,
  other: hasOther = false,
}: DaemonSetup = {}): Promise<TestDaemon> {
  const relay = await startRelay();
  const folder = tempFolder();
  const made = await relay.ask("POST", "/v1/tokens", {
    role: "orchestrator",
    agentId: "orchestrator-box",
    prefix: "box-",
  });
  const fake = createFakeProvider({ script: null, ...provider });
  const other = createFakeProvider({ script: null, name: "other" });
  const pairs = [{ config: providerNamed("fake"), provider: fake }];
  if (hasOther) pairs.push({ config: providerNamed("other"), provider: other });
  const time = createStillTime();
  // Waits between tries pass by themselves; longer ones when the test says so.
  const sleep = (ms: number, signal?: AbortSignal) =>
    ms <= SHORT_MS ? systemTiming.sleep(Math.min(ms, 10), signal) : time.timing.sleep(ms, signal);
  let wall = Date.parse("2026-03-01T12:00:00Z");
  const world: TestDaemon = {
    ...{ relay, fake, other, folder, log: [], marked: [], away: false, lag: null, journal: "journal.db" },
    daemon: undefined as never,
    effort: () => ({ pid: 1, ticks: 0, ageMs: 600_000, below: [] }),
    sleepsFor: time.sleepsFor,
    async pass(ms) {
      world.passHere(ms);
      await relay.pass(ms);
    },
    passHere(ms) {
      wall += ms;
      time.advance(ms);
    },
    async sleep(ms) {
      wall += ms;
      await relay.pass(ms);
    },
    async say(text, fields = {}) {
      const { status, body } = await relay.ask("POST", "/v1/messages", { to: AGENT, body: text, ...fields });
      if (status !== 201) throw new Error(`${status}: ${JSON.stringify(body)}`);
      return body.id;
    },
    async answers() {
      const { body } = await relay.ask("GET", `/v1/messages?from=${AGENT}&limit=100`);
      return body.items.toReversed();
    },
    async run(messageId) {
      const { body } = await relay.ask("GET", `/v1/runs?message=${messageId}`);
      return body.items[0] ?? {};
    },
    async begin(changed) {
      world.daemon = await begin(changed);
    },
    async crash(changed) {
      world.daemon.abandon();
      for (const session of [...fake.sessions, ...other.sessions]) session.crash();
      world.daemon = await begin(changed);
    },
    async restart(graceMs = 0, changed) {
      await world.daemon.stop(graceMs);
      world.daemon.services.journal.close();
      world.daemon = await begin(changed);
    },
  };

  async function begin(changed: Partial<DaemonConfigInput> = {}): Promise<Daemon> {
    const daemon = createDaemon({
      config: DaemonConfig.parse({
        ...{ id: "box", relay: "http://relay.test", workspace: folder },
        providers: pairs.map((pair) => pair.config),
        ...{ approvalMode: "open", spawners: ["*"] },
        ...config,
        ...changed,
      }),
      token: made.body.token,
      journal: openJournal(join(folder, world.journal), process.pid),
      providers: pairs,
      time: { ...time.timing, sleep, wall: () => wall },
      log: (sentence) => void world.log.push(sentence),
      async fetch(url, init) {
        if (world.away) throw new TypeError("fetch failed");
        const request = new Request(url, init);
        const of = { method: request.method, path: new URL(request.url).pathname };
        await world.lag?.({ ...of, isAnswered: false });
        const response = await relay.relay.app.handle(request);
        await world.lag?.({ ...of, isAnswered: true });
        return response;
      },
      processes: {
        findMarked: async () => world.marked,
        async endMarked(sessionId) {
          world.marked = world.marked.filter((one) => one.sessionId !== sessionId);
          return [];
        },
      },
      effortOf: () => world.effort(),
      environment: { HOME: folder, PATH: "/usr/bin", SECRET: "hidden" },
      hostname: "box",
    });
    await daemon.start();
    return daemon;
  }

  world.daemon = await begin();
  atEnd(async () => world.daemon.abandon());
  return world;
}

/** The session that begins as the `at`-th, once it works on its n-th input. */
export async function sessionAt({ fake }: TestDaemon, at: number, inputs = 1): Promise<FakeSession> {
  await until(() => (fake.sessions[at]?.inputs.length ?? 0) >= inputs && fake.sessions[at]?.isWorking === true);
  return fake.sessions[at] as FakeSession;
}

/** Texts of the agent's messages to `user`, in order. */
export const answerTexts = async (world: TestDaemon): Promise<string[]> =>
  (await world.answers()).map(({ body }) => body);

const providerNamed = (name: string) => DaemonConfig.shape.providers.element.parse({ name, kind: "command" });
