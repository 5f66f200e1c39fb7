import type { Areas } from "../../core/core.ts";
import type { Announcements } from "../../edges/announcements/announcements.ts";
import type { Channels } from "../../edges/channels/channels.ts";
import type { Webhooks } from "../../edges/webhooks/webhooks.ts";
import type { Sessions } from "../../features/sessions/sessions.ts";
import type { OffThreadTasks } from "../../kernel/db/worker-calls.ts";
import type { HealthCheck, HealthReport, RetentionState } from "../../protocol/health.ts";
import { toTime } from "../../protocol/wire.ts";
import { VERSION } from "../../version.ts";
import type { Metrics } from "../metrics/metrics.ts";

type Counts = OffThreadTasks["counts"]["answer"];

const COUNT_EVERY_MS = 15_000;
const CHECK_EVERY_MS = 3_600_000;
const MIN_FREE_BYTES = 512 * 1024 * 1024;
const MAX_WAL_BYTES = 512 * 1024 * 1024;
const MAX_SEARCH_LAG = 50_000;
const OLD_WORK_MS = 3_600_000;
/** Undelivered results that are worth a warning. */
const MANY_BLOCKED = 25;
/** Channels or webhooks that a check names. */
const MAX_NAMED = 20;
/** Lateness of what is due, of which a working relay shows seconds at most. */
const LATE_DUE_MS = 120_000;

export type HealthAreas = Areas & {
  announcements: Pick<Announcements, "blocked">;
  sessions: Pick<Sessions, "counts">;
  channels: Pick<Channels, "deaf">;
  webhooks: Pick<Webhooks, "failing">;
};

/** Settings that the report repeats. */
export type KeptHours = Pick<RetentionState, "runEventHours" | "fileUnusedHours">;

export type HealthService = ReturnType<typeof createHealthService>;

/** State of the relay itself. */
export function createHealthService(areas: HealthAreas, metrics: Metrics, kept: KeptHours) {
  const { kernel, core, announcements, sessions, channels, webhooks } = areas;
  const { db, clock, onError } = kernel;
  const { searchLag } = core.messages;
  let counted: { at: number; counts: Counts } | undefined;
  let checked: { at: number; problems: string[] } | undefined;

  /** Counts in the worker, at most every 15 s. */
  async function counts(): Promise<Counts> {
    if (counted && clock.mono() - counted.at < COUNT_EVERY_MS) return counted.counts;
    const fresh = await db.offThread.run("counts", {});
    counted = { at: clock.mono(), counts: fresh };
    metrics.counted(fresh, clock.now());
    return fresh;
  }

  /** Checks the whole database in the worker, at most once an hour: it takes seconds for a large one. */
  async function integrity(): Promise<string[]> {
    if (checked && clock.mono() - checked.at < CHECK_EVERY_MS) return checked.problems;
    const { problems } = await db.offThread.run("check", {});
    checked = { at: clock.mono(), problems };
    return problems;
  }

  async function writable(): Promise<HealthCheck> {
    try {
      await db.write(async () => undefined);
      return { name: "database", status: "ok", detail: "takes writes" };
    } catch (error) {
      return { name: "database", status: "fail", detail: error instanceof Error ? error.message : String(error) };
    }
  }

  function disk(): HealthCheck {
    const free = kernel.disk.free();
    const detail = `${Math.round(free / 1024 / 1024)} MiB free`;
    return { name: "disk", status: free < MIN_FREE_BYTES ? "warn" : "ok", detail };
  }

  function workCheck({ work, oldestOpenAt }: Counts): HealthCheck[] {
    const dead = work.dead ?? 0;
    const age = oldestOpenAt === null ? 0 : clock.now() - oldestOpenAt;
    const open = (work.open ?? 0) + (work.delayed ?? 0);
    return [
      { name: "dead-letters", status: dead > 0 ? "warn" : "ok", detail: `${dead} dead letters` },
      {
        name: "open-work",
        status: age > OLD_WORK_MS ? "warn" : "ok",
        detail: open === 0 ? "nothing open" : `${open} open, the oldest for ${Math.round(age / 1000)} s`,
      },
    ];
  }

  function announcementCheck(): HealthCheck {
    const blocked = announcements.blocked();
    const detail = `${blocked} results of runs could not be delivered`;
    return { name: "announcements", status: blocked >= MANY_BLOCKED ? "warn" : "ok", detail };
  }

  function orchestratorCheck(): HealthCheck {
    const away = sessions.counts.away();
    const detail =
      away.length === 0 ? "all with live sessions are here" : `away with live sessions: ${away.join(", ")}`;
    return { name: "orchestrators", status: away.length > 0 ? "warn" : "ok", detail: detail.slice(0, 500) };
  }

  async function channelCheck(): Promise<HealthCheck> {
    const deaf = await db.read((on) => channels.deaf(on, MAX_NAMED));
    const names = deaf.map(({ id, reason }) => `${id} (${reason})`).join(", ");
    const detail = deaf.length === 0 ? "no adapter says that it cannot hear" : `cannot hear: ${names}`;
    return { name: "channels", status: deaf.length > 0 ? "warn" : "ok", detail: detail.slice(0, 500).toWellFormed() };
  }

  async function webhookCheck(): Promise<HealthCheck> {
    const failing = await db.read((on) => webhooks.failing(on, MAX_NAMED));
    const names = failing.map(({ id, name }) => name ?? id).join(", ");
    const detail = failing.length === 0 ? "none fails" : `failing or disabled: ${names}`;
    return {
      name: "webhooks",
      status: failing.length > 0 ? "warn" : "ok",
      detail: detail.slice(0, 500).toWellFormed(),
    };
  }

  async function dueCheck(): Promise<HealthCheck> {
    const late = Math.round((await db.read((on) => kernel.due.lateBy(on))) / 1000);
    const detail = late > 0 ? `the oldest that is due is late by ${late} s` : "nothing is late";
    return { name: "due", status: late * 1000 > LATE_DUE_MS ? "warn" : "ok", detail };
  }

  return {
    /** `GET /v1/health`: the worst check wins. */
    async report(): Promise<HealthReport> {
      const [current, problems, lag] = await Promise.all([counts(), integrity(), searchLag()]);
      const wal = Math.round(current.walBytes / 1024 / 1024);
      const checks: HealthCheck[] = [
        await writable(),
        { name: "integrity", status: problems.length ? "fail" : "ok", detail: problems[0] ?? "no faults found" },
        disk(),
        { name: "write-ahead-log", status: current.walBytes > MAX_WAL_BYTES ? "warn" : "ok", detail: `${wal} MiB` },
        { name: "search", status: lag > MAX_SEARCH_LAG ? "warn" : "ok", detail: `${lag} entries behind` },
        ...workCheck(current),
        announcementCheck(),
        orchestratorCheck(),
        await channelCheck(),
        await webhookCheck(),
        await dueCheck(),
      ];
      const worst = (["fail", "warn"] as const).find((status) => checks.some((check) => check.status === status));
      const retention = { ...kept, ...(await db.read(core.retention.state)) };
      return { status: worst ?? "ok", version: VERSION, generatedAt: toTime(clock.now()), checks, retention };
    },

    /** `GET /readyz`. @throws Problem 503 */
    ready: () => db.write(async () => ({ status: "ok" as const })),

    async scrape(): Promise<string> {
      // A slow count must not delay the scrape: the last count is shown meanwhile.
      const fresh = counts().catch(onError);
      if (!counted) await fresh;
      return metrics.text();
    },
  };
}
