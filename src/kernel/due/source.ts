import type { ReadTx, Tx } from "../db/database.ts";

/** Deadlines in an indexed time column of another table (leases, expiry), which need no row of their own. */
export interface DueSource {
  name: string;
  /** Time of the next deadline; `null` for none. */
  next(on: ReadTx): Promise<number | null>;
  /** Handles at most `limit` due items; answers their number. */
  take(tx: Tx, now: number, limit: number): Promise<number>;
}

/** Rows of a store by their time; `byTime` prepares them. */
interface TimedRows<Row> {
  earliest(on: ReadTx): Promise<number | null>;
  ripe(on: ReadTx, now: number, limit: number): Promise<Row[]>;
}

/** Source of deadlines: `overdue` is called for each row of a store, once its time has come. */
export const deadlines = <Row>(
  name: string,
  rows: TimedRows<Row>,
  overdue: (tx: Tx, row: Row, now: number) => Promise<unknown>,
): DueSource => ({
  name,
  next: (on) => rows.earliest(on),
  async take(tx, now, limit) {
    const ripe = await rows.ripe(tx, now, limit);
    for (const row of ripe) await overdue(tx, row, now);
    return ripe.length;
  },
});
