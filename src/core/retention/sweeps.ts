import { DAY_MS, HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { Base } from "../base.ts";
import type { Caution } from "./caution.ts";

/** The due row of a sweep, by its name. */
const SWEEP = "retention.sweep";
/** Time from a start, or a jump of the clock, to the first slice: the log of messages has been swept by then. */
const FIRST_MS = 120_000;

/** The part of a sweep that one write does. */
export interface Slice {
  /** Rows that ended before this are old enough. */
  before: number;
  /** Newest message that retention has passed. */
  floor: number;
  limit: number;
  /** The place that the last slice answered. */
  from?: unknown;
}

/** Rows of an area that go with age, an hour after they are old enough at the latest. */
export interface Sweep {
  name: string;
  /** Age at which rows go; the retention time by default. */
  keepMs?: number;
  /** Rows of one slice. */
  limit: number;
  /** Deletes one slice. Answers the rows it visited, or the place where the next slice begins. */
  sweep(tx: Tx, slice: Slice): Promise<number | { from: unknown }>;
}

/** Runs every sweep once an hour, a slice a write; none while a jump of the clock makes everything look old. */
export function createSweeps({ kernel, options, rows }: Base, caution: Caution) {
  const { clock, due } = kernel;
  const known = new Map<string, Sweep>();

  async function run(tx: Tx, { key, data }: DueRow): Promise<void> {
    const sweep = known.get(key);
    if (!sweep) return;
    const next = (await caution.isOn(tx)) ? undefined : await slice(tx, sweep, data.from);
    await due.schedule(tx, SWEEP, key, clock.now() + (next ? 0 : HOUR_MS), next);
  }

  /** Answers where to go on; undefined at the end. */
  async function slice(tx: Tx, { keepMs, limit, sweep }: Sweep, from: unknown) {
    const before = clock.now() - (keepMs ?? options.retentionDays * DAY_MS);
    const floor = await rows.messages.floor(tx);
    const did = await sweep(tx, { before, floor, limit, from });
    if (typeof did === "object") return { from: did.from };
    return did >= limit ? {} : undefined;
  }

  return {
    add(sweeps: readonly Sweep[]): void {
      for (const sweep of sweeps) known.set(sweep.name, sweep);
    },
    /** Plans every sweep anew: after the clock was set back the next would be in a far future. */
    async plan(tx: Tx, now: number): Promise<void> {
      for (const name of known.keys()) await due.schedule(tx, SWEEP, name, now + FIRST_MS);
    },
    dueHandlers: { [SWEEP]: run },
  };
}
