import type { Command } from "commander";
import { type Call, type Client, createClient, RelayProblem } from "../client/client.ts";
import { personalFolders } from "../harness/folders.ts";
import {
  answerTo,
  eventOf,
  HOOK_HARNESSES,
  type HookEvent,
  type HookHarness,
  HookInput,
  MANNERS,
} from "../harness/hooks/answers.ts";
import { type Memory, sessionMemory } from "../harness/hooks/memory.ts";
import { createSilence } from "../harness/hooks/silence.ts";
import { readKeys } from "../harness/keys.ts";
import type { Digest } from "../protocol/digest.ts";
import { createOutput } from "./output.ts";
import { type Flags, isStartedByRun, resolveSettings } from "./settings.ts";

/** Harnesses cut what is longer than 10,000 characters. */
const BUDGET = 2000;
/** Time limit of all calls of one hook: an agent waits for it, and is better without its messages than late. */
const PATIENCE_MS = 3_000;
/** A relay that kept a hook waiting for so long, and did not answer, is left alone for a minute. */
const SLOW_MS = 1_000;
/** A session is kept from stopping so often in a row, however much arrives. */
const MAX_BLOCKS = 5;

export function addHookCommand(program: Command): void {
  const hook = program
    .command("hook")
    .description("Called by an agent's harness: brings in what waits for the agent")
    .helpGroup("Harnesses:");
  for (const harness of HOOK_HARNESSES)
    hook
      .command(harness)
      .description(`Answer a hook of ${MANNERS[harness].title}, whose JSON is on stdin`)
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
signalbox connect writes these hooks. At a start and with a prompt they say how much is unread; at a stop Codex and Gemini
CLI are shown the messages, which acknowledges them, and the others told to read them. A session is kept from stopping for new messages alone, at most ${MAX_BLOCKS} times in a row. When the relay does not answer within 3 s they say
nothing, leave it alone for a minute, and exit with 0, always.

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
  harness: HookHarness;
  event: HookEvent;
  input: HookInput;
  client: Client;
  /** Options of its calls: one try, within the time limit of the whole hook. */
  call: Call;
  memory: ReturnType<typeof sessionMemory>;
  /** What the hooks before it have left. */
  before: Memory | undefined;
}

async function answer(
  harness: HookHarness,
  given: string | undefined,
  budget: number,
  command: Command,
): Promise<void> {
  if (isStartedByRun()) return;
  const text = process.stdin.isTTY ? "{}" : await Bun.stdin.text();
  const input = HookInput.parse(JSON.parse(text));
  const event = eventOf(harness, given, input.hook_event_name);
  if (!event) return;
  const settings = resolveSettings(command.optsWithGlobals<Flags>());
  const { agentId = "" } = settings;
  const { signalbox } = personalFolders();
  const silence = createSilence(signalbox, settings.url);
  if (silence.isSilent(Date.now())) return;
  const client = createClient(settings);
  const memory = sessionMemory(signalbox, agentId, input.session_id);
  const call = { retries: 0, signal: AbortSignal.timeout(PATIENCE_MS) };
  const visit: Visit = { harness, event, input, client, call, memory, before: memory.read() };
  if (event === "stop" && !mayBlock(visit)) return;
  if (event === "session-start") forgetOld(memory);
  const began = performance.now();
  try {
    await acknowledge(visit, visit.before?.shownUpTo);
    const digest = await client.inbox.digest(
      { budget: Math.min(20_000, Math.max(300, budget || BUDGET)), include: "parent" },
      call,
    );
    // Only settled entries stand before what may be unread.
    if (digest.unread === 0 && digest.more) await acknowledge(visit, digest.ack ?? undefined);
    await say(visit, digest);
  } catch (error) {
    if (!(error instanceof RelayProblem) && performance.now() - began >= SLOW_MS) silence.note(Date.now());
    throw error;
  }
}

/** A session that goes on because of us may be kept once more, but not without end; if we know nothing of it, not at all. */
const mayBlock = ({ input, before }: Visit): boolean =>
  !input.stop_hook_active || (before !== undefined && before.blocks < MAX_BLOCKS);

function forgetOld(memory: Visit["memory"]): void {
  try {
    memory.forgetOld(Date.now());
  } catch {}
}

/** Acknowledges shown messages once the output is written. Messages only counted wait for the model's own `ack`. */
async function say(visit: Visit, digest: Digest): Promise<void> {
  const { harness, event, input, memory, before } = visit;
  const said = answerTo(harness, event, digest);
  if (!said) return;
  const { answer, shownUpTo, countedUpTo } = said;
  if (event !== "stop") return createOutput({ json: true, colours: false }).show(answer, () => "");
  const stays = input.stop_hook_active;
  // A session is kept for what is new: the same again would keep it for ever.
  const isNew =
    countedUpTo === undefined ? !stays || shownUpTo !== undefined : countedUpTo > (before?.countedUpTo ?? -1);
  if (!isNew) return;
  const known = { blocks: (stays ? (before?.blocks ?? 0) : 0) + 1, countedUpTo };
  if (!remember(memory, { ...known, shownUpTo }) && stays) return;
  await createOutput({ json: true, colours: false }).show(answer, () => "");
  await acknowledge(visit, shownUpTo);
  remember(memory, known);
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

async function acknowledge({ client, call }: Visit, upTo: number | undefined): Promise<void> {
  if (upTo === undefined) return;
  try {
    await client.inbox.ack(upTo, call);
  } catch (error) {
    // Of another log, for instance: it will never be accepted.
    if (!(error instanceof RelayProblem && error.status === 422)) throw error;
  }
}
