import { randomBytes } from "node:crypto";

/**
 * Makes a prefixed id that sorts by time: 9 base-36 digits of milliseconds, then 60 random bits.
 * @example newId("tok", clock.now()) // "tok_0mf3k2j1a7x2c9q4b0d8"
 */
export function newId(prefix: string, now: number): string {
  const random = BigInt(`0x${randomBytes(8).toString("hex")}`) & ((1n << 60n) - 1n);
  return `${prefix}_${now.toString(36).padStart(9, "0")}${random.toString(36).padStart(12, "0")}`;
}
