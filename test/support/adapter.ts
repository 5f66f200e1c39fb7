import { type AdapterOptions, runAdapter } from "../../src/adapters/adapter.ts";
import type { AdapterEvent } from "../../src/adapters/events.ts";
import { createClient } from "../../src/client/client.ts";
import { systemTiming, type Timing } from "../../src/client/timing.ts";
import type { Config } from "../../src/config.ts";
import type { FakeChat, FakeProcess } from "./chat.ts";
import { atEnd, startRelay, type TestRelay } from "./relay.ts";
import { until } from "./until.ts";

/** The adapters' waits pass this many times as fast. */
const SPEED = 50;

const fastTiming: Timing = {
  ...systemTiming,
  now: () => systemTiming.now() * SPEED,
  sleep: (ms, signal) => systemTiming.sleep(ms / SPEED, signal),
};

/** The client's waits between two tries, and when it stops. What is longer is the time that a call may take. */
const LONGEST_WAIT_MS = 9_000;
const hastyTiming: Partial<Timing> = {
  sleep: (ms, signal) => systemTiming.sleep(ms < LONGEST_WAIT_MS ? Math.min(ms, 20) : ms, signal),
};

/** Calls of the relay that others can see something of. */
const SEEN = /POST \/v1\/(channels\/[^/]+\/events|files|messages\/\d+\/(posts|complete|fail|release))/;

export interface Running {
  events: AdapterEvent[];
  /** Steps that others can see, in order: before and after each. */
  steps: string[];
  ended: Promise<unknown>;
  /** As SIGTERM. */
  stop(): Promise<void>;
  /** As SIGKILL: nothing more reaches anybody, and nothing more is heard. */
  kill(): void;
  saw(type: AdapterEvent["type"], count?: number): Promise<void>;
}

/** `killAt`: it dies at this step; `restartAt`: the relay is restarted there. `host`: the machine it is on; one of its own when left out. */
type RunOptions = Partial<AdapterOptions> & {
  killAt?: number | undefined;
  restartAt?: number | undefined;
  host?: string;
  /** The operator's when left out. */
  token?: string;
};

export interface ChatWorld {
  relay: TestRelay;
  chat: FakeChat;
  channelId: string;
  /** A process of the adapter. */
  run(more?: RunOptions): Running;
  /** An agent that everything of the channel is bound to, and its token. */
  agent: { id: string; token: string };
  /** Inbox of the agent. */
  inbox(): Promise<Mail[]>;
  /** The agent puts a file there; the answer is its id. */
  upload(name: string, type: string, bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /** Answer to the agent when it asks for a file. */
  download(fileId: string): Promise<Uint8Array>;
  /** The agent says something to the channel. */
  send(draft: Record<string, unknown>): Promise<number>;
  stateOf(messageId: number): Promise<string>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Mail = any;

let processes = 0;

/** A real relay, a fake platform, and adapters between them. */
export async function startChat(make: () => FakeChat, config: Partial<Config> = {}): Promise<ChatWorld> {
  const relay = await startRelay({ durability: "normal", ...config });
  const chat = make();
  atEnd(() => chat.close());
  const { accountId } = await chat.platform(fastTiming).identify(new AbortController().signal);
  const channelId = `${chat.name}:${accountId}`;
  const made = await relay.ask("PUT", `/v1/agents/${channelId}`, {
    name: "Chat",
    channel: { provider: chat.name, accountId },
  });
  if (made.status > 201) throw new Error(JSON.stringify(made.body));
  const agent = await relay.agent("helper");
  await relay.ask("PUT", `/v1/channels/${channelId}/access`, { mode: "open" });
  await relay.ask("PUT", `/v1/channels/${channelId}/bindings`, { target: "helper" });

  const living = new Set<number>();

  function run({ killAt, restartAt, host, token, ...more }: RunOptions = {}): Running {
    const pid = ++processes;
    living.add(pid);
    const stop = new AbortController();
    const dead = new AbortController();
    const events: AdapterEvent[] = [];
    const steps: string[] = [];
    async function step(name: string): Promise<void> {
      const count = name === "" || dead.signal.aborted ? undefined : steps.push(name) - 1;
      if (count !== undefined && count === killAt) running.kill();
      if (count !== undefined && count === restartAt) await relay.restart();
      if (dead.signal.aborted) await new Promise(() => undefined);
    }
    const process: FakeProcess = { id: `p${pid}`, step };
    async function fetch(url: string, init: RequestInit = {}): Promise<Response> {
      const call = `${init.method} ${new URL(url).pathname}`;
      const name = SEEN.test(call) ? call : "";
      await step(name && `${name} asked`);
      const signal = init.signal ? AbortSignal.any([init.signal, dead.signal]) : dead.signal;
      const response = await relay.relay.app.handle(new Request(url, { ...init, signal }));
      const before = relay.relay;
      await step(name && `${name} done`);
      // The relay that answered is gone: so is its answer.
      if (relay.relay !== before) throw new TypeError("the connection was closed");
      return response;
    }
    const ended = runAdapter({
      platform: chat.platform(fastTiming, process),
      relay: { url: "http://localhost", token: token ?? relay.relay.operatorToken, fetch, timing: hastyTiming },
      timing: fastTiming,
      signal: stop.signal,
      onEvent: (event) => void (dead.signal.aborted || events.push(event)),
      here: { host: host ?? `host-${pid}`, pid, isAlive: (other) => living.has(other) },
      ...more,
      // The canary would hear a busy machine as a deaf platform: it sings where a test asks for it.
      pace: { deadMs: 15_000, pollMs: 2_500, beatMs: 2_500, probeMs: 1e9, ...more.pace },
    }).then(
      () => undefined,
      (error) => error,
    );
    const running: Running = {
      events,
      steps,
      ended,
      async stop() {
        stop.abort();
        await ended;
      },
      kill() {
        living.delete(pid);
        dead.abort();
        chat.cut();
      },
      saw: (type, count = 1) =>
        until(() => events.filter((event) => event.type === type).length >= count, `${type} seen ${count} times`),
    };
    atEnd(async () => {
      // A killed adapter is still in this process: it would go on asking the port, which another test's server gets.
      stop.abort();
      // Its requests have no end.
      if (!dead.signal.aborted) await ended;
    });
    return running;
  }

  /** A relay that restarts answers later. */
  async function look(path: string, how = {}): Promise<Mail> {
    for (;;) {
      const { status, body } = await relay.ask("GET", path, undefined, how);
      if (status !== 503) return body;
      await Bun.sleep(10);
    }
  }

  const inside = (url: string, init?: RequestInit) => relay.relay.app.handle(new Request(url, init));
  const { files } = createClient({ url: "http://localhost", token: agent.token, fetch: inside });

  return {
    relay,
    chat,
    channelId,
    run,
    agent,
    upload: async (name, type, bytes) => (await files.put(bytes, { name, type })).id,
    download: async (fileId) => (await files.get(fileId)).bytes,
    async inbox() {
      return (await look("/v1/agents/helper/inbox?after=0&limit=500", agent)).items;
    },
    async send(draft) {
      const { status, body } = await relay.ask("POST", "/v1/messages", { to: channelId, ...draft }, agent);
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body.id;
    },
    stateOf: async (id) => (await look(`/v1/messages/${id}`)).state,
  };
}
