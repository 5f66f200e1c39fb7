import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DaemonError } from "../errors.ts";
import { agentBook } from "./agents.ts";
import { approvalBook } from "./approvals.ts";
import { commandBook } from "./commands.ts";
import { gaugeBook } from "./gauges.ts";
import { letterBook } from "./letters.ts";
import { lookBook } from "./looks.ts";
import { prune } from "./prune.ts";
import { migrate } from "./schema.ts";
import { sessionBook } from "./sessions.ts";
import { turnBook } from "./turns.ts";
import { worktreeBook } from "./worktrees.ts";

export type Journal = ReturnType<typeof openJournal>;

/**
 * The daemon's memory: what it received, runs, owes and waits for. One process writes it at a time.
 * @throws DaemonError when another daemon has it, a newer one wrote it, or the file is damaged
 */
export function openJournal(path: string, pid: number) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const db = opened(path, pid);
  const fact = db.query<{ value: string }, [string]>("select value from facts where name = ?");
  const setFact = db.query("insert into facts values (?, ?) on conflict do update set value = excluded.value");
  let isOpen = true;
  return {
    path,
    /** false once it was closed: the daemon has ended, and nothing is written any more. */
    get isOpen(): boolean {
      return isOpen;
    },
    /** Runs `change` as one write: all of it is on disk, or none. */
    write: <T>(change: () => T): T => db.transaction(change).immediate(),
    /** Place in the relay's log up to which messages were received. */
    position: (): number => Number(fact.get("position")?.value ?? 0),
    setPosition: (id: number): void => void setFact.run("position", String(id)),
    /** Forgets what ended longer ago than `keptMs`. */
    prune: (now: number, keptMs: number): void => prune(db, now, now - keptMs),
    fact: (name: string): string | undefined => fact.get(name)?.value,
    setFact: (name: string, value: string): void => void setFact.run(name, value),
    agents: agentBook(db),
    letters: letterBook(db),
    sessions: sessionBook(db),
    turns: turnBook(db),
    looks: lookBook(db),
    approvals: approvalBook(db),
    gauges: gaugeBook(db),
    commands: commandBook(db),
    worktrees: worktreeBook(db),
    close(): void {
      isOpen = false;
      db.close();
    },
  };
}

/** The database with the tables of this version. A damaged file is left as it is. */
function opened(path: string, pid: number): Database {
  let db: Database | undefined;
  try {
    db = lock(path, pid);
    const { quick_check: state } = db.query<{ quick_check: string }, []>("pragma quick_check(1)").get() ?? {};
    if (state !== "ok") throw new Error(`malformed: ${state}`);
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    if (!/not a database|malformed|corrupt/i.test(String(error))) throw error;
    throw new DaemonError(
      `The journal ${path} is damaged. Move it away, with ${path}-wal, and start again. Dialogues stay at their CLIs, and messages ` +
        "that no turn has got come again; turns that ran are not gone on with.",
    );
  }
}

/** The open database, which no other connection can open until it is closed or its process has ended. */
function lock(path: string, pid: number): Database {
  closePrivately(path);
  const db = new Database(path, { create: true });
  try {
    db.exec("pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full;");
    db.exec("begin immediate; commit;");
  } catch (error) {
    db.close();
    if (!/locked|busy/i.test(String(error))) throw error;
    throw new DaemonError(
      `A daemon${otherPid(path)} works with ${path} already. Stop it first: signalbox orchestrator stop.`,
    );
  }
  writeFileSync(`${path}.pid`, `${pid}\n`, { mode: 0o600 });
  return db;
}

/** Leaves the database to its owner alone, before anything is in it: SQLite makes its other files as open as this one. */
function closePrivately(path: string): void {
  closeSync(openSync(path, "a", 0o600));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
}

function otherPid(path: string): string {
  const pid = pidOf(path);
  return pid === undefined ? "" : ` (process ${pid})`;
}

/** Process that opened the journal last. */
export function pidOf(path: string): number | undefined {
  try {
    return Number(readFileSync(`${path}.pid`, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
