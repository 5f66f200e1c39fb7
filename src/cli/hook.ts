import type { Command } from "commander";
import { type Client, createClient, RelayProblem } from "../client/client.ts";
import type { Digest } from "../wake/schema.ts";
import { answerTo, eventOf, HARNESSES, type Harness, type HookEvent, HookInput } from "./hook-answers.ts";
import { type Memory, sessionMemory } from "./hook-memory.ts";
import { readKeys } from "./keys.ts";
import { createOutput } from "./output.ts";
import { type Flags, isStartedByRun, personalFolders, resolveSettings } from "./settings.ts";

/** Harnesses cut what is longer than 10,000 characters. */
const BUDGET = 2000;
/** An agent waits for its hooks: better without its messages than late. */
const QUICK = { retries: 0, timeoutMs: 3_000 };
/** A session is kept from stopping so often in a row, however much arrives. */
const MAX_BLOCKS = 5;

export function addHookCommand(program: Command): void {
  const hook = program
    .command("hook")
    .description("Called by an agent's harness: brings in what waits for the agent")
    .helpGroup("Claude Code and Codex:");
  for (const harness of HARNESSES)
    hook
      .command(harness)
      .description(`Answer a hook of ${harness === "claude" ? "Claude Code" : "Codex"}, whose JSON is on stdin`)
      .argument("[event]", "session-start, prompt or stop; what stdin says counts")
      .option("--budget <tokens>", "how much of the agent's context the messages may take", Number, BUDGET)
      // A wrong usage exits with 2, which a harness takes for "go on and read my stderr".
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText("after", HELP)
      .action((event: string | undefined, { budget }: { budget: number }, command: Command) =>
        quietly(() => answer(harness, event, budget, command)),
      );
  hook
    .command("headers")
    .description("Print the HTTP headers of an agent's keys, for a harness that asks for them")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox hook headers --keys ~/.config/signalbox/agents/claude.reviewer.json",
    )
    .action((_: object, command: Command) => {
      const { keys = "" } = command.optsWithGlobals<Flags>();
      process.stdout.write(`${JSON.stringify({ Authorization: `Bearer ${readKeys(keys).token}` })}\n`);
    });
}

const HELP = `
signalbox connect writes these hooks. They acknowledge what they have shown, and nothing else. A session is kept
from stopping for new messages alone, at most ${MAX_BLOCKS} times in a row. When the relay does not answer within 3 s they say
nothing and exit with 0, always.

Example:
  $ echo '{"hook_event_name": "Stop", "session_id": "1"}' | signalbox hook claude --keys ~/.config/signalbox/agents/claude.reviewer.json`;

/** Whatever goes wrong here is no reason to stop an agent, or to keep it going. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (process.stdin.isTTY) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
  process.exitCode = 0;
}

/** One hook of one session. */
interface Visit {
  harness: Harness;
  event: HookEvent;
  input: HookInput;
  client: Client;
  memory: ReturnType<typeof sessionMemory>;
  /** What the hooks before it have left. */
  before: Memory | undefined;
}

async function answer(harness: Harness, given: string | undefined, budget: number, command: Command): Promise<void> {
  if (isStartedByRun()) return;
  const text = process.stdin.isTTY ? "{}" : await Bun.stdin.text();
  const input = HookInput.parse(JSON.parse(text));
  const event = eventOf(given, input.hook_event_name);
  if (!event) return;
  const settings = resolveSettings(command.optsWithGlobals<Flags>());
  const { agentId = "" } = settings;
  const client = createClient(settings);
  const memory = sessionMemory(personalFolders().signalbox, agentId, input.session_id);
  const visit: Visit = { harness, event, input, client, memory, before: memory.read() };
  if (event === "stop" && !mayBlock(visit)) return;
  if (event === "session-start") await forget(visit);
  else await acknowledge(client, visit.before?.shownUpTo);
  const digest = await client.inbox.digest({ budget: Math.min(20_000, Math.max(300, budget || BUDGET)) }, QUICK);
  await say(visit, digest);
}

/** A session that goes on because of us may be kept once more, but not without end; if we know nothing of it, not at all. */
const mayBlock = ({ input, before }: Visit): boolean =>
  !input.stop_hook_active || (before !== undefined && before.blocks < MAX_BLOCKS);

async function forget({ memory }: Visit): Promise<void> {
  try {
    memory.forgetOld(Date.now());
  } catch {}
}

/**
 * What was shown is acknowledged as soon as the model surely has it: with a prompt and at a stop at once; at the start of a
 * session, which may end without a prompt, by the next hook.
 */
async function say({ harness, event, input, client, memory, before }: Visit, digest: Digest): Promise<void> {
  const said = answerTo(harness, event, digest);
  const stays = event === "stop" && input.stop_hook_active;
  // Nothing of it would be acknowledged, and the same would come again.
  if (!said || (stays && said.shownUpTo === undefined)) return;
  const { answer, shownUpTo } = said;
  const blocks = event === "stop" ? (stays ? (before?.blocks ?? 0) : 0) + 1 : 0;
  const kept = remember(memory, { blocks, shownUpTo });
  if (stays && !kept) return;
  await createOutput({ json: true, colours: false }).show(answer, () => "");
  if (event === "session-start") return;
  await acknowledge(client, shownUpTo);
  remember(memory, { blocks });
}

/** Whether it will be known to the next hook. */
function remember(memory: Visit["memory"], what: Memory): boolean {
  try {
    memory.write(what);
    return true;
  } catch {
    return false;
  }
}

async function acknowledge(client: Client, upTo: number | undefined): Promise<void> {
  if (upTo === undefined) return;
  try {
    await client.inbox.ack(upTo, QUICK);
  } catch (error) {
    // Of another log, for instance: it will never be accepted.
    if (!(error instanceof RelayProblem && error.status === 422)) throw error;
  }
}
