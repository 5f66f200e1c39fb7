import type { Bench, Cell, Ratio, Room, Row } from "./bench.ts";
import { lastWords, stopChildren } from "./child.ts";
import { median } from "./stats.ts";

/** Results of one row: one value for each round. */
export interface Result extends Row {
  values: number[];
  median: number;
  /** Whether it kept its limit; undefined where there is none. */
  kept?: boolean;
}

const LONGEST_MEASUREMENT_MS = 10 * 60_000;

/**
 * Runs the cells of a bench in turn, `rounds` times, after one round that counts for nothing. The cells of a second room, of
 * another commit, take turns with those of the first.
 */
export async function runBench(
  bench: Bench,
  rooms: readonly Room[],
  rounds: number,
  close: () => Promise<unknown>,
): Promise<Result[]> {
  const byRow = new Map<Row, number[]>();
  const failed = new Set<Cell>();
  try {
    const cells = await openAll(bench, rooms);
    for (let round = 0; round <= rounds; round += 1) {
      for (const cell of cells) {
        if (failed.has(cell)) continue;
        const values = await measured(cell).catch((error: unknown) => leaveOut(cell, error));
        if (!values) {
          failed.add(cell);
          for (const row of cell.rows) byRow.delete(row);
          continue;
        }
        progress(`${round === 0 ? "warm-up" : `round ${round}`} ${cell.name}`, values);
        if (round === 0) continue;
        for (const [n, row] of cell.rows.entries())
          byRow.set(row, [...(byRow.get(row) ?? []), values[n] ?? Number.NaN]);
      }
    }
  } catch (error) {
    console.error(await lastWords());
    throw error;
  } finally {
    await close();
    await stopChildren();
  }
  const results = [...byRow].map(([row, values]) => toResult(row, values));
  return [...results, ...ratiosOf(bench.ratios, results), ...ratiosOf(results.flatMap(toChange), results)];
}

/** @throws the error where the run cannot go on without the cell */
function leaveOut({ name, mayFail }: Cell, error: unknown): undefined {
  if (!mayFail) throw error;
  console.error(`  left out ${name}: ${error instanceof Error ? error.message : error}`);
}

async function openAll(bench: Bench, rooms: readonly Room[]): Promise<Cell[]> {
  const sets: Cell[][] = [];
  for (const room of rooms) sets.push((await bench.open(room)).filter((cell) => room.wanted(cell.name)));
  const [own = [], ...others] = sets;
  return own.flatMap((cell) => [
    cell,
    ...others
      .flat()
      .filter(({ name }) => name === cell.name)
      .map(before),
  ]);
}

const BEFORE = " (before)";
const before = (cell: Cell): Cell => ({
  ...cell,
  name: cell.name + BEFORE,
  rows: cell.rows.map(({ name, unit }) => ({ name: name + BEFORE, unit })),
});

/** A figure beside that of the other commit. */
const toChange = ({ name }: Result): Ratio[] => [{ name: `${name} / before`, unit: "x", of: [name, name + BEFORE] }];

async function measured(cell: Cell): Promise<number[]> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${cell.name} took too long`)), LONGEST_MEASUREMENT_MS);
  return await Promise.race([cell.measure(), late.promise]).finally(() => clearTimeout(timer));
}

function ratiosOf(ratios: readonly Ratio[], results: readonly Result[]): Result[] {
  return ratios.flatMap(({ of: [numerator, denominator], ...row }) => {
    const above = results.find(({ name }) => name === numerator);
    const below = results.find(({ name }) => name === denominator);
    if (!above || !below) return [];
    return [
      toResult(
        row,
        above.values.map((value, round) => value / (below.values[round] ?? Number.NaN)),
      ),
    ];
  });
}

function toResult(row: Row, values: number[]): Result {
  const middle = median(values);
  const limited = row.atLeast !== undefined || row.atMost !== undefined;
  const kept =
    middle >= (row.atLeast ?? Number.NEGATIVE_INFINITY) && middle <= (row.atMost ?? Number.POSITIVE_INFINITY);
  return { ...row, values, median: middle, ...(limited && { kept }) };
}

function progress(what: string, values: readonly number[]) {
  console.error(`  ${what}: ${values.map((value) => value.toPrecision(4)).join(", ")}`);
}
