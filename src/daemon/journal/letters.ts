import type { Database } from "bun:sqlite";
import type { Entry } from "../../protocol/messages.ts";

/** A message that needs a turn of one of the daemon's agents. `turn`: one has it. `done`: its turn has ended. */
export interface Letter {
  agentId: string;
  state: "waiting" | "turn" | "done";
  sessionKey: string;
  entry: Entry;
}

interface Row {
  agentId: string;
  state: Letter["state"];
  sessionKey: string;
  entry: string;
}

export function letterBook(db: Database) {
  const one = db.query<Row, [number, string]>("select * from letters where messageId = ? and agentId = ?");
  const add = db.query("insert into letters values (?, ?, 'waiting', ?, ?) on conflict do nothing");
  const mark = db.query("update letters set state = ? where messageId = ? and agentId = ?");
  const waiting = db.query<Row, []>("select * from letters where state = 'waiting' order by messageId");
  const oldest = db.query<{ id: number | null }, [string]>(
    "select min(messageId) id from letters where agentId = ? and state = 'waiting'",
  );
  const newest = db.query<Row, [string, string, number]>(
    "select * from letters where agentId = ? and sessionKey = ? order by messageId desc limit ?",
  );
  const later = db.query<{ n: number }, [string, string, number]>(
    "select count(*) n from letters where agentId = ? and sessionKey = ? and messageId > ? and entry ->> '$.kind' <> 'response'",
  );
  return {
    get(messageId: number, agentId: string): Letter | undefined {
      const row = one.get(messageId, agentId);
      return row ? parsed(row) : undefined;
    },
    /** A repeat changes nothing. @returns whether it is new */
    add: (entry: Entry, agentId: string, sessionKey: string): boolean =>
      add.run(entry.id, agentId, sessionKey, JSON.stringify(entry)).changes > 0,
    mark: (messageId: number, agentId: string, state: Letter["state"]): void =>
      void mark.run(state, messageId, agentId),
    /** Letters that no turn has, oldest first. */
    waiting: (): Letter[] => waiting.all().map(parsed),
    oldestWaiting: (agentId: string): number | undefined => oldest.get(agentId)?.id ?? undefined,
    /** The newest of one dialogue, newest first. */
    newest: (agentId: string, sessionKey: string, limit: number): Letter[] =>
      newest.all(agentId, sessionKey, limit).map(parsed),
    /** Messages of a dialogue after one, without answers to what it asked for. */
    countAfter: (agentId: string, sessionKey: string, messageId: number): number =>
      later.get(agentId, sessionKey, messageId)?.n ?? 0,
  };
}

const parsed = ({ entry, agentId, state, sessionKey }: Row): Letter => ({
  ...{ agentId, state, sessionKey },
  entry: JSON.parse(entry),
});
