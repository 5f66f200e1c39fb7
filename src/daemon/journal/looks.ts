import type { Database } from "bun:sqlite";
import type { RunLink } from "../../protocol/runs.ts";
import type { GitState } from "../git/look.ts";

/** Facts about a turn while it works, seen from outside. */
export interface Look {
  /** State of its folder when it began; null where git knew nothing of it. */
  before: GitState | null;
  /** Pull requests that its tools opened. */
  pulls: RunLink[];
  /** Paths that its tools edited, as they named them. */
  edited: string[];
  /** Another turn worked in the same folder meanwhile: what git shows may be that one's. */
  shared: boolean;
  /** Exit codes of its commands, the newest last. */
  exitCodes: number[];
}

export function lookBook(db: Database) {
  const one = db.query<{ look: string }, [string]>("select look from looks where turnId = ?");
  const put = db.query("insert or replace into looks values (?, ?)");
  const remove = db.query("delete from looks where turnId = ?");
  return {
    get(turnId: string): Look | undefined {
      const row = one.get(turnId);
      return row ? JSON.parse(row.look) : undefined;
    },
    put: (turnId: string, look: Look): void => void put.run(turnId, JSON.stringify(look)),
    remove: (turnId: string): void => void remove.run(turnId),
  };
}
