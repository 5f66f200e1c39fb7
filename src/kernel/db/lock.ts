import { Database as Sqlite } from "bun:sqlite";

/**
 * Keeps a second relay off the data folder, by a side file whose exclusive lock ends with the process.
 * (`locking_mode=exclusive` on the database would also lock out the relay's own readers.)
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
