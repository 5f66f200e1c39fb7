import type { Row } from "./bench.ts";
import { processorSeconds } from "./child.ts";

/** Measures a rate and, beside it, the processor time that the server spent on each operation: on a busy machine that moves far less. */
export async function costed(server: { pid: number }, measure: () => Promise<number>): Promise<[number, number]> {
  const before = await processorSeconds(server.pid);
  const start = performance.now();
  const rate = await measure();
  const count = rate * ((performance.now() - start) / 1000);
  return [rate, (((await processorSeconds(server.pid)) - before) / count) * 1e6];
}

/** The row of the processor time beside a row of a rate. */
export const costRow = (rate: Row): Row => ({ name: costOf(rate.name), unit: "µs" });

export const costOf = (rate: string): string => `CPU of each: ${rate}`;
