import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Areas } from "../../core/core.ts";
import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import { created, type Route, route } from "../../identity/auth/route.ts";
import { type Backup, makeBackup } from "../../protocol/health.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";

/** Copies of the database in the data folder. */
export function createBackups({ kernel, identity }: Areas) {
  const { db, clock } = kernel;
  let isRunning = false;

  /** Makes a whole copy, and deletes the oldest beyond `keep`. One at a time. @throws Problem 403, 409 */
  async function make(caller: Caller, keep: number | undefined): Promise<Backup> {
    requireOperator(caller);
    if (isRunning) throw new Problem("conflict", "A backup is being made.");
    isRunning = true;
    try {
      const createdAt = toTime(clock.now());
      const folder = join(dirname(db.file), "backups");
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, `signalbox-${createdAt.replaceAll(":", "-")}.db`);
      const { bytes, head } = await db.offThread.run("backup", { to: file });
      const deleted = keep === undefined ? [] : prune(folder, basename(file), keep);
      await db.write((tx) => identity.activity.record(tx, caller, "backup.made", file, { bytes, head, deleted }));
      return { file, bytes, head, createdAt, deleted };
    } finally {
      isRunning = false;
    }
  }

  const routes: Route[] = [route(makeBackup, async ({ caller, query }) => created(await make(caller, query.keep)))];
  return { routes };
}

const COPY = /^signalbox-\d{4}-\d\d-\d\dT[\d.-]+Z\.db$/;

/** Deletes the oldest copies beyond `keep`, never `made`; other files stay. @returns the names of the deleted copies */
function prune(folder: string, made: string, keep: number): string[] {
  const older = readdirSync(folder).filter((name) => COPY.test(name) && name !== made);
  const deleted = older.sort().slice(0, Math.max(0, older.length - (keep - 1)));
  for (const name of deleted) rmSync(join(folder, name), { force: true });
  return deleted;
}
