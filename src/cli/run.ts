import type { Command } from "commander";
import { createBackoff } from "../client/backoff.ts";
import type { Client } from "../client/client.ts";
import { mayPass, retryAfterOf } from "../client/errors.ts";
import { systemTiming } from "../client/timing.ts";
import { type ChildEnd, CommandMissing, runChild } from "../harness/process/child.ts";
import type { Digest } from "../protocol/digest.ts";
import { type Context, contextOf, untilStopped } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { wholeNumber } from "./options.ts";
import { safeLine, safeText } from "./screen.ts";
import { childEnvironment } from "./settings.ts";

interface RunOptions {
  budget: number;
}

/** Stands in the command for the text. */
const PLACE = "{digest}";
const OUTPUT_KEPT = 1024 * 1024;
const MOST = 20_000;

export function addRunCommand(program: Command): void {
  program
    .command("run")
    .description("Start an agent's command for each batch of messages, one at a time, until Ctrl-C")
    .helpGroup("Harnesses:")
    .argument("<command...>", "the command and its arguments, after --")
    .option("--budget <tokens>", "how long the text of a batch may be", wholeNumber, 4000)
    .addHelpText("after", HELP)
    .action(async (words: string[], options: RunOptions, command: Command) => {
      const { budget } = options;
      await run(contextOf(command), words, Math.min(MOST, Math.max(300, budget)));
    });
}

const HELP = `
The command finds what waits for the agent as text on stdin, or where an argument says ${PLACE}, and in its environment
SIGNALBOX_URL, SIGNALBOX_AGENT, SIGNALBOX_UNREAD and SIGNALBOX_RUN, which keeps the hooks of connect quiet. Exit 0 acknowledges what was shown; anything else does not, and it is
started again after 1 s, 2 s, ... up to 5 min. At Ctrl-C it gets SIGTERM, and 10 s later SIGKILL. Meanwhile the roster
says that the agent is reached when idle. Work that was acknowledged and opens again wakes nobody here: signalbox work.

Examples:
  $ signalbox run --keys ~/.config/signalbox/agents/claude.reviewer.json -- claude -p
  $ signalbox run --as builder -- codex exec --skip-git-repo-check '${PLACE}'`;

async function run({ client, settings, out }: Context, words: string[], budget: number): Promise<void> {
  const stop = new AbortController();
  untilStopped().addEventListener("abort", () => stop.abort(), { once: true });
  const { signal } = stop;
  const agentId = settings.agentId ?? (await client.whoami()).agentId ?? undefined;
  if (agentId === undefined) throw new Stop(EXIT.usage, "Say which agent it is: --as, or a token of its own");
  const { reach } = await client.agents.get(agentId);
  await client.agents.patch(agentId, { reach: "idle" });
  const bell = createBell();
  const listening = listen(client, agentId, bell, stop);
  // It is looked at when the serving has ended, which it brings about.
  listening.catch(() => undefined);
  const start = (digest: Digest) => startCommand(words, digest, settings.url, signal);
  const say = (event: object, words: string) =>
    out.json ? void out.item(event, () => "").catch(() => undefined) : out.note(words);
  out.note(`Waiting for messages to ${safeLine(agentId)}`);
  try {
    await serve({ client, agentId, budget, bell, signal, start, say });
    await listening;
  } finally {
    stop.abort();
    await client.agents.patch(agentId, { reach }, { retries: 0, timeoutMs: 3_000 }).catch(() => undefined);
  }
}

/** Rings when something came; who waits is told of a ring before it waited, too. */
function createBell() {
  let rung = Promise.withResolvers<void>();
  return {
    ring: () => rung.resolve(),
    async next(signal: AbortSignal): Promise<void> {
      const stopped = Promise.withResolvers<void>();
      const onAbort = () => stopped.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      await Promise.race([rung.promise, stopped.promise]);
      signal.removeEventListener("abort", onAbort);
      rung = Promise.withResolvers<void>();
    },
  };
}
type Bell = ReturnType<typeof createBell>;

/** Keeps the agent online, and rings for each message. What waiting cannot cure ends everything. */
async function listen(client: Client, agentId: string, bell: Bell, stop: AbortController): Promise<void> {
  try {
    for await (const _ of client.follow({ agentId, signal: stop.signal })) bell.ring();
  } finally {
    stop.abort();
  }
}

interface Serving {
  client: Client;
  agentId: string;
  budget: number;
  bell: Bell;
  signal: AbortSignal;
  start(digest: Digest): Promise<ChildEnd>;
  say(event: object, words: string): void;
}

async function serve({ client, agentId, budget, bell, signal, start, say }: Serving): Promise<void> {
  const backoff = createBackoff(systemTiming, { firstMs: 1_000, maxMs: 300_000 });
  const call = { agentId, signal };
  let room = budget;

  /** One batch. @returns why it has to be tried again. */
  async function batch(): Promise<string | undefined> {
    const digest = await client.inbox.digest({ budget: room, include: "parent" }, call);
    if (digest.unread === 0) {
      // Only settled entries stand before what may be unread.
      if (digest.more && digest.ack !== null) await client.inbox.ack(digest.ack, call);
      else await bell.next(signal);
      return undefined;
    }
    say(
      { type: "started", unread: digest.unread, shown: digest.shown },
      `Started for ${digest.shown.length} of ${digest.unread}`,
    );
    const end = await start(digest);
    if (signal.aborted) return undefined;
    if (end.stdout) process.stdout.write(safeText(end.stdout));
    if (end.code !== 0) return end.signal ? `ended by ${end.signal}` : `exit ${end.code}`;
    // Not even the oldest had room: the next batch has more.
    if (digest.ack === null) room = Math.min(MOST, room * 2);
    else await client.inbox.ack(digest.ack, call);
    say({ type: "done", ack: digest.ack }, digest.ack === null ? "Done" : `Done up to #${digest.ack}`);
    return undefined;
  }

  while (!signal.aborted) {
    let failed: string | undefined;
    let atLeast = 0;
    try {
      failed = await batch();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CommandMissing) throw new Stop(EXIT.usage, error.message);
      if (!mayPass(error)) throw error;
      failed = String(error);
      atLeast = retryAfterOf(error);
    }
    if (failed === undefined) {
      backoff.reset();
      continue;
    }
    const inMs = Math.round(backoff.delay(atLeast));
    say({ type: "failed", reason: failed, inMs }, `${safeLine(failed)}: again in ${Math.ceil(inMs / 1000)} s`);
    await systemTiming.sleep(inMs, signal).catch(() => undefined);
  }
}

function startCommand(words: string[], digest: Digest, url: string, signal: AbortSignal): Promise<ChildEnd> {
  const [file = "", ...args] = words.map((word, at) => (at === 0 ? word : word.replaceAll(PLACE, () => digest.text)));
  return runChild({
    ...{ file, args, signal, maxOutput: OUTPUT_KEPT },
    input: words.slice(1).some((word) => word.includes(PLACE)) ? "" : digest.text,
    environment: {
      ...childEnvironment(url),
      SIGNALBOX_RUN: "1",
      SIGNALBOX_AGENT: digest.agentId,
      SIGNALBOX_UNREAD: String(digest.unread),
    },
    onStderr: (text) => void process.stderr.write(safeText(text)),
  });
}
