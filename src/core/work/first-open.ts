import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import type { WorkRow } from "./row.ts";

/** Most open work of one target that is held in memory. */
const MOST = 64;

/** Place of open work among that of its target. */
export interface Place {
  id: number;
  urgent: boolean;
}

/** The first open work of one target, in order. */
interface First {
  places: readonly Place[];
  /** Whether that is all. */
  isWhole: boolean;
}

const NONE: First = { places: [], isWhole: true };

/** Urgent first, then oldest. */
const isBefore = (one: Place, other: Place): boolean => (one.urgent === other.urgent ? one.id < other.id : one.urgent);

const isSame = (one: Place, other: Place): boolean => one.id === other.id && one.urgent === other.urgent;

/** Whether two readings of the same list agree as far as both reach. */
function agree(one: First, other: First): boolean {
  const [short, long] = one.places.length <= other.places.length ? [one, other] : [other, one];
  const isPrefix = short.places.every((place, n) => isSame(place, long.places[n] as Place));
  return isPrefix && (short.places.length === long.places.length || !short.isWhole);
}

const placeOf = ({ messageId, urgent }: WorkRow): Place => ({ id: messageId, urgent });

/**
 * The first open work of each target, held in memory: a claim looks at each of its nine targets, of which eight have none. Each
 * write that opens work or takes it says so here.
 */
export function createFirstOpen(db: Db, read: (on: ReadTx, target: string, limit: number) => Place[]) {
  const kept = db.keep("first open work", load, agree);

  function load(on: ReadTx, target: string): First {
    const places = read(on, target, MOST);
    return places.length === 0 ? NONE : { places, isWhole: places.length < MOST };
  }

  function firstOf(tx: Tx, target: string): Place | undefined {
    const known = kept.peek(target);
    if (known) return known.places[0];
    const loaded = load(tx, target);
    kept.set(target, loaded);
    return loaded.places[0];
  }

  return {
    /** The open work for any of these targets that comes first. */
    first(tx: Tx, targets: readonly string[]): number | undefined {
      let best: Place | undefined;
      for (const target of targets) {
        const place = firstOf(tx, target);
        if (place && (!best || isBefore(place, best))) best = place;
      }
      return best?.id;
    },

    /** Drops all that is known. */
    forget: (): void => kept.forget(),

    /** Work has opened in the open write. */
    opened(work: WorkRow): void {
      const known = kept.peek(work.target);
      if (known) keep(work.target, known, withPlace(known, placeOf(work)));
      else kept.forget(work.target);
    },

    /** Work was open until the open write changed it. */
    taken({ target, messageId }: WorkRow): void {
      const known = kept.peek(target);
      if (known) keep(target, known, withoutPlace(known, messageId));
      else kept.forget(target);
    },
  };

  function keep(target: string, known: First, now: First): void {
    // Empty, with more beyond it: the next claim loads that.
    if (now.places.length === 0 && !now.isWhole) kept.forget(target);
    else if (now !== known) kept.set(target, now);
  }
}

function withPlace(first: First, place: Place): First {
  const { places, isWhole } = first;
  let at = places.length;
  while (at > 0 && isBefore(place, places[at - 1] as Place)) at--;
  // Beyond the end of a list that goes on: it is loaded with the rest.
  if (at === places.length && !isWhole) return first;
  const more = [...places.slice(0, at), place, ...places.slice(at)];
  return { places: more.slice(0, MOST), isWhole: isWhole && more.length <= MOST };
}

function withoutPlace(first: First, messageId: number): First {
  // Mostly it was the first.
  const isFirst = first.places[0]?.id === messageId;
  const places = isFirst ? first.places.slice(1) : first.places.filter(({ id }) => id !== messageId);
  return places.length === first.places.length ? first : { places, isWhole: first.isWhole };
}
