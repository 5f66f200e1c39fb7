import type { Database } from "bun:sqlite";
import type { CommandResult } from "../../protocol/command-results.ts";
import type { CommandPayload } from "../../protocol/commands.ts";

/** A command of the relay. `done`: its answer is stored, and the relay may not have it. */
export interface CommandRow {
  delegationId: string;
  messageId: number;
  payload: CommandPayload;
  state: "received" | "done" | "answered";
  result: (CommandResult & { error?: string }) | null;
}

type Stored = Omit<CommandRow, "payload" | "result"> & { payload: string; result: string | null };

export function commandBook(db: Database) {
  const one = db.query<Stored, [string]>("select * from commands where delegationId = ?");
  const open = db.query<Stored, []>("select * from commands where state <> 'answered' order by messageId");
  const add = db.query("insert into commands values (?, ?, ?, 'received', null, null) on conflict do nothing");
  const end = db.query("update commands set state = ?, result = ? where delegationId = ?");
  return {
    get: (id: string): CommandRow | undefined => parsed(one.get(id)),
    open: (): CommandRow[] => open.all().flatMap((row) => parsed(row) ?? []),
    /** @returns whether it is new */
    add: (delegationId: string, messageId: number, payload: CommandPayload): boolean =>
      add.run(delegationId, messageId, JSON.stringify(payload)).changes > 0,
    mark: (id: string, state: CommandRow["state"], result: CommandRow["result"]): void =>
      void end.run(state, JSON.stringify(result), id),
  };
}

const parsed = (row: Stored | null): CommandRow | undefined =>
  row
    ? { ...row, payload: JSON.parse(row.payload), result: row.result === null ? null : JSON.parse(row.result) }
    : undefined;
