import { Database as Sqlite } from "bun:sqlite";
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import type { OffThreadTasks, SearchAnswer, SearchAsk, WorkerCall, WorkerReply } from "./worker-calls.ts";

/**
 * Distance of a copy's next ids from the original's. A relay restored from the copy never repeats an id that the original gave
 * out later.
 */
const SEQUENCE_GAP = 1_000_000;

type Task<K extends keyof OffThreadTasks> = (
  sqlite: Sqlite,
  file: string,
  ask: OffThreadTasks[K]["ask"],
) => OffThreadTasks[K]["answer"];

/** Entries in the first step of a search. Each step is four times as long; time is checked in between. */
const FIRST_STEP = 50_000;

/** Searches newest first, step by step, until the page is full, the log ends, or the time is up. */
function search(sqlite: Sqlite, ask: SearchAsk): SearchAnswer {
  const { match, member, after, limit, milliseconds } = ask;
  const started = performance.now();
  const visible = member === null ? "" : VISIBLE;
  const step = sqlite.prepare(`select s.rowid as id from search s ${visible && "join messages m on m.id = s.rowid"}
    where s.search match $match and s.rowid < $before and s.rowid > $after ${visible}
    order by s.rowid desc limit $limit`);
  const head = (sqlite.prepare("select max(id) as id from messages").get() as { id: number | null }).id ?? 0;
  const ids: number[] = [];
  let before = Math.min(ask.before, head + 1);
  for (let width = FIRST_STEP; before > after + 1; width *= 4) {
    const from = Math.max(after, before - width);
    const bounds = { match, before, after: from, limit: limit - ids.length, ...(member !== null && { member }) };
    for (const { id } of step.all(bounds) as { id: number }[]) ids.push(id);
    if (ids.length >= limit) return { ids, reached: ids.at(-1) ?? null };
    before = from + 1;
    if (performance.now() - started > milliseconds) break;
  }
  return { ids, reached: before > after + 1 ? before : null };
}

const VISIBLE = `and (m.from_id = $member or exists (
  select 1 from memberships mb where mb.agent_id = $member and mb.target = m.target
    and mb.since_id < m.id and (mb.until_id is null or mb.until_id >= m.id)))`;

/** Connection kept open for its warm cache. */
let searching: { file: string; sqlite: Sqlite } | undefined;

function searchConnection(file: string): Sqlite {
  if (searching?.file === file) return searching.sqlite;
  const sqlite = new Sqlite(file, { readwrite: true, strict: true });
  sqlite.run("pragma busy_timeout = 5000");
  sqlite.run("pragma query_only = on");
  searching = { file, sqlite };
  return sqlite;
}

const tasks: { [K in keyof OffThreadTasks]: Task<K> } = {
  search: (sqlite, _file, ask) => search(sqlite, ask),
  backup(sqlite, _file, { to }) {
    const partial = `${to}.partial`;
    rmSync(partial, { force: true });
    sqlite.prepare("vacuum into ?").run(partial);
    const copy = new Sqlite(partial);
    const head = copy.prepare("select seq from sqlite_sequence where name = 'messages'").get() as {
      seq: number;
    } | null;
    // SQLite creates the row with the first id.
    if (!head) copy.run("insert into sqlite_sequence (name, seq) values ('messages', 0)");
    copy.run("update sqlite_sequence set seq = seq + ? where name = 'messages'", [SEQUENCE_GAP]);
    copy.close();
    renameSync(partial, to);
    return { bytes: statSync(to).size, head: head?.seq ?? 0 };
  },
  rows(sqlite, _file, { sql, params }) {
    sqlite.run("pragma query_only = on");
    return sqlite.prepare(sql).all(...params) as OffThreadTasks["rows"]["answer"];
  },
  check(sqlite) {
    const rows = sqlite.prepare("pragma quick_check(20)").all() as { quick_check: string }[];
    return { problems: rows.map((row) => row.quick_check).filter((line) => line !== "ok") };
  },
  counts(sqlite, file) {
    const states = sqlite.prepare("select state, count(*) as n from work group by state").all() as Count[];
    const tasks = sqlite.prepare("select status as state, count(*) as n from tasks group by status").all() as Count[];
    const oldest = sqlite
      .prepare(
        "select min(m.created_at) as at from work w join messages m on m.id = w.message_id where w.state in ('open', 'delayed')",
      )
      .get() as { at: number | null };
    const messages = sqlite.prepare("select count(*) as n from messages").get() as { n: number };
    return {
      messages: messages.n,
      work: Object.fromEntries(states.map((row) => [row.state, row.n])),
      tasks: Object.fromEntries(tasks.map((row) => [row.state, row.n])),
      oldestOpenAt: oldest.at,
      bytes: statSync(file).size,
      walBytes: existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0,
    };
  },
};

interface Count {
  state: string;
  n: number;
}

function perform<K extends keyof OffThreadTasks>(task: K, file: string, ask: unknown): OffThreadTasks[K]["answer"] {
  if (task === "search") return search(searchConnection(file), ask as SearchAsk) as OffThreadTasks[K]["answer"];
  const sqlite = new Sqlite(file, { readwrite: true });
  try {
    sqlite.run("pragma busy_timeout = 5000");
    return tasks[task](sqlite, file, ask as OffThreadTasks[K]["ask"]);
  } finally {
    sqlite.close();
  }
}

declare const self: Worker;

self.onmessage = (event: MessageEvent<WorkerCall>) => {
  const { id, task, file, ask } = event.data;
  let reply: WorkerReply;
  try {
    reply = { id, answer: perform(task, file, ask) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(reply);
};
