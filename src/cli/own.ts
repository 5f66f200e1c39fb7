/**
 * Flags of every Bun that runs a program of ours. Without them Bun runs what `bunfig.toml` of the folder it is called in preloads,
 * and takes settings from the `.env` there. Processes do not inherit them.
 */
export const BUN_FLAGS: readonly string[] = ["--config=/dev/null", "--no-env-file"];

/** Command line that starts this program again. */
export const ownCommand = (...words: string[]): string[] => [process.execPath, ...BUN_FLAGS, Bun.main, ...words];
