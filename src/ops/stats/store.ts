import { and, eq, lt, sql } from "drizzle-orm";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../kernel/clock.ts";
import { bound } from "../../kernel/db/bound.ts";
import type { Db, ReadTx, Tx } from "../../kernel/db/database.ts";
import { deleteSome, deleteSomeWhere } from "../../kernel/db/delete-some.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { columnsWhere, equal, insertRows, pick } from "../../kernel/db/statements.ts";
import type { SeriesName, StatsBy } from "../../protocol/series.ts";
import type { Amount, Edge } from "./batch.ts";
import { flow, type StatsMark, stats, statsMarks } from "./tables.ts";

export type StatsStore = ReturnType<typeof createStatsStore>;

/** Values of one series or group: pairs of a begin and a value. */
export interface Points {
  series: SeriesName;
  by: string;
  key: string;
  points: [at: number, value: number][];
}

interface Span {
  step: number;
  /** Begin of the first step, and of the step after the last one. */
  from: number;
  to: number;
}

export interface FlowRow {
  fromId: string;
  target: string;
  messages: number;
  delegations: number;
  lastAt: number;
}

const POINTS = "json_group_array(json_array(at, value)) as points";
/** The same rows for each step. */
const steps = (...ms: number[]) => sql.raw(`(${ms.map((step) => `select ${step} as step`).join(" union all ")})`);
const item = (n: number) => sql.raw(`value ->> ${n}`);

const rows = sql.placeholder("rows");
const raise = statement((q) =>
  q
    .insert(stats)
    .select(
      sql`select step, ${item(0)}, ${item(1)}, ${item(3)} - ${item(3)} % step, ${item(2)}, ${item(4)}
        from json_each(${rows}) cross join ${steps(MINUTE_MS, HOUR_MS, DAY_MS)} where true`,
    )
    .onConflictDoUpdate({
      target: [stats.step, stats.series, stats.by, stats.at, stats.key],
      // A level is not added up.
      set: { value: sql`iif(series = 'workWaiting', excluded.value, stats.value + excluded.value)` },
    })
    .prepare(),
);
const talk = insertRows(
  flow,
  `(step, at, from_id, target) do update set messages = flow.messages + excluded.messages,
    delegations = flow.delegations + excluded.delegations, last_at = max(flow.last_at, excluded.last_at)`,
);
const mark = columnsWhere(pick(statsMarks, "position"), statsMarks, equal(statsMarks, "name"));

// Asked for each series and each of its groups, once an hour.
const forget = deleteSomeWhere(stats, and(equal(stats, "step", "series", "by"), lt(stats.at, bound("before"))));

/** Sums by step. Reads are done in the worker. */
export function createStatsStore(db: Db) {
  const read = async (text: string, params: readonly (string | number)[]): Promise<Points[]> =>
    (await db.offThread.run("rows", { sql: text, params })).map(
      (row) => ({ ...row, points: JSON.parse(String(row.points)) }) as unknown as Points,
    );

  return {
    /** Raises sums of every step. */
    raise(tx: Tx, amounts: readonly Amount[]): void {
      if (amounts.length > 0) raise(tx).run({ rows: JSON.stringify(amounts) });
    },
    talk(tx: Tx, edges: readonly Edge[]): void {
      for (const step of [HOUR_MS, DAY_MS])
        talk(
          tx,
          edges.map(([from, target, at, ...sums]) => [step, at - (at % step), from, target, ...sums]),
        );
    },
    mark: (on: ReadTx, name: StatsMark): number | undefined => mark(on).get({ name })?.position,
    setMark(tx: Tx, name: StatsMark, position: number): void {
      const set = { position };
      tx.db.insert(statsMarks).values({ name, position }).onConflictDoUpdate({ target: statsMarks.name, set }).run();
    },

    /** Values of whole series, and the numbers of values that seconds are sums of. */
    series: (names: readonly SeriesName[], { step, from, to }: Span): Promise<Points[]> =>
      read(
        `select series, "by", '' as key, ${POINTS} from stats where step = ? and series in (select value from json_each(?))
          and "by" in ('', 'count') and at >= ? and at < ? group by series, "by"`,
        [step, JSON.stringify(names), from, to],
      ),
    /** Values of the largest groups of one series. */
    groups: (name: SeriesName, by: StatsBy, { step, from, to }: Span, limit: number): Promise<Points[]> =>
      read(
        `with some as (select at, key, value from stats where step = ? and series = ? and "by" = ? and at >= ? and at < ?),
          largest as (select key, total(value) as sum from some group by key order by sum desc, key limit ?)
          select '${name}' as series, '${by}' as "by", key, ${POINTS} from some join largest using (key)
          group by key order by max(sum) desc, key`,
        [step, name, by, from, to, limit],
      ),
    /** The last value of a level before a time. */
    levelBefore: async (name: SeriesName, step: number, at: number): Promise<number | undefined> =>
      (
        await read(
          `select ${POINTS} from (select at, value from stats where step = ? and series = ? and "by" = '' and at < ? order by at desc limit 1)`,
          [step, name, at],
        )
      )[0]?.points[0]?.[1],
    /** The edges with the most messages. */
    flow: ({ step, from, to }: Span, limit: number): Promise<FlowRow[]> =>
      db.offThread.run("rows", {
        sql: `select from_id as fromId, target, sum(messages) as messages, sum(delegations) as delegations, max(last_at) as lastAt
          from flow where step = ? and at >= ? and at < ? group by from_id, target
          order by messages desc, lastAt desc, from_id, target limit ?`,
        params: [step, from, to, limit],
      }) as unknown as Promise<FlowRow[]>,

    /** Deletes some values of one series or its groups before a time. Answers their number. */
    forget: (tx: Tx, of: { step: number; series: SeriesName; by: string }, before: number, limit: number): number =>
      forget(tx, { ...of, before, limit }),
    forgetFlow: (tx: Tx, step: number, before: number, limit: number): number =>
      deleteSome(tx, flow, and(eq(flow.step, step), lt(flow.at, before)), limit),
  };
}
