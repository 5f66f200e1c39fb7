import type { Database } from "bun:sqlite";

/**
 * Forgets turns, letters, commands, questions and sessions that ended before a time. Commands and questions count from the first call
 * that found them done.
 */
export function prune(db: Database, now: number, before: number): void {
  const run = (sql: string, ...values: (number | string)[]) => db.query(sql).run(...values);
  db.transaction(() => {
    run("delete from turns where state = 'done' and endedAt < ?", before);
    run("delete from letters where state = 'done' and entry ->> '$.createdAt' < ?", new Date(before).toISOString());
    run("update commands set doneAt = ? where state = 'answered' and doneAt is null", now);
    run("delete from commands where doneAt < ?", before);
    run("update approvals set doneAt = ? where state in ('applied', 'closed') and doneAt is null", now);
    run("delete from approvals where doneAt < ?", before);
    run("delete from gauges where changedAt < ?", before);
    run(
      `delete from sessions where state = 'dead' and fence is null and endedAt < ?
       and id not in (select sessionId from turns where sessionId is not null)
       and (worktree is null or worktree not in (select id from worktrees))`,
      before,
    );
  }).immediate();
}
