import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Areas } from "../../core/core.ts";
import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import { created, ok, type Route, route } from "../../identity/auth/route.ts";
import { type Backup, type BackupList, listBackups, makeBackup } from "../../protocol/health.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";

/** Copies that a list shows at most. */
const MAX_LISTED = 100;

/** Copies of the database in the data folder. */
export function createBackups({ kernel, identity }: Areas) {
  const { db, clock } = kernel;
  const folder = join(dirname(db.file), "backups");
  let isRunning = false;

  /** Makes a whole copy, and deletes the oldest beyond `keep`. One at a time. @throws Problem 403, 409 */
  async function make(caller: Caller, keep: number | undefined): Promise<Backup> {
    requireOperator(caller);
    if (isRunning) throw new Problem("conflict", "A backup is being made.");
    isRunning = true;
    try {
      const createdAt = toTime(clock.now());
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

  /** Lists the copies, newest first. @throws Problem 403 */
  function list(caller: Caller): BackupList {
    requireOperator(caller);
    const names = copiesIn(folder).sort().reverse().slice(0, MAX_LISTED);
    const items = names.flatMap((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false });
      return stat ? [{ file: join(folder, name), bytes: stat.size, createdAt: timeOf(name) }] : [];
    });
    return { items };
  }

  const routes: Route[] = [
    route(makeBackup, async ({ caller, query }) => created(await make(caller, query.keep))),
    route(listBackups, async ({ caller }) => ok(list(caller))),
  ];
  return { routes };
}

const COPY = /^signalbox-\d{4}-\d\d-\d\dT[\d.-]+Z\.db$/;

/** Time in the name of a copy, which stands with hyphens where a time has colons. */
const timeOf = (name: string): string =>
  name.slice("signalbox-".length, -".db".length).replace(/T(\d\d)-(\d\d)-/, "T$1:$2:");

/** Names of the copies in a folder; none when there is no folder. */
const copiesIn = (folder: string): string[] =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(folder).filter((name) => COPY.test(name))
    : [];

/** Deletes the oldest copies beyond `keep`, never `made`; other files stay. @returns the names of the deleted copies */
function prune(folder: string, made: string, keep: number): string[] {
  const older = copiesIn(folder).filter((name) => name !== made);
  const deleted = older.sort().slice(0, Math.max(0, older.length - (keep - 1)));
  for (const name of deleted) rmSync(join(folder, name), { force: true });
  return deleted;
}
