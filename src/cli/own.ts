/**
 * Flags of every Bun that runs a program of ours. Without them Bun runs what `bunfig.toml` of the folder it is called in preloads,
 * and takes settings from the `.env` there. Processes do not inherit them.
 */
export const BUN_FLAGS: readonly string[] = ["--config=/dev/null", "--no-env-file"];

/** Command line that starts this program again. A binary is Bun and the program in one, compiled not to read the folder. */
export const ownCommand = (...words: string[]): string[] =>
  Bun.isStandaloneExecutable ? [process.execPath, ...words] : [process.execPath, ...BUN_FLAGS, Bun.main, ...words];
