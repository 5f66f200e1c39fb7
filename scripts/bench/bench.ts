/** Parts of a benchmark; `rounds.ts` runs them. */

/** One figure. A limit is what the project holds itself to. */
export interface Row {
  name: string;
  unit: string;
  atLeast?: number;
  atMost?: number;
}

/** Two rows of the same run, divided round by round. */
export interface Ratio extends Row {
  of: readonly [numerator: string, denominator: string];
}

/** One thing measured: each measurement yields one value for each of its rows. */
export interface Cell {
  name: string;
  rows: Row[];
  measure(): Promise<number[]>;
  /** Left out from then on when it fails; the run goes on. */
  mayFail?: boolean;
}

/** Cells that share servers. Their measurements take turns, so that what disturbs the machine disturbs all alike. */
export interface Bench {
  /** Names that `--only` takes, known before anything is started. */
  cells: readonly string[];
  ratios: readonly Ratio[];
  /** Cells that measure no relay: `--compare` measures them once. */
  beside?: readonly string[];
  /** Starts what is needed; every server it started is stopped after the last round. */
  open(room: Room): Promise<Cell[]>;
}

/** Tools of a benchmark. */
export interface Room {
  /** The checkout whose relay is measured. */
  root: string;
  /** A temporary folder of its own, removed at the end. */
  folder: string;
  /** How long one measurement of a rate lasts. */
  milliseconds: number;
  /** Scales what is counted or stored: 1, or less with `--quick`. */
  scale: number;
  wanted(cell: string): boolean;
  skip(cell: string, reason: string): void;
  /** Runs `close` after the last round, before the servers are stopped. */
  atEnd(close: () => unknown): void;
}
