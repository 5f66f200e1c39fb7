const DAY_MS = 86_400_000;
/** Longer than any two places on earth differ, and with a day on each side shorter than any zone keeps an offset. */
const REACH_MS = 26 * 3_600_000;
const MAX_ZONES = 100;
const MAX_DAYS = 2000;
const zones = new Map<string, Zone>();

export type Zone = ReturnType<typeof createZone>;

/** Two offsets of a zone, and the instant from which the second holds. */
interface Change {
  before: number;
  after: number;
  at: number;
}

/**
 * A time zone, by its name. Making one and asking it for an offset are slow (50 and 5 µs), so both are kept.
 * @throws RangeError for a name that is no zone
 */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  const zone = createZone(name);
  keep(zones, name, zone, MAX_ZONES);
  return zone;
}

function keep<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  if (map.size >= limit) map.clear();
  map.set(key, value);
}

/** A clock reading is in milliseconds, too: of the instant at which a clock in UTC reads the same. */
function createZone(timeZone: string) {
  const format = new Intl.DateTimeFormat("en", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" },
  });
  const offsets = new Map<number, number>();
  const changes = new Map<number, number>();

  /** The zone's offset from UTC at an instant. */
  function offsetAt(instant: number): number {
    const second = Math.floor(instant / 1000) * 1000;
    const parts = Object.fromEntries(format.formatToParts(second).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, parts.second) - second;
  }

  function offsetOfDay(day: number): number {
    const known = offsets.get(day);
    if (known !== undefined) return known;
    const offset = offsetAt(day * DAY_MS);
    keep(offsets, day, offset, MAX_DAYS);
    return offset;
  }

  /** The change of clocks near an instant or a reading, if there is one. */
  function changeNear(instant: number): Change | undefined {
    const low = Math.floor((instant - REACH_MS) / DAY_MS);
    const high = Math.ceil((instant + REACH_MS) / DAY_MS);
    const [before, after] = [offsetOfDay(low), offsetOfDay(high)];
    if (before === after) return undefined;
    const at = changes.get(low) ?? firstWithout(before, low * DAY_MS, high * DAY_MS);
    keep(changes, low, at, MAX_DAYS);
    return { before, after, at };
  }

  /** The first instant between two with another offset than the first of them. */
  function firstWithout(offset: number, from: number, to: number): number {
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle) === offset) low = middle;
      else high = middle;
    }
    return high;
  }

  return {
    /** No clock shows an earlier reading from this instant on. */
    earliestFrom(instant: number): number {
      const change = changeNear(instant);
      if (!change) return instant + offsetOfDay(Math.floor(instant / DAY_MS));
      const { before, after, at } = change;
      return instant < at ? Math.min(instant + before, at + after) : instant + after;
    },
    /** No clock has shown a later reading by this instant. */
    latestBy(instant: number): number {
      const change = changeNear(instant);
      if (!change) return instant + offsetOfDay(Math.floor(instant / DAY_MS));
      const { before, after, at } = change;
      return instant < at ? instant + before : Math.max(at + before, instant + after);
    },
    /** The instants at which clocks show a reading, earliest first: none in a gap, two where clocks are set back. */
    instantsOf(reading: number): number[] {
      const change = changeNear(reading);
      if (!change) return [reading - offsetOfDay(Math.floor(reading / DAY_MS))];
      const { at } = change;
      const [first, second] = [reading - change.before, reading - change.after];
      return [...(first < at ? [first] : []), ...(second >= at ? [second] : [])];
    },
    /** The first instant at which clocks show a reading, or have left it out: the end of its gap. */
    instantOf(reading: number): number {
      const change = changeNear(reading);
      if (!change) return reading - offsetOfDay(Math.floor(reading / DAY_MS));
      const { before, after, at } = change;
      return reading - before < at ? reading - before : Math.max(at, reading - after);
    },
  };
}
