import type { Database } from "bun:sqlite";
import type { SessionLane, SessionState } from "../../protocol/sessions.ts";

/** A dialogue that a CLI keeps. `idle` with a pid: its process waits; without: it is resumed on demand. */
export interface SessionRow {
  id: string;
  agentId: string;
  provider: string;
  /** Names the dialogue: `conv:...`, `thread:...`, `main`, `bg:...`, `cron-...`. */
  sessionKey: string;
  lane: SessionLane;
  isMain: boolean;
  /** Message that made it step aside. */
  demotedBy: number | null;
  nativeId: string | null;
  name: string;
  cwd: string;
  home: string;
  model: string | null;
  systemPrompt: string | null;
  /** The relay itself says `away`. */
  state: Exclude<SessionState, "away">;
  pid: number | null;
  startTicks: number | null;
  fence: number | null;
  /** Session that it continues as a copy, until its CLI has named it. */
  forkOf: string | null;
  /** `mark` of that session that the copy ends with; null: it has all. */
  forkAt: string | null;
  /** End of its last turn, as its CLI named it. */
  mark: string | null;
  /** Words for its next prompt. */
  note: string | null;
  /** Place as JSON, for the relay. */
  place: string | null;
  /** Caps of its own as JSON, beside those of its agent and of the daemon. */
  caps: string | null;
  /** Tools as JSON; null: those of its agent's profile. */
  tools: string | null;
  /** Session whose use its own counts to; null: itself. */
  meter: string | null;
  /** Worktree that it works in, by the session that it was made for. */
  worktree: string | null;
  lastTurnAt: number;
  createdAt: number;
  endedAt: number | null;
}

type Stored = Omit<SessionRow, "isMain"> & { isMain: number };

const COLUMNS = [
  ...["id", "agentId", "provider", "sessionKey", "lane", "isMain", "demotedBy", "nativeId", "name", "cwd", "home"],
  ...["model", "systemPrompt", "state", "pid", "startTicks", "fence", "forkOf", "note", "place", "lastTurnAt"],
  ...["caps", "tools", "meter", "worktree", "mark", "forkAt", "createdAt", "endedAt"],
] as const;

export function sessionBook(db: Database) {
  const one = db.query<Stored, [string]>("select * from sessions where id = ?");
  const main = db.query<Stored, [string, string]>(
    "select * from sessions where agentId = ? and sessionKey = ? and isMain = 1",
  );
  const live = db.query<Stored, []>("select * from sessions where state <> 'dead' order by createdAt");
  const inTree = db.query<Stored, [string]>("select * from sessions where worktree = ? order by createdAt");
  const native = db.query<{ nativeId: string }, []>("select nativeId from sessions where nativeId is not null");
  const adopted = db.query<Stored, [string, string]>(
    `select * from sessions where provider = ?1 and (nativeId = ?2 or (forkOf = ?2 and lane <> 'peek'))
     order by state = 'dead', nativeId is null, createdAt desc limit 1`,
  );
  const put = db.query(
    `insert or replace into sessions (${COLUMNS.join(", ")}) values (${COLUMNS.map((name) => `$${name}`).join(", ")})`,
  );
  const save = (row: SessionRow): SessionRow => {
    put.run(Object.fromEntries(COLUMNS.map((name) => [`$${name}`, row[name]])) as never);
    return row;
  };
  return {
    get: (id: string): SessionRow | undefined => parsed(one.get(id)),
    main: (agentId: string, sessionKey: string): SessionRow | undefined => parsed(main.get(agentId, sessionKey)),
    /** Sessions that are not dead, oldest first. */
    live: (): SessionRow[] => live.all().map((row) => ({ ...row, isMain: row.isMain === 1 })),
    /** Sessions that share a worktree, dead ones too. */
    inWorktree: (id: string): SessionRow[] => inTree.all(id).map((row) => ({ ...row, isMain: row.isMain === 1 })),
    /** Native ids of all sessions, dead ones too. */
    nativeIds: (): Set<string> => new Set(native.all().map(({ nativeId }) => nativeId)),
    /** The session that is the named native one, or a copy of it that its CLI has not begun; a live one first. */
    ofNative: (provider: string, nativeId: string): SessionRow | undefined => parsed(adopted.get(provider, nativeId)),
    save,
    /** Changes members of a stored session. @returns the row as it is now */
    change(id: string, changes: Partial<SessionRow>): SessionRow {
      const row = parsed(one.get(id));
      if (!row) throw new Error(`the journal has no session ${id}`);
      return save({ ...row, ...changes });
    },
  };
}

const parsed = (row: Stored | null): SessionRow | undefined => (row ? { ...row, isMain: row.isMain === 1 } : undefined);
