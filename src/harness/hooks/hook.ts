import { type Call, type Client, createClient, RelayProblem } from "../../client/client.ts";
import type { Digest } from "../../protocol/digest.ts";
import { personalFolders } from "../folders.ts";
import type { HookEvent, HookHarness } from "../harnesses.ts";
import { answerTo, eventOf, HookInput } from "./answers.ts";
import { type Memory, type SessionMemory, sessionMemory } from "./memory.ts";
import { createSilence } from "./silence.ts";

/** Default of `budget`. Harnesses cut an answer after 10,000 characters. */
export const HOOK_BUDGET = 2000;
/** Time limit of all calls of one hook: an agent waits for it, and is better without its messages than late. */
const PATIENCE_MS = 3_000;
/** A relay that kept a hook waiting for this long without an answer is left alone for a minute. */
const SLOW_MS = 1_000;
/** Most times in a row that new messages keep a session from stopping. */
export const MAX_BLOCKS = 5;

/** Call of a hook by its harness. */
export interface HookCall {
  harness: HookHarness;
  /** Event as the command's argument names it; the name in the input counts first. */
  event: string | undefined;
  /** JSON that the harness passes on stdin. */
  input: string;
  /** Tokens of the agent's context that the messages may take. */
  budget: number;
  /** The relay, and the agent with its token. */
  relay: { url: string; token?: string; agentId?: string; instanceId?: string };
  /** Writes the answer to the harness; resolves when it is written. */
  write(answer: object): Promise<void>;
}

/** One hook of one session. */
interface Visit {
  harness: HookHarness;
  event: HookEvent;
  input: HookInput;
  write: HookCall["write"];
  client: Client;
  /** Options of its calls: one try, within the time limit of the whole hook. */
  call: Call;
  memory: SessionMemory;
  /** State that earlier hooks of the session left. */
  before: Memory | undefined;
}

/** Answers a hook with the messages that wait for the agent, or not at all. */
export async function answerHook({ harness, event: argument, budget, relay, write, ...rest }: HookCall): Promise<void> {
  const input = HookInput.parse(JSON.parse(rest.input));
  const event = eventOf(harness, input, argument);
  if (!event) return;
  const { signalbox } = personalFolders();
  const silence = createSilence(signalbox, relay.url);
  if (silence.isSilent(Date.now())) return;
  const memory = sessionMemory(signalbox, relay.agentId ?? "", input.session_id);
  const call = { retries: 0, signal: AbortSignal.timeout(PATIENCE_MS) };
  const client = createClient(relay);
  const visit: Visit = { harness, event, input, write, client, call, memory, before: memory.read() };
  if (event === "stop" && !mayBlock(visit)) return;
  if (event === "session-start") forgetOld(memory);
  const began = performance.now();
  try {
    await acknowledge(visit, visit.before?.shownUpTo);
    await tell(visit, await nextDigest(visit, budget));
  } catch (error) {
    if (!(error instanceof RelayProblem) && performance.now() - began >= SLOW_MS) silence.note(Date.now());
    throw error;
  }
}

async function nextDigest(visit: Visit, budget: number): Promise<Digest> {
  const room = Math.min(20_000, Math.max(300, budget || HOOK_BUDGET));
  const digest = await visit.client.inbox.digest({ budget: room, include: "parent" }, visit.call);
  // Only settled entries precede the first one that may be unread.
  if (digest.unread === 0 && digest.more) await acknowledge(visit, digest.ack ?? undefined);
  return digest;
}

/** A session that a stop hook keeps going may be kept again up to MAX_BLOCKS times, and never if its state is lost. */
const mayBlock = ({ input, before }: Visit): boolean =>
  !input.stop_hook_active || (before !== undefined && before.blocks < MAX_BLOCKS);

function forgetOld(memory: SessionMemory): void {
  try {
    memory.forgetOld(Date.now());
  } catch {}
}

/** Acknowledges shown messages once the output is written. Messages only counted wait for the model's own `ack`. */
async function tell(visit: Visit, digest: Digest): Promise<void> {
  const { harness, event, input, write, memory, before } = visit;
  const found = answerTo(harness, event, digest);
  if (!found) return;
  const { answer, shownUpTo, countedUpTo } = found;
  if (event !== "stop") return write(answer);
  const stays = input.stop_hook_active;
  // Only new messages keep a session: repeating the same ones would keep it for ever.
  const isNew =
    countedUpTo === undefined ? !stays || shownUpTo !== undefined : countedUpTo > (before?.countedUpTo ?? -1);
  if (!isNew) return;
  const state = { blocks: (stays ? (before?.blocks ?? 0) : 0) + 1, countedUpTo };
  if (!remember(memory, { ...state, shownUpTo }) && stays) return;
  await write(answer);
  await acknowledge(visit, shownUpTo);
  remember(memory, state);
}

/** @returns whether the next hook will find it */
function remember(memory: SessionMemory, state: Memory): boolean {
  try {
    memory.write(state);
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
    // The relay never accepts an id of another log.
    if (!(error instanceof RelayProblem && error.status === 422)) throw error;
  }
}
