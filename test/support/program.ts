import { join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";

/** Folder of a built program, where the test command has made one: it starts in half the time of the sources. */
export const BUILT = process.env.TESTED_PROGRAM;
const SRC = join(import.meta.dir, "../../src");

/**
 * Part of the environment of every program that a test starts. The optimising compiler takes a quarter of a start's CPU, and
 * few of them live for long enough to earn that back.
 */
export const ENGINE: Readonly<Record<string, string>> = { BUN_JSC_thresholdForOptimizeAfterWarmUp: "50000" };

/** Command line of the program, without its arguments. */
export const PROGRAM: readonly string[] = [
  ...[process.execPath, ...BUN_FLAGS],
  BUILT === undefined ? `${SRC}/cli/main.ts` : `${BUILT}/signalbox.js`,
];
/** Command line of the relay, without its flags. */
export const RELAY: readonly string[] =
  BUILT === undefined ? [process.execPath, ...BUN_FLAGS, `${SRC}/main.ts`] : [...PROGRAM, "serve"];
