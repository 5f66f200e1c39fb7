import { createBackoff } from "../../client/backoff.ts";
import { type Client, RunStopped } from "../../client/client.ts";
import { mayPass, retryAfterOf } from "../../client/errors.ts";
import { headOf } from "../../client/text.ts";
import { systemTiming } from "../../client/timing.ts";
import type { Digest } from "../../protocol/digest.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import { type ChildEnd, type ChildTask, runChild } from "./child.ts";
import { beginReport, endReport, failedEnd, type RunReport, type RunReporting, runVariables } from "./run-report.ts";

/** Placeholder in a command's arguments for the text of the batch. */
export const DIGEST_PLACE = "{digest}";
const OUTPUT_KEPT = 1024 * 1024;
const MIN_BUDGET = 300;
const MAX_BUDGET = 20_000;

export type BatchEvent =
  | { type: "waiting" }
  | { type: "started"; unread: number; shown: number[] }
  | { type: "done"; ack: number | null }
  | { type: "failed"; reason: string; inMs: number };

export interface BatchOptions extends Pick<ChildTask, "environment" | "signal" | "onStderr"> {
  client: Client;
  agentId: string;
  /** The command and its arguments; without DIGEST_PLACE in an argument it gets the text on stdin. */
  command: readonly string[];
  /** Tokens of text in a batch. */
  budget: number;
  onEvent(event: BatchEvent): void;
  /** Output of a command that has ended. */
  onStdout(text: string): void;
  /** Reports a run for each batch; undefined for none. */
  runs?: RunReporting | undefined;
}

/**
 * Starts a command for each batch of messages to an agent, one at a time, until the signal fires. Exit 0 acknowledges the batch;
 * any other exit repeats it after a growing delay.
 * @throws CommandMissing, and errors of the relay that waiting does not cure
 */
export async function runBatches(options: BatchOptions): Promise<void> {
  const { client, agentId } = options;
  const stop = new AbortController();
  options.signal.addEventListener("abort", () => stop.abort(), { once: true });
  if (options.signal.aborted) stop.abort();
  const { reach } = await client.agents.get(agentId);
  await client.agents.patch(agentId, { reach: "idle" });
  const bell = createBell();
  const listening = listen(client, agentId, bell, stop);
  // Its failure stops `repeat`, and is thrown after that.
  listening.catch(() => undefined);
  options.onEvent({ type: "waiting" });
  try {
    await repeat({ ...options, signal: stop.signal }, bell);
    await listening;
  } finally {
    stop.abort();
    await client.agents.patch(agentId, { reach }, { retries: 0, timeoutMs: 3_000 }).catch(() => undefined);
  }
}

/** Wakes a waiting reader; a ring before the wait counts too. */
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

/** Keeps the agent online and rings for each message. Its end, which a final error causes, stops everything. */
async function listen(client: Client, agentId: string, bell: Bell, stop: AbortController): Promise<void> {
  try {
    for await (const _ of client.follow({ agentId, signal: stop.signal })) bell.ring();
  } finally {
    stop.abort();
  }
}

async function repeat(options: BatchOptions, bell: Bell): Promise<void> {
  const { client, agentId, signal, onEvent } = options;
  const backoff = createBackoff(systemTiming, { firstMs: 1_000, maxMs: 300_000 });
  const call = { agentId, signal };
  let room = Math.min(MAX_BUDGET, Math.max(MIN_BUDGET, options.budget));

  /** Runs one batch. @returns the reason to repeat it */
  async function batch(): Promise<string | undefined> {
    const digest = await client.inbox.digest({ budget: room, include: "parent" }, call);
    if (digest.unread === 0) {
      // Only settled entries precede the first one that may be unread.
      if (digest.more && digest.ack !== null) await client.inbox.ack(digest.ack, call);
      else await bell.next(signal);
      return undefined;
    }
    onEvent({ type: "started", unread: digest.unread, shown: digest.shown });
    const { end, answer, isStopped } = await runReported(options, digest);
    if (signal.aborted) return undefined;
    if (end.stdout) options.onStdout(answer ?? end.stdout);
    // Stopped on purpose: the same batch would begin once more.
    if (end.code !== 0 && !isStopped) return reasonOf(end);
    // The oldest message did not fit: give the next batch more room.
    if (digest.ack === null) room = Math.min(MAX_BUDGET, room * 2);
    else await client.inbox.ack(digest.ack, call);
    onEvent({ type: "done", ack: digest.ack });
    return undefined;
  }

  while (!signal.aborted) {
    let failed: string | undefined;
    let atLeast = 0;
    try {
      failed = await batch();
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) throw error;
      failed = String(error);
      atLeast = retryAfterOf(error);
    }
    if (failed === undefined) {
      backoff.reset();
      continue;
    }
    const inMs = Math.round(backoff.delay(atLeast));
    onEvent({ type: "failed", reason: failed, inMs });
    await systemTiming.sleep(inMs, signal).catch(() => undefined);
  }
}

const reasonOf = (end: ChildEnd): string => (end.signal ? `ended by ${end.signal}` : `exit ${end.code}`);

/** Runs the command for a batch, and reports its run. */
async function runReported(options: BatchOptions, digest: Digest) {
  const { runs, signal } = options;
  const run = runs && (await beginReport(runs, draftOf(digest), signal));
  run?.handle.input(digest.shown);
  const end = await runCommand(options, digest, run).catch(async (error) => {
    if (runs && run) await endReport(runs, run, failedEnd(run, String(error)));
    throw error;
  });
  const answer = run?.outputEnd();
  const complaint = [reasonOf(end), end.stderr.trim()].filter(Boolean).join(": ");
  if (runs && run) await endReport(runs, run, end.code === 0 ? {} : failedEnd(run, complaint));
  return { end, answer, isStopped: run?.handle.signal.reason instanceof RunStopped };
}

function draftOf({ agentId, shown, text, unread }: Digest) {
  const [messageId] = shown.length === 1 ? shown : [];
  const label = unread === 1 ? "1 message" : `${unread} messages`;
  return { agentId, messageId, cause: "message" as const, label, task: headOf(text, BODY_BYTES), cwd: process.cwd() };
}

function runCommand(options: BatchOptions, digest: Digest, run: RunReport | undefined): Promise<ChildEnd> {
  const { command, environment, onStderr } = options;
  const [file = "", ...args] = command;
  return runChild({
    ...{ file, onStderr, maxOutput: OUTPUT_KEPT, signal: run?.signal ?? options.signal },
    onStdout: run?.onStdout,
    args: args.map((word) => word.replaceAll(DIGEST_PLACE, () => digest.text)),
    input: args.some((word) => word.includes(DIGEST_PLACE)) ? "" : digest.text,
    environment: {
      ...environment,
      SIGNALBOX_RUN: "1",
      SIGNALBOX_AGENT: digest.agentId,
      SIGNALBOX_UNREAD: String(digest.unread),
      ...(run && runVariables(run)),
    },
  });
}
