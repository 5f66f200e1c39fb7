import type { Database } from "bun:sqlite";
import type { RunWord } from "../../client/run-handle.ts";
import type { Caps } from "../../protocol/caps.ts";
import type { RunErrorCode, RunLink, RunOutcome } from "../../protocol/runs.ts";
import type { Seen } from "../../protocol/sessions.ts";

/** Purpose of a turn. `message`: a letter. `run`: a turn that others asked for. `feed`: a result for the main session. */
export type TurnKind = "message" | "run" | "feed" | "spawn";

/** Plan of a turn, as it was when the turn was asked for. */
export interface TurnPlan {
  /** Text of the task, for the run. */
  task: string;
  lane: "main" | "background";
  name?: string;
  /** Message of a person, or another, that the answer replies to. */
  answerTo?: number;
  /** Run whose result is fed. */
  feedOf?: { runId: string; name: string; text: string; links?: RunLink[] };
  /** Dialogue whose main session gets the result. */
  feedTo?: string;
  model?: string;
  systemPrompt?: string;
  cwd?: string;
  /** A new session gets a worktree of its own. */
  worktree?: boolean;
  files?: string[];
  parentId?: string;
  /** Agent that gets the result as a message, where no message is answered. */
  tellTo?: string;
  /** Command that is answered when the turn has begun. */
  delegationId?: string;
  /** Session that it is for, where its command names one. */
  sessionId?: string;
  place?: unknown;
  tags?: string[];
  onInterrupt?: "continue" | "give-back";
  /** Caps of its session. */
  caps?: Caps;
  /** Sentence of the cap at which a person has stopped it. */
  refused?: { error: string; isTime: boolean };
  /** Provider from whose limit it was handed over, and the session that had it. */
  handedFrom?: { provider: string; sessionId?: string };
  /** Turn whose tool asked for what the message answers: this one waits for its end. */
  askedBy?: string;
  /** Run that others asked for on its message, while this turn had none: it takes that one. */
  waitingRun?: string;
  /** Its process was ended before its end, and it goes on. */
  wasCut?: boolean;
  /** A stuck turn that the daemon began again. */
  hasRestarted?: boolean;
  /** Words of others to it, for the next process that has its prompt. */
  words?: RunWord[];
  /** Attempts at this work that have failed. */
  failures?: number;
}

/** A turn as it was seen from outside, beside what its model says. */
export interface Observed {
  project: string;
  links: RunLink[];
  /** Paths that it changed, from the root of the working tree. */
  changed: string[];
  seen: Seen;
}

/** End of a turn, stored before anybody hears of it. */
export interface TurnEnd {
  outcome: RunOutcome;
  errorCode?: RunErrorCode;
  error?: string;
  text: string;
  silent?: boolean;
  reason?: string;
  /** Paths that the model named. */
  files?: string[];
  buttons?: { text: string; id: string }[][];
  background?: { name: string; prompt: string; model?: string }[];
  /** Way of the answer, decided when the end came. */
  way: "reply" | "result" | "feed" | "none";
  /** Left out until it was looked at. */
  observed?: Observed;
}

/** `queued`: no session has it. `sent`: its CLI may have it. `ended`: its end is stored, and not handed over. */
export type TurnState = "queued" | "sent" | "ended" | "done";

export interface TurnRow {
  /** Also the id of its input at the CLI, and the key of what it does at the relay. */
  id: string;
  agentId: string;
  sessionKey: string;
  sessionId: string | null;
  kind: TurnKind;
  state: TurnState;
  messageId: number | null;
  runId: string | null;
  token: string | null;
  plan: TurnPlan;
  end: TurnEnd | null;
  tries: number;
  answerId: number | null;
  createdAt: number;
  sentAt: number | null;
  endedAt: number | null;
}

/** A turn to begin, as it is asked for. */
export interface NewTurn {
  agentId: string;
  sessionKey: string;
  kind: TurnKind;
  messageId?: number;
  runId?: string;
  plan: TurnPlan;
}

/** Row of a turn that has not begun. */
export const turnOf = (asked: NewTurn, createdAt: number): TurnRow => ({
  ...{ id: crypto.randomUUID(), sessionId: null, state: "queued", messageId: null, runId: null, token: null },
  ...{ end: null, tries: 0, answerId: null, createdAt, sentAt: null, endedAt: null },
  ...asked,
});

type Stored = Omit<TurnRow, "plan" | "end"> & { plan: string; end: string | null };

const COLUMNS = [
  ...["id", "agentId", "sessionKey", "sessionId", "kind", "state", "messageId", "runId", "token", "plan", "end"],
  ...["tries", "answerId", "createdAt", "sentAt", "endedAt"],
] as const;

export function turnBook(db: Database) {
  const one = db.query<Stored, [string]>("select * from turns where id = ?");
  const open = db.query<Stored, []>("select * from turns where state <> 'done' order by createdAt, id");
  const ofMessage = db.query<Stored, [string, number]>(
    "select * from turns where agentId = ? and messageId = ? order by createdAt limit 1",
  );
  const ofRun = db.query<Stored, [string]>(
    "select * from turns where runId = ? order by createdAt desc, state = 'done', kind = 'run' desc limit 1",
  );
  const ofCommand = db.query<Stored, [string]>(
    "select * from turns where plan ->> '$.delegationId' = ? order by createdAt limit 1",
  );
  const newest = db.query<Stored, [string, string, number]>(
    "select * from turns where agentId = ? and sessionKey = ? order by createdAt desc limit ?",
  );
  const names = COLUMNS.map((name) => (name === "end" ? '"end"' : name));
  const put = db.query(
    `insert into turns (${names.join(", ")}) values (${COLUMNS.map((name) => `$${name}`).join(", ")})
     on conflict (id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(", ")}`,
  );
  const save = (row: TurnRow): TurnRow => {
    const stored = { ...row, plan: JSON.stringify(row.plan), end: row.end && JSON.stringify(row.end) };
    put.run(Object.fromEntries(COLUMNS.map((name) => [`$${name}`, stored[name]])) as never);
    return row;
  };
  return {
    get: (id: string): TurnRow | undefined => parsed(one.get(id)),
    /** Turns whose end was not handed over, oldest first. */
    open: (): TurnRow[] => open.all().flatMap((row) => parsed(row) ?? []),
    ofMessage: (agentId: string, messageId: number): TurnRow | undefined => parsed(ofMessage.get(agentId, messageId)),
    ofRun: (runId: string): TurnRow | undefined => parsed(ofRun.get(runId)),
    ofCommand: (delegationId: string): TurnRow | undefined => parsed(ofCommand.get(delegationId)),
    newest: (agentId: string, sessionKey: string, limit: number): TurnRow[] =>
      newest.all(agentId, sessionKey, limit).flatMap((row) => parsed(row) ?? []),
    save,
    change(id: string, changes: Partial<TurnRow>): TurnRow {
      const row = parsed(one.get(id));
      if (!row) throw new Error(`the journal has no turn ${id}`);
      return save({ ...row, ...changes });
    },
  };
}

const parsed = (row: Stored | null): TurnRow | undefined =>
  row ? { ...row, plan: JSON.parse(row.plan), end: row.end && JSON.parse(row.end) } : undefined;
