import fc from "fast-check";

/** How many cases a property is held against: `atLeast` always, up to `atMost` while `seconds` last. */
export interface Bounds {
  seed: number;
  atLeast: number;
  atMost: number;
  seconds: number;
}

/** Cases between two looks at the time. */
const CHUNK = 50;

/** Holds the property against generated cases and prints how many there were. A busy machine gets fewer, never less than `atLeast`. */
export async function assertBounded<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  property: (given: T) => Promise<unknown>,
  { seed, atLeast, atMost, seconds }: Bounds,
): Promise<void> {
  const clock = stopwatch(seconds);
  let ran = 0;
  const counted = fc.asyncProperty(arbitrary, async (given) => {
    ran++;
    await property(given);
  });
  await fc.assert(counted, { seed, numRuns: atLeast });
  for (let round = 1; ran < atMost && clock.isRunning(); round++)
    await fc.assert(counted, { seed: seed + round, numRuns: Math.min(CHUNK, atMost - ran) });
  report(name, ran);
}

/** Tells whether `seconds` have passed since it was made. */
export function stopwatch(seconds: number): { isRunning(): boolean } {
  const end = performance.now() + seconds * 1000;
  return { isRunning: () => performance.now() < end };
}

export function report(name: string, ran: number, of?: number): void {
  console.log(`${name}: ${ran}${of === undefined ? "" : ` of ${of}`} cases`);
}
