import type { Database } from "bun:sqlite";

/** A question of a CLI that people answer. */
export interface AskRow {
  /** Id of the approval at the relay. */
  id: string;
  sessionId: string;
  turnId: string;
  requestId: string;
  hash: string;
  /** Exact input that the question was about. */
  exact: string;
  /** `answered`: the answer is here, and the CLI does not have it. */
  state: "asked" | "answered" | "applied" | "closed";
  answer: string | null;
}

export function approvalBook(db: Database) {
  const of = db.query<AskRow, [string]>("select * from approvals where id = ?");
  const byRequest = db.query<AskRow, [string, string]>(
    "select * from approvals where sessionId = ? and requestId = ? and state in ('asked', 'answered')",
  );
  const open = db.query<AskRow, []>("select * from approvals where state in ('asked', 'answered')");
  const put = db.query(
    "insert or replace into approvals (id, sessionId, turnId, requestId, hash, exact, state, answer) values ($id, $sessionId, $turnId, $requestId, $hash, $exact, $state, $answer)",
  );
  return {
    /** Questions that became an approval: several, where CLIs of one run tree ask the same. */
    of: (id: string): AskRow[] => of.all(id),
    byRequest: (sessionId: string, requestId: string): AskRow | undefined =>
      byRequest.get(sessionId, requestId) ?? undefined,
    open: (): AskRow[] => open.all(),
    save: (row: AskRow): void =>
      void put.run(Object.fromEntries(Object.entries(row).map(([name, value]) => [`$${name}`, value])) as never),
  };
}
