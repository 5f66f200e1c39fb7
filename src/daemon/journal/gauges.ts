import type { Database } from "bun:sqlite";
import type { ApprovalDraft } from "../../protocol/approvals.ts";

/** Use of something that a cap limits, and the question at the cap. */
export interface Gauge {
  id: string;
  /** Dollars, tokens or seconds. */
  used: number;
  /** Use that a person has allowed beyond the cap. */
  extra: number;
  isWarned: boolean;
  /** Approval that asks whether to go on. `coming`: `draft` is on its way to the relay. */
  asked: string | null;
  draft: ApprovalDraft | null;
  /** Questions so far: each has an idempotency key of its own. */
  times: number;
  /** A person has said to stop, until the day ends. */
  isStopped: boolean;
  /** Counts one session or turn: a stop is for work that waits now. */
  isOwn: boolean;
  /** UTC day that it counts, yyyy-mm-dd; null: all of its session or turn. */
  day: string | null;
}

export function gaugeBook(db: Database) {
  const one = db.query<{ gauge: string }, [string]>("select gauge from gauges where id = ?");
  const all = db.query<{ gauge: string }, []>("select gauge from gauges where gauge ->> '$.asked' is not null");
  const put = db.query("insert or replace into gauges values (?, ?, ?)");
  return {
    get(id: string): Gauge | undefined {
      const row = one.get(id);
      return row ? JSON.parse(row.gauge) : undefined;
    },
    /** Gauges whose question is open. */
    asked: (): Gauge[] => all.all().map(({ gauge }) => JSON.parse(gauge)),
    put: (gauge: Gauge, now: number): void => void put.run(gauge.id, JSON.stringify(gauge), now),
  };
}
