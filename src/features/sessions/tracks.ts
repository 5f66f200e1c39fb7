import type { Areas } from "../../core/core.ts";
import type { FacetFilter } from "../../core/facets/filter.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { DAY_MS, HOUR_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readPage } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import { MAX_CHANGES } from "../../protocol/states.ts";
import type { SessionTrack, TrackState, TrackStretch } from "../../protocol/tracks.ts";
import { fromTime, type List, toTime } from "../../protocol/wire.ts";
import type { SessionAccess } from "./access.ts";
import type { SessionRow } from "./row.ts";
import { type SessionFilter, type Span, sessionStore } from "./store.ts";
import type { StateRow, StateStore } from "./store-states.ts";
import { type IsHere, toChange, trackOf } from "./view.ts";

/** Time that changes are kept. */
const KEPT_MS = DAY_MS;
/** JSON of one page: about 17,000 changes. */
const PAGE_BYTES = 1024 * 1024;

type Asked = SessionFilter & FacetFilter & PageQuery<string> & { from?: string | undefined; to?: string | undefined };

export type Tracks = ReturnType<typeof createTracks>;

/** States of sessions over time. */
export function createTracks({ kernel, identity, core }: Areas, access: SessionAccess, store: StateStore) {
  const { clock } = kernel;
  const { orchestrators } = identity;

  const old: Sweep = {
    ...{ name: "session states", keepMs: KEPT_MS, limit: 500 },
    sweep: async (tx, { before, limit }) => store.forget(tx, { before, now: clock.now() }, limit),
  };

  /** @throws Problem 422 */
  function spanOf({ from, to }: Asked): Span {
    const now = clock.now();
    // A change of this millisecond is shown, too.
    const end = to === undefined ? now + 1 : fromTime(to);
    const begin = Math.max(from === undefined ? end - HOUR_MS - 1 : fromTime(from), now - KEPT_MS);
    if (begin < end) return { from: begin, to: end };
    if (to === undefined) throw Problem.invalid("from", "has to be in the past");
    throw Problem.invalid("to", "has to be after from, and within a day");
  }

  function show(on: ReadTx, row: SessionRow, span: Span): SessionTrack {
    const changes = store.after(on, row.number, span.from);
    const states = statesOf(row, orchestrators.isHere, changes, span);
    return { ...toChange(row, orchestrators.isHere), startedAt: toTime(row.startedAt), states };
  }

  return {
    sweep: old,
    forget: store.forgetSessions,
    /** A session shows another state. `was` is null for a new one. */
    note(tx: Tx, { number }: SessionRow, state: TrackState, was: TrackState | null): void {
      store.add(tx, { session: number, at: clock.now(), state, was });
    },

    /** `GET /v1/sessions/states`: of all for people, of its own for an orchestrator and an agent. @throws Problem 403, 409, 422 */
    async list(on: ReadTx, caller: Caller, query: Asked): Promise<List<SessionTrack>> {
      const span = spanOf(query);
      const filter = await access.filterFor(on, caller, query);
      const among = await core.facets.find(on, "session", query);
      const read = async (count: number, after: SessionRow | undefined) =>
        sessionStore.liveSince(on, filter, span, after?.id ?? query.page, count, among?.numbers);
      const { items, last, more } = await readPage(query.limit, read, (row) => show(on, row, span), PAGE_BYTES);
      return { items, nextPage: more && last !== undefined ? last.id : null };
    },
  };
}

/** States in a time, oldest first. @param changes those after its begin */
function statesOf(row: SessionRow, isHere: IsHere, changes: readonly StateRow[], { from, to }: Span): TrackStretch[] {
  const [first] = changes;
  // Of a session that has all the changes it may have, those before them are not known.
  const was = first && changes.length < MAX_CHANGES ? first.was : null;
  const before = first ? was !== null && { state: was, at: from } : { state: trackOf(row, isHere), at: row.since };
  return [...(before ? [before] : []), ...changes]
    .filter(({ at }) => at < to)
    .filter(({ state }, index, all) => state !== all[index - 1]?.state)
    .map(({ state, at }) => ({ state, since: toTime(at) }));
}
