import { z } from "zod";
import { NAMED, strictObject } from "./shape.ts";
import { int } from "./wire.ts";

/** Name of a profile. */
export const ProfileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "has to be a profile's name: lower-case letters, digits, and . _ - after the first")
  .max(64);

/** Limits that an operator sets. The daemon holds them from usage events: it warns once at 80 %, and pauses and asks at the cap. */
export const Caps = strictObject(() => ({
  costUsd: z.number().positive().max(1_000_000).optional().describe("Money of one session's work."),
  costUsdPerDay: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe("Money of a UTC day, of everything that the caps are for."),
  outputTokens: int(1, Number.MAX_SAFE_INTEGER).optional().describe("Tokens that the model writes in one session."),
  runtimeSeconds: int(1, 604_800).optional().describe("Time of one turn, without waiting for people and limits."),
  sessions: int(1, 1000).optional().describe("Live sessions at a time."),
  depth: int(0, 5).optional().describe("Spawned runs above one."),
})).register(NAMED, { id: "Caps" });
export type Caps = z.output<typeof Caps>;
