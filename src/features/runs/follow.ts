import type { Call } from "../../identity/auth/route.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ByeReason } from "../../kernel/log/connections.ts";
import { Follower, type Source } from "../../kernel/log/follower.ts";
import type { Encoded, Outlet } from "../../kernel/log/outlet.ts";
import type { Entry } from "../../kernel/log/tail.ts";
import { createViewers, type View } from "../../kernel/log/viewers.ts";
import { readPage } from "../../kernel/pages.ts";
import { type PartEntry, type PartLog, toPartEntry } from "./part-log.ts";
import type { PartRow } from "./row.ts";
import type { PartScope, PartStore } from "./store-parts.ts";

/** Most open streams of one token: a viewer has one for each run that it looks at. */
const MAX_STREAMS = 256;
/** Most parts, and bytes of them, that one read brings for a viewer: bounds the memory of a slow one. */
const PAGE_PARTS = 256;
const PAGE_BYTES = 256 * 1024;

/** Form in which one viewer gets parts. */
export interface PartForm {
  headers?: Record<string, string>;
  /** Events for these parts, in order. */
  encode(entries: readonly PartEntry[]): Entry[];
  /** The stream ends after this part. */
  isLast(entry: PartEntry): boolean;
  /** Last event of a stream that has come to its end. */
  end(place: number): Encoded | undefined;
  /** Last event of a stream that the relay cuts. */
  cut(reason: ByeReason, place: number): Encoded | undefined;
}

/** Start of a stream. */
export interface FollowFrom {
  after: number;
  /** Nothing more is to come: the stream ends at the head. */
  over: boolean;
}

/** A call that follows. `outlet`: where the parts go, instead of a stream that answers it. */
export type Opening = Pick<Call<unknown, unknown, unknown>, "caller" | "headers" | "peer"> & {
  outlet?: Outlet | undefined;
};

export type Follows = ReturnType<typeof createFollows>;

/** Streams of parts: stored ones, then live ones, each at the pace of its client. */
export function createFollows({ db, clock, connections, onError }: Kernel, log: PartLog, store: PartStore) {
  const viewers = createViewers(connections, MAX_STREAMS);
  /** Open streams by run. */
  const followed = new Map<string, number>();
  /** Ends of streams that last as long as their run, by its id. */
  const waiting = new Map<string, Set<(isOver: boolean) => void>>();

  function sourceOf({ runId, turnId }: PartScope): Source<PartEntry> {
    // The log is one for all runs.
    const pause = createPauses();
    const wants = (entry: PartEntry) => entry.key === runId && (turnId === undefined || entry.turnId === turnId);
    return {
      wants,
      keys: () => [runId],
      async page(after) {
        const { entries, upTo } = await db.read((on) => page(on, runId, after));
        // A client that takes everything at once would keep the event loop through a long replay.
        await pause();
        return { entries: entries.filter(wants), upTo };
      },
      reload: async () => undefined,
    };
  }

  async function page(on: ReadTx, runId: string, after: number): Promise<{ entries: PartEntry[]; upTo: number }> {
    const head = store.head(on);
    const entries: PartEntry[] = [];
    const show = (row: PartRow) => {
      const entry = toPartEntry(row);
      entries.push(entry);
      return entry.json;
    };
    const read = (count: number, last?: PartRow) => store.after(on, runId, last?.place ?? after, count);
    const { items, last, more } = await readPage(PAGE_PARTS, read, show, PAGE_BYTES);
    return { entries: entries.slice(0, items.length), upTo: more && last ? last.place : head };
  }

  function count(runId: string, by: 1 | -1): void {
    const now = (followed.get(runId) ?? 0) + by;
    if (now > 0) followed.set(runId, now);
    else followed.delete(runId);
  }

  function whenChanged(runId: string, end: (isOver: boolean) => void): () => void {
    const ends = waiting.get(runId) ?? new Set();
    waiting.set(runId, ends.add(end));
    return () => {
      ends.delete(end);
      if (ends.size === 0) waiting.delete(runId);
    };
  }

  return {
    /** Open streams of all tokens. */
    size: viewers.size,
    isFollowed: (runId: string): boolean => followed.has(runId),

    /**
     * A run has changed. Once it is over, streams of all of it end as soon as they have everything: a write may also end
     * a run and begin its next turn.
     */
    runChanged(runId: string, isOver: boolean): void {
      for (const end of waiting.get(runId) ?? []) end(isOver);
    },

    /** Opens a stream. @throws Problem 429, 503 */
    async open(opening: Opening, scope: PartScope, { after, over }: FollowFrom, form: PartForm): Promise<Response> {
      await connections.makeRoom(null);
      const headers = { ...opening.headers, ...form.headers };
      const last = (reason: ByeReason): Encoded | undefined => form.cut(reason, follower.position);
      const view: View<Entry> = viewers.open<Entry>({ ...opening, headers, last });
      const { outlet } = view;
      let isOver = over;
      const follower: Follower<PartEntry> = new Follower(
        log,
        sourceOf(scope),
        {
          ready: () => outlet.ready(),
          deliver(entries, { upTo }) {
            const end = entries.findIndex(form.isLast);
            const shown = form.encode(end < 0 ? entries : entries.slice(0, end + 1));
            if (shown.length > 0) outlet.entries(shown);
            if (end >= 0) outlet.close(form.end(upTo));
          },
          caughtUp: () => {
            if (isOver) outlet.close(form.end(follower.position));
          },
          reset: () => undefined,
          fail(error, place) {
            onError(error);
            outlet.close(form.cut("restarting", place));
          },
        },
        after,
        clock.now,
      );
      const changed = (now: boolean): void => {
        isOver = now;
        if (now) follower.markStale();
      };
      // The last part of a turn ends its own stream.
      const leave = scope.turnId === undefined ? whenChanged(scope.runId, changed) : undefined;
      outlet.onDrain = () => follower.run();
      count(scope.runId, 1);
      view.onEnded = () => {
        count(scope.runId, -1);
        follower.close();
        leave?.();
      };
      follower.run();
      return view.response;
    },
  };
}
