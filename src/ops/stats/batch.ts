import { MINUTE_MS } from "../../kernel/clock.ts";
import type { SeriesName, StatsBy } from "../../protocol/series.ts";

/** An amount of one minute, in the order of the columns. */
export type Amount = readonly [series: SeriesName, by: StatsBy | "" | "count", key: string, at: number, value: number];
/** Talk of one hour, in the order of the columns. */
export type Edge = readonly [
  from: string,
  target: string,
  at: number,
  messages: number,
  delegations: number,
  lastAt: number,
];

/** The part of a message that is counted. */
export interface CountedMessage {
  id: number;
  fromId: string;
  target: string;
  kind: string;
  createdAt: number;
}

interface Minute {
  senders: Map<string, number>;
  kinds: Map<string, number>;
  /** By series, group and key. */
  others: Map<SeriesName, Map<StatsBy | "" | "count", Map<string, number>>>;
}

const increase = (map: Map<string, number>, key: string, by: number): void => {
  map.set(key, (map.get(key) ?? 0) + by);
};

/** Map under a key of a map; made when it is missing. */
export function under<K, K2, V>(maps: Map<K, Map<K2, V>>, key: K): Map<K2, V> {
  const known = maps.get(key);
  if (known) return known;
  const made = new Map<K2, V>();
  maps.set(key, made);
  return made;
}

/** Numbers that are not stored yet. A send costs two look-ups in maps. */
export class Batch {
  /** Newest message in it; 0 for none. */
  upTo = 0;
  /** Number of rows that it makes at least. */
  size = 0;
  readonly #minutes = new Map<number, Minute>();
  #last: { at: number; minute: Minute } | undefined;

  get isEmpty(): boolean {
    return this.#minutes.size === 0;
  }

  message({ id, fromId, kind, createdAt }: CountedMessage): void {
    this.upTo = id;
    const { senders, kinds } = this.#minute(createdAt);
    increase(senders, fromId, 1);
    increase(kinds, kind, 1);
  }

  add(at: number, series: SeriesName, by: StatsBy | "" | "count", key: string, value: number): void {
    const keys = under(under(this.#minute(at).others, series), by);
    const before = keys.get(key);
    if (before === undefined) this.size++;
    keys.set(key, before === undefined || series === "workWaiting" ? value : before + value);
  }

  amounts(): Amount[] {
    const rows: Amount[] = [];
    for (const [at, { senders, kinds, others }] of this.#minutes) {
      let messages = 0;
      for (const [key, count] of senders) {
        messages += count;
        rows.push(["messages", "agent", key, at, count]);
      }
      if (messages > 0) rows.push(["messages", "", "", at, messages]);
      for (const [key, count] of kinds) rows.push(["messages", "kind", key, at, count]);
      for (const [series, groups] of others)
        for (const [by, keys] of groups) for (const [key, value] of keys) rows.push([series, by, key, at, value]);
    }
    return rows;
  }

  #minute(ms: number): Minute {
    const at = ms - (ms % MINUTE_MS);
    if (this.#last?.at === at) return this.#last.minute;
    const minute = this.#minutes.get(at) ?? { senders: new Map(), kinds: new Map(), others: new Map() };
    this.#minutes.set(at, minute);
    this.#last = { at, minute };
    return minute;
  }
}
