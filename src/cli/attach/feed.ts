import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Run, RunPart } from "../../client/client.ts";
import { everyItem } from "../../client/client.ts";
import type { SessionChange } from "../../protocol/sessions.ts";

/** Parts of the newest run that are shown at the beginning. */
const SHOWN_BEFORE = 300;
/** Time in which the runs of a dead session end. */
const LAST_WORDS_MS = 5_000;
/** Beyond every place. */
const END = Number.MAX_SAFE_INTEGER;

export type FeedItem =
  | { type: "session"; session: SessionChange }
  /** A run begins, or goes on with another turn. `isCut`: its beginning is left out. */
  | { type: "run"; run: Run; isCut: boolean }
  | { type: "part"; run: Run; part: RunPart }
  /** No more parts of a run follow. */
  | { type: "end"; run: Run };

interface FeedOptions {
  signal: AbortSignal;
  /** Called in order; the next item waits for it. */
  hear(item: FeedItem): Promise<void>;
  onReconnect(inMs: number, cause: unknown): void;
}

/** Place in a run up to which its parts were told. */
interface Seen {
  after: number;
  isFollowed: boolean;
}

/**
 * Tells what happens in a session, from the end of its newest run on: its states, its runs one after the other, and their parts, each
 * once across lost connections and restarts of the relay. Resolves when the session is dead, or the signal fires.
 */
export async function followWork(client: Client, id: string, options: FeedOptions): Promise<void> {
  const { hear, onReconnect } = options;
  const life = new AbortController();
  const signal = AbortSignal.any([options.signal, life.signal]);
  const seen = new Map<string, Seen>();
  const following = new Set<Promise<void>>();
  let queue: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | undefined;

  /** One item after the other: several runs of a session may go on at a time. */
  function tell(item: FeedItem): Promise<void> {
    queue = queue.then(() => hear(item));
    return queue;
  }

  async function follow(run: Run, seenBefore: Seen): Promise<void> {
    for await (const part of client.runs.follow(run.id, { after: seenBefore.after, signal, onReconnect })) {
      await tell({ type: "part", run, part });
      seenBefore.after = part.place;
    }
    if (!signal.aborted) await tell({ type: "end", run });
  }

  async function begin(run: Run, isFirst: boolean): Promise<void> {
    const known = seen.get(run.id);
    const at = known ?? { after: 0, isFollowed: false };
    seen.set(run.id, at);
    if (at.isFollowed) return;
    at.isFollowed = true;
    const before = isFirst ? (await client.runs.events(run.id, { before: END, limit: SHOWN_BEFORE })).items : [];
    const isCut = before[0] !== undefined && before[0].part.type !== "start";
    if (!known) await tell({ type: "run", run, isCut });
    for (const part of before) await tell({ type: "part", run, part });
    at.after = before.at(-1)?.place ?? at.after;
    const ended = follow(run, at)
      .catch((error) => {
        failure ??= { error };
        life.abort();
      })
      .finally(() => {
        at.isFollowed = false;
        following.delete(ended);
      });
    following.add(ended);
  }

  /** Follows the runs that began since. */
  async function look(runId: string | null): Promise<void> {
    const isFirst = seen.size === 0;
    const fresh: Run[] = [];
    for await (const run of everyItem((page) => client.runs.list({ sessionId: id, limit: 50, page }))) {
      if (seen.has(run.id)) break;
      fresh.push(run);
      if (isFirst) break;
    }
    for (const run of fresh.toReversed()) await begin(run, isFirst);
    const isAsleep = runId !== null && seen.get(runId)?.isFollowed !== true;
    if (isAsleep) await begin(await client.runs.get(runId), false);
  }

  try {
    let before: string | undefined;
    const reconnected = ({ inMs, cause }: { inMs: number; cause: unknown }) => {
      // Runs of the time between are looked for again.
      before = undefined;
      onReconnect(inMs, cause);
    };
    for await (const session of client.sessions.follow(id, { signal, onEvent: reconnected })) {
      const now = `${session.state} ${session.runId}`;
      const isFirst = seen.size === 0;
      if (!isFirst) await tell({ type: "session", session });
      if (now !== before) await look(session.runId);
      if (isFirst) await tell({ type: "session", session });
      before = now;
      if (session.state === "dead") break;
    }
    // A run that waits for others may outlive its session.
    if (!signal.aborted) await Promise.race([Promise.allSettled(following), sleep(LAST_WORDS_MS, null, { signal })]);
    await queue;
  } catch (error) {
    failure ??= { error };
  }
  life.abort();
  if (failure && !options.signal.aborted) throw failure.error;
}
