import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Areas } from "../../core/core.ts";
import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import type { OffThreadTasks } from "../../kernel/db/worker-calls.ts";
import type { Backup, HealthCheck, HealthReport } from "../../protocol/health.ts";
import { Problem } from "../../protocol/problem.ts";
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

export type HealthService = ReturnType<typeof createHealthService>;

/** State of the relay itself, and copies of its database. */
export function createHealthService({ kernel, identity, core }: Areas, metrics: Metrics) {
  const { db, clock, onError } = kernel;
  const { activity } = identity;
  const { searchLag } = core.messages;
  let counted: { at: number; counts: Counts } | undefined;
  let checked: { at: number; problems: string[] } | undefined;
  let backingUp = false;

  /** Counted in the worker, at most every 15 s. */
  async function counts(): Promise<Counts> {
    if (counted && clock.mono() - counted.at < COUNT_EVERY_MS) return counted.counts;
    const fresh = await db.offThread.run("counts", {});
    counted = { at: clock.mono(), counts: fresh };
    metrics.counted(fresh, clock.now());
    return fresh;
  }

  /** A whole look at the database takes seconds for a large one: in the worker, at most once an hour. */
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
      ];
      const worst = checks.some((c) => c.status === "fail")
        ? "fail"
        : checks.some((c) => c.status === "warn")
          ? "warn"
          : "ok";
      return { status: worst, version: VERSION, generatedAt: toTime(clock.now()), checks };
    },

    /** `GET /readyz`. @throws Problem 503 */
    ready: () => db.write(async () => ({ status: "ok" as const })),

    async scrape(): Promise<string> {
      // A slow count must not delay the scrape: the last count is shown meanwhile.
      const fresh = counts().catch(onError);
      if (!counted) await fresh;
      return metrics.text();
    },

    /** `POST /v1/backups`: a whole copy in the data folder, and at most `keep` in all. One at a time. @throws Problem 403, 409 */
    async backup(caller: Caller, keep: number | undefined): Promise<Backup> {
      requireOperator(caller);
      if (backingUp) throw new Problem("conflict", "A backup is being made.");
      backingUp = true;
      try {
        const createdAt = toTime(clock.now());
        const folder = join(dirname(db.file), "backups");
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const file = join(folder, `signalbox-${createdAt.replaceAll(":", "-")}.db`);
        const { bytes, head } = await db.offThread.run("backup", { to: file });
        const deleted = keep === undefined ? [] : prune(folder, basename(file), keep);
        await db.write((tx) => activity.record(tx, caller, "backup.made", file, { bytes, head, deleted }));
        return { file, bytes, head, createdAt, deleted };
      } finally {
        backingUp = false;
      }
    },
  };
}

const COPY = /^signalbox-\d{4}-\d\d-\d\dT[\d.-]+Z\.db$/;

/** Deletes the oldest copies beyond `keep`, never `made`; other files stay. @returns the names of those that went */
function prune(folder: string, made: string, keep: number): string[] {
  const older = readdirSync(folder).filter((name) => COPY.test(name) && name !== made);
  const deleted = older.sort().slice(0, Math.max(0, older.length - (keep - 1)));
  for (const name of deleted) rmSync(join(folder, name), { force: true });
  return deleted;
}
