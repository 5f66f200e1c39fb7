/** Numbers that look random and are the same for the same seed (mulberry32). */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** Whether something happens that happens in this part of all cases. */
  chance(part: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Another one, for somebody who asks in his own time. */
  fork(): Random;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const random: Random = {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    },
    between: (low, high) => low + Math.floor(random.next() * (high - low + 1)),
    chance: (part) => random.next() < part,
    pick: (items) => items[Math.floor(random.next() * items.length)] as (typeof items)[number],
    fork: () => createRandom(Math.floor(random.next() * 2 ** 32)),
  };
  return random;
}
