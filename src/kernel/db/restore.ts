import { Database as Sqlite } from "bun:sqlite";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { holdLock } from "./lock.ts";
import { makeFolder } from "./own-folder.ts";

export interface Restored {
  /** Id of the newest message in the copy. */
  head: number;
  /** Former database, set aside; `undefined` when there was none. */
  former: string | undefined;
}

/**
 * Replaces a data folder's database by a backup, wholly or not at all: killed at any point, one of the two is in place. The
 * former database is kept beside the backups.
 *
 * @throws Error when a relay uses the folder, or the file is no whole backup
 */
export function restoreBackup(backup: string, dataDir: string, at: string): Restored {
  const head = checkBackup(backup);
  makeFolder(dataDir);
  const file = join(dataDir, "signalbox.db");
  const unlock = holdLock(`${file}.lock`);
  try {
    // Overwrites the draft of a killed restore.
    const draft = `${file}.restoring`;
    copyFileSync(backup, draft);
    sync(draft);
    const former = existsSync(file) ? keepFormer(file, join(dataDir, "backups"), at) : undefined;
    renameSync(draft, file);
    sync(dataDir);
    return { head, former };
  } finally {
    unlock();
  }
}

/** Checks a backup. @throws Error with the reason when it is incomplete */
function checkBackup(file: string): number {
  if (!existsSync(file)) throw new Error(`there is no file ${file}`);
  let sqlite: Sqlite | undefined;
  try {
    sqlite = new Sqlite(file, { readonly: true });
    const [first] = sqlite.prepare("pragma quick_check(1)").all() as { quick_check: string }[];
    if (first?.quick_check !== "ok") throw new Error(first?.quick_check);
    const row = sqlite.prepare("select max(id) as head from messages").get() as { head: number | null };
    return row.head ?? 0;
  } catch (cause) {
    throw new Error(`${file} is not a whole backup of a relay: give one of data/backups`, { cause });
  } finally {
    sqlite?.close();
  }
}

/** Moves the database aside, with everything in its write-ahead log. */
function keepFormer(file: string, folder: string, at: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const former = join(folder, `before-restore-${at.replaceAll(":", "-")}.db`);
  emptyLog(file);
  linkSync(file, former);
  // A leftover write-ahead log belongs to the former database and would damage the restored one.
  for (const suffix of ["-wal", "-shm"]) if (existsSync(file + suffix)) renameSync(file + suffix, former + suffix);
  return former;
}

/** Merges the write-ahead log; that of a damaged database stays a file of its own. */
function emptyLog(file: string): void {
  try {
    const sqlite = new Sqlite(file, { readwrite: true });
    sqlite.run("pragma wal_checkpoint(truncate)");
    sqlite.close();
    if (existsSync(`${file}-shm`) && !existsSync(`${file}-wal`)) rmSync(`${file}-shm`);
  } catch {}
}

function sync(path: string): void {
  const opened = openSync(path, "r");
  fsyncSync(opened);
  closeSync(opened);
}
