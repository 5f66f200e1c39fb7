/**
 * Flags of every Bun that runs a program of ours. Without them Bun preloads the files that `bunfig.toml` of the current folder names,
 * reads settings from its `.env`, and runs the file that `paths` of its `tsconfig.json` put in the program's place. Processes do not
 * inherit the flags.
 */
export const BUN_FLAGS: readonly string[] = ["--config=/dev/null", "--no-env-file", "--tsconfig-override=/dev/null"];

/** Command line that starts this program again. A binary is Bun and the program in one, compiled not to read the folder. */
export const ownCommand = (...words: string[]): string[] =>
  Bun.isStandaloneExecutable ? [process.execPath, ...words] : [process.execPath, ...BUN_FLAGS, Bun.main, ...words];
