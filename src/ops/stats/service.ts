import { type Clock, DAY_MS, HOUR_MS } from "../../kernel/clock.ts";
import type { Db } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { SERIES, SERIES_NAMES, type SeriesName, type StatsBy } from "../../protocol/series.ts";
import type { Flow, ParsedFlowQuery, ParsedStatsQuery, Stats, StatsLine } from "../../protocol/stats.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Counting } from "./counting.ts";
import { countOf, fittingStep, type Span, STEPS, stepsOf, timesOf, wireTime } from "./spans.ts";
import type { Points, StatsStore } from "./store.ts";
import type { Talk } from "./talk.ts";

/** Values of one answer, and groups of a series. */
const MAX_VALUES = 20_000;
const MAX_GROUPS = 20;
/** Longest time for which flow is summed by hours. */
const FLOW_HOURS_MS = 8 * DAY_MS;

interface Parts {
  db: Db;
  clock: Clock;
  store: StatsStore;
  counting: Counting;
  talk: Talk;
}

/** A span with the part of it that has values. */
interface Shown extends Span {
  keptFrom: number;
  now: number;
}

export type StatsService = ReturnType<typeof createStatsService>;

/** Reading what was counted. Numbers in memory are stored first. */
export function createStatsService({ db, clock, store, counting, talk }: Parts) {
  async function shownOf({ from, to, step: wanted }: ParsedStatsQuery) {
    const now = clock.now();
    const times = timesOf({ from, to }, now, DAY_MS);
    const step = wanted ?? fittingStep(times, now);
    const { ms, keptMs } = STEPS[step];
    const span = stepsOf(times, ms);
    const since = (await db.read(async (on) => store.mark(on, "since"))) ?? now;
    const keptFrom = Math.ceil(Math.max(now - keptMs, since - ms + 1) / ms) * ms;
    return { step, shown: { ...span, keptFrom, now } satisfies Shown };
  }

  async function whole(names: readonly SeriesName[], shown: Shown): Promise<StatsLine[]> {
    const count = names.length * countOf(shown);
    if (count > MAX_VALUES)
      throw Problem.invalid(
        "step",
        `makes ${count} values, at most ${MAX_VALUES}: Take a longer step, or name fewer series`,
      );
    const [found, before] = await Promise.all([
      store.series(names, shown),
      names.includes("workWaiting") ? store.levelBefore("workWaiting", shown.step, shown.from) : undefined,
    ]);
    return names.map((name) => {
      const of = (by: string) => found.find((one) => one.series === name && one.by === by)?.points ?? [];
      if (SERIES[name].unit === "level") return levelLine(name, of(""), shown, before);
      return SERIES[name].unit === "seconds"
        ? meanLine(name, of(""), of("count"), shown)
        : sumLine(name, null, of(""), shown);
    });
  }

  return {
    /** `GET /v1/stats`. @throws Problem 422 */
    async get(query: ParsedStatsQuery): Promise<Stats> {
      const { by, series } = query;
      const names = series ? [...new Set(series)] : SERIES_NAMES;
      const split = by === undefined ? undefined : splitOf(names, by);
      const { step, shown } = await shownOf(query);
      await counting.save();
      const limit = Math.max(1, Math.min(MAX_GROUPS, Math.floor(MAX_VALUES / countOf(shown))));
      const groups = split && (await store.groups(split.name, split.by, shown, limit + 1));
      const items = groups
        ? groups.slice(0, limit).map(({ series, key, points }) => sumLine(series, key, points, shown))
        : await whole(names, shown);
      return {
        ...{ from: wireTime(shown.from), to: wireTime(shown.to), step, stepSeconds: shown.step / 1000 },
        ...{ keptFrom: wireTime(shown.keptFrom), items, more: groups !== undefined && groups.length > limit },
      };
    },

    /** `GET /v1/flow`. @throws Problem 422 */
    async flow({ from, to, limit }: ParsedFlowQuery): Promise<Flow> {
      const now = clock.now();
      const times = timesOf({ from, to }, now, DAY_MS);
      const isShort = times.to - times.from <= FLOW_HOURS_MS && times.from >= now - STEPS.hour.keptMs;
      const span = { step: isShort ? HOUR_MS : DAY_MS, ...times };
      span.from = Math.floor(times.from / span.step) * span.step;
      span.to = Math.ceil(times.to / span.step) * span.step;
      await talk.save();
      const rows = await store.flow(span, limit + 1);
      return {
        ...{ from: wireTime(span.from), to: wireTime(span.to), more: rows.length > limit },
        edges: rows.slice(0, limit).map(({ fromId, target, messages, delegations, lastAt }) => ({
          ...{ from: fromId, to: target, messages, delegations, lastAt: toTime(lastAt) },
        })),
      };
    },
  };
}

/** @throws Problem 422 */
function splitOf(names: readonly SeriesName[], by: StatsBy): { name: SeriesName; by: StatsBy } {
  const [name] = names;
  if (name === undefined || names.length > 1) throw Problem.invalid("by", "splits one series: Name it with series");
  const groups: readonly StatsBy[] = SERIES[name].by;
  if (groups.includes(by)) return { name, by };
  throw Problem.invalid("by", `${name} has ${groups.length ? `the groups ${groups.join(", ")}` : "no groups"}`);
}

/** Values for each step: `none` where there is no point, null where nothing was kept or the time has not come. */
function valuesOf<None>(points: Points["points"], shown: Shown, none: None): (number | None | null)[] {
  const { step, from, keptFrom, now } = shown;
  const values: (number | None | null)[] = Array.from({ length: countOf(shown) }, (_, n) => {
    const at = from + n * step;
    return at < keptFrom || at > now ? null : none;
  });
  for (const [at, value] of points) {
    const place = (at - from) / step;
    if (at >= keptFrom && place < values.length) values[place] = rounded(value);
  }
  return values;
}

function sumLine(series: SeriesName, key: string | null, points: Points["points"], shown: Shown): StatsLine {
  const values = valuesOf(points, shown, 0);
  return { series, key, unit: "count", total: sumOf(values), values };
}

/** Means: the sum of each step through the number of its values. */
function meanLine(series: SeriesName, sums: Points["points"], counts: Points["points"], shown: Shown): StatsLine {
  const totals = valuesOf(sums, shown, null);
  const numbers = valuesOf(counts, shown, null);
  const mean = (total: number | null | undefined, count: number | null | undefined) =>
    total == null || !count ? null : rounded(total / count);
  const values = totals.map((total, n) => mean(total, numbers[n]));
  return { series, key: null, unit: "seconds", total: mean(sumOf(totals), sumOf(numbers)), values };
}

/** A level stays until it changes. */
function levelLine(series: SeriesName, points: Points["points"], shown: Shown, before = 0): StatsLine {
  const { from, step, keptFrom, now } = shown;
  let level = before;
  const values = valuesOf(points, shown, undefined).map((value, n) => {
    if (value != null) level = value;
    const at = from + n * step;
    return at < keptFrom || at > now ? null : level;
  });
  return { series, key: null, unit: "level", total: values.findLast((value) => value !== null) ?? null, values };
}

const sumOf = (values: readonly (number | null | undefined)[]): number =>
  rounded(
    Math.min(
      Number.MAX_SAFE_INTEGER,
      values.reduce<number>((sum, value) => sum + (value ?? 0), 0),
    ),
  );

/** Milliseconds are exact enough. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
