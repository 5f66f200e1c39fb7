import type { Database } from "bun:sqlite";

/** Agent that the daemon runs. */
export interface AgentRow {
  id: string;
  provider: string;
}

export function agentBook(db: Database) {
  const one = db.query<AgentRow, [string]>("select * from agents where id = ?");
  const all = db.query<AgentRow, []>("select * from agents");
  const put = db.query("insert into agents values (?, ?) on conflict do nothing");
  return {
    get: (id: string): AgentRow | undefined => one.get(id) ?? undefined,
    all: (): AgentRow[] => all.all(),
    put: ({ id, provider }: AgentRow): void => void put.run(id, provider),
  };
}
