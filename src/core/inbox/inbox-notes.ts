import type { Clock } from "../../kernel/clock.ts";
import type { Span } from "../../protocol/ids.ts";
import type { InboxNews } from "../../protocol/inbox.ts";

/** Least time between two events. */
const EVERY_MS = 1000;
/** Agents, and messages in turns, that one event names. */
const MAX_NAMED = 200;

interface Watch {
  isWatched(): boolean;
  toAll(event: string, json: () => string): void;
}

/** Tells watchers how far mail came: handed over, acknowledged, in a model turn. What happens within a second is one event. */
export function createInboxNotes(clock: Clock, watch: Watch) {
  let offered = new Map<string, Span>();
  let acknowledged = new Map<string, number>();
  let inTurn = new Set<number>();
  let isCut = false;
  let toldAt = Number.NEGATIVE_INFINITY;
  let timer: (() => void) | undefined;

  function tell(): void {
    timer = undefined;
    toldAt = clock.mono();
    const news: InboxNews = {
      offered: [...offered].map(([agentId, span]) => ({ agentId, ...span })),
      acknowledged: [...acknowledged].map(([agentId, upTo]) => ({ agentId, upTo })),
      ...{ inTurn: [...inTurn], more: isCut },
    };
    [offered, acknowledged, inTurn, isCut] = [new Map(), new Map(), new Set(), false];
    watch.toAll("inbox", () => JSON.stringify(news));
  }

  /** Notes something, where it is watched, and tells of it soon. */
  function note(named: { size: number }, add: () => void): void {
    if (!watch.isWatched()) return;
    if (named.size < MAX_NAMED) add();
    else isCut = true;
    if (timer !== undefined) return;
    const wait = toldAt + EVERY_MS - clock.mono();
    if (wait <= 0) tell();
    else timer = clock.after(wait, tell);
  }

  return {
    /** Entries were handed to an agent; without a span those that it had already. */
    delivered(
      _by: string,
      _entries: number,
      _ageMs: number | undefined,
      agentId: string,
      span: Span | undefined,
    ): void {
      if (!span) return;
      note(offered, () => {
        const { after, upTo } = offered.get(agentId) ?? span;
        offered.set(agentId, { after: Math.min(after, span.after), upTo: Math.max(upTo, span.upTo) });
      });
    },
    acked: (agentId: string, { upTo }: Span): void => note(acknowledged, () => acknowledged.set(agentId, upTo)),
    /** Messages went into model turns. */
    inTurn(ids: readonly number[]): void {
      for (const id of ids) note(inTurn, () => inTurn.add(id));
    },
  };
}
