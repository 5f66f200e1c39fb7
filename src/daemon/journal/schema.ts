import type { Database } from "bun:sqlite";
import { DaemonError } from "../errors.ts";

/** Tables of the journal. Every row is written before its effect, and repeated effects have the row's id as idempotency key. */
const SCHEMA = `
create table if not exists facts (name text primary key, value text not null) without rowid;

create table if not exists agents (id text primary key, provider text not null) without rowid;

create table if not exists letters (
  messageId integer not null, agentId text not null, state text not null, sessionKey text not null,
  entry text not null, primary key (messageId, agentId)
) without rowid;
create index if not exists letters_open on letters (agentId, messageId) where state = 'waiting';
create index if not exists letters_of_key on letters (agentId, sessionKey, messageId);

create table if not exists sessions (
  id text primary key, agentId text not null, provider text not null, sessionKey text not null, lane text not null,
  isMain integer not null, demotedBy integer, nativeId text, name text not null, cwd text not null, home text not null,
  model text, systemPrompt text, state text not null, pid integer, startTicks integer, fence integer,
  forkOf text, note text, place text, lastTurnAt integer not null, createdAt integer not null, endedAt integer
) without rowid;
create unique index if not exists sessions_main on sessions (agentId, sessionKey) where isMain = 1;
create index if not exists sessions_live on sessions (createdAt) where state <> 'dead';

create table if not exists turns (
  id text primary key, agentId text not null, sessionKey text not null, sessionId text, kind text not null,
  state text not null, messageId integer, runId text, token text, plan text not null, "end" text, tries integer not null,
  answerId integer, createdAt integer not null, sentAt integer, endedAt integer
) without rowid;
create index if not exists turns_open on turns (createdAt) where state <> 'done';
create index if not exists turns_of_key on turns (agentId, sessionKey, createdAt);
create unique index if not exists turns_of_message on turns (agentId, messageId, kind) where messageId is not null;

create table if not exists looks (turnId text primary key, look text not null) without rowid;

create table if not exists approvals (
  id text primary key, sessionId text not null, turnId text not null, requestId text not null, hash text not null,
  exact text not null, state text not null, answer text
) without rowid;

create table if not exists commands (
  delegationId text primary key, messageId integer not null, payload text not null, state text not null, result text
) without rowid;
`;

/** Changes since, oldest first. Each is made once; `user_version` of the file counts them. */
const CHANGES = [
  "alter table commands add column doneAt integer; alter table approvals add column doneAt integer;",
  // Several questions become one approval.
  `alter table approvals rename to approvals_before;
create table approvals (
  id text not null, sessionId text not null, turnId text not null, requestId text not null, hash text not null,
  exact text not null, state text not null, answer text, doneAt integer, primary key (id, sessionId, requestId)
) without rowid;
insert into approvals select id, sessionId, turnId, requestId, hash, exact, state, answer, doneAt from approvals_before;
drop table approvals_before;`,
  // Caps, and their use.
  `alter table sessions add column caps text; alter table sessions add column tools text;
alter table sessions add column meter text;
create table gauges (id text primary key, gauge text not null, changedAt integer not null) without rowid;`,
  // Git worktrees of sessions.
  `alter table sessions add column worktree text;
create table worktrees (id text primary key, tree text not null, state text not null) without rowid;`,
  // Copies of sessions begin where a turn ended.
  "alter table sessions add column mark text; alter table sessions add column forkAt text;",
];

/** Brings the tables of a journal to this version. @throws DaemonError for one that a newer version wrote */
export function migrate(db: Database, path: string): void {
  const { user_version: made = 0 } = db.query<{ user_version: number }, []>("pragma user_version").get() ?? {};
  if (made > CHANGES.length)
    throw new DaemonError(
      `The journal ${path} is of a newer version of Signalbox. Start that one, or name another file in "journal".`,
    );
  db.transaction(() => {
    db.exec(SCHEMA);
    for (const change of CHANGES.slice(made)) db.exec(change);
    db.exec(`pragma user_version = ${CHANGES.length}`);
  }).immediate();
}
