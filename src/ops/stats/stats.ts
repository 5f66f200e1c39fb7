import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import { SERIES, SERIES_NAMES, USAGE_BY } from "../../protocol/series.ts";
import { createCounting } from "./counting.ts";
import { createStatsEvents } from "./events.ts";
import { createStatsService } from "./service.ts";
import { STEPS } from "./spans.ts";
import { createStatsStore, type StatsStore } from "./store.ts";
import { createUsageStore, type UsageStore } from "./store-usage.ts";
import { createTalk } from "./talk.ts";
import { createUsage } from "./usage.ts";

export type Stats = ReturnType<typeof createStats>;

const SLICE = 500;

/** Numbers for operators, kept as rows and never counted. */
export function createStats({ kernel, core }: Areas) {
  const { db, clock, onError } = kernel;
  const usageStore = createUsageStore(db);
  const store = createStatsStore(db);
  const counting = createCounting({ db, clock, onError }, store);
  const talk = createTalk({ db, clock, onError }, store);
  const usage = createUsage(clock, usageStore);
  const service = createStatsService({ db, clock, store, counting, talk });
  const events = createStatsEvents({ db, clock, core, store, counting, talk });
  return {
    usage,
    events,
    load: events.load,
    sweeps: [...usageSweeps(usageStore), ...seriesSweeps(store), ...flowSweeps(store)],
    routes: lateRoutes(["/v1/usage", "/v1/stats", "/v1/flow"], async () =>
      (await import("./routes.ts")).statsRoutes({ usage, service }),
    ),
    /** Stores what is still in memory. */
    async stop(): Promise<void> {
      await counting.save();
      await talk.save();
    },
  };
}

const usageSweeps = (store: UsageStore): Sweep[] =>
  USAGE_BY.filter((by) => by !== "day").map((by) => ({
    ...{ name: `usage by ${by}`, keepMs: STEPS.day.keptMs, limit: SLICE },
    sweep: async (tx, { before, limit }) => store.forget(tx, by, Math.floor(before / DAY_MS), limit),
  }));

/** Series and groups one after the other: the key of the table begins with them. */
const LINES = SERIES_NAMES.flatMap((series) =>
  ["", ...SERIES[series].by, ...(SERIES[series].unit === "seconds" ? ["count"] : [])].map((by) => ({ series, by })),
);

function seriesSweeps(store: StatsStore): Sweep[] {
  return Object.entries(STEPS).map(([name, { ms: step, keptMs }]) => ({
    ...{ name: `stats by ${name}`, keepMs: keptMs, limit: SLICE },
    sweep: async (tx, { before, limit, from }) => {
      let room = limit;
      for (const [place, line] of LINES.entries()) {
        if (place < ((from as number | undefined) ?? 0)) continue;
        room -= store.forget(tx, { ...line, step }, before, room);
        if (room <= 0) return { from: place };
      }
      return 0;
    },
  }));
}

const flowSweeps = (store: StatsStore): Sweep[] =>
  (["hour", "day"] as const).map((name) => ({
    ...{ name: `flow by ${name}`, keepMs: STEPS[name].keptMs, limit: SLICE },
    sweep: async (tx, { before, limit }) => store.forgetFlow(tx, STEPS[name].ms, before, limit),
  }));
