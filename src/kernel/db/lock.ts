import { Database as Sqlite } from "bun:sqlite";

/**
 * Keeps a second server off the same data folder: a side file whose exclusive lock the operating system drops when the
 * process dies. (`locking_mode=exclusive` on the database itself would lock out our own readers.)
 *
 * @throws Error when another process holds it.
 */
export function holdLock(file: string): () => void {
  const sqlite = new Sqlite(file, { create: true });
  try {
    sqlite.run("pragma busy_timeout = 0");
    sqlite.run("begin exclusive");
  } catch (cause) {
    sqlite.close();
    throw new Error(`another relay is using this data folder (${file} is locked)`, { cause });
  }
  return () => sqlite.close();
}
