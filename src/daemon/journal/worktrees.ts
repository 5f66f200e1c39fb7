import type { Database } from "bun:sqlite";
import type { Tree } from "../git/worktree.ts";

/** Worktree that the daemon made. `begun`: it may be there by half. `gone`: it was removed, and is made again for its next turn. */
export interface WorktreeRow {
  /** Session that it was made for. */
  id: string;
  tree: Tree;
  state: "begun" | "there" | "gone";
}

type Stored = Omit<WorktreeRow, "tree"> & { tree: string };

export function worktreeBook(db: Database) {
  const one = db.query<Stored, [string]>("select * from worktrees where id = ?");
  const all = db.query<Stored, []>("select * from worktrees");
  const put = db.query("insert or replace into worktrees values (?, ?, ?)");
  const remove = db.query("delete from worktrees where id = ?");
  const parsed = (row: Stored): WorktreeRow => ({ ...row, tree: JSON.parse(row.tree) });
  return {
    get(id: string): WorktreeRow | undefined {
      const row = one.get(id);
      return row ? parsed(row) : undefined;
    },
    all: (): WorktreeRow[] => all.all().map(parsed),
    put: ({ id, tree, state }: WorktreeRow): void => void put.run(id, JSON.stringify(tree), state),
    remove: (id: string): void => void remove.run(id),
  };
}
