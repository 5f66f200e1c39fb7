import type { ScratchRelay } from "../scratch-relay.ts";

const SHORTEST_MS = 40;
const LONGEST_MS = 400;
/** A relay that was just started answers slowly, and a chain of runs takes some forty steps. */
const LONGEST_CALM_MS = 1000;
const KILLING_MS = 20_000;
const LOOK_MS = 10;
/** Longest wait for a step of the story. */
const MAX_STEP_MS = 1000;

interface Watched {
  /** Steps of the story until now. */
  steps(): number;
  onKill(kill: number): void;
  /** Half of the kills, or of the time, is over. */
  onHalf(): void;
}

/**
 * Kills the relay and starts it again, after pauses that the seed decides.
 * @returns the number of kills
 */
export async function killOften(
  relay: ScratchRelay,
  { kills, seed }: { kills?: number; seed: number },
  { steps, onKill, onHalf }: Watched,
): Promise<number> {
  const random = createRandom(seed);
  const begin = performance.now();
  const done = (kill: number) => (kills === undefined ? (performance.now() - begin) / KILLING_MS : kill / kills);
  let isCalm = false;
  for (let kill = 1; ; kill++) {
    const before = steps();
    await Bun.sleep(SHORTEST_MS + random() * ((isCalm ? LONGEST_CALM_MS : LONGEST_MS) - SHORTEST_MS));
    // Each kill is at another place of the story, also on a slow machine.
    for (let waited = 0; steps() === before && waited < MAX_STEP_MS; waited += LOOK_MS) await Bun.sleep(LOOK_MS);
    await relay.kill();
    await relay.start();
    onKill(kill);
    if (done(kill) >= 1) return kill;
    if (isCalm || done(kill) < 0.5) continue;
    isCalm = true;
    onHalf();
  }
}

/** mulberry32: small, seeded, good enough to choose moments. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
