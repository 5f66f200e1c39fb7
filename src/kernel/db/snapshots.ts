/** Reads of the database. */
export interface Snapshots {
  /** Number of reads that have begun. */
  begun: number;
  /** Number of the one that is open; null for none. */
  open: number | null;
}
