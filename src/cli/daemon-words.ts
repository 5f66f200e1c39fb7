/**
 * Words of a command line that runs the daemon and says nothing else: `orchestrator`, and `--config` with its file.
 * @returns undefined for all others, which need the whole command line
 */
export function daemonWords(words: readonly string[]): { config: string | undefined } | undefined {
  const [command, flag, file] = words;
  if (command !== "orchestrator") return undefined;
  if (words.length === 1) return { config: undefined };
  if (words.length === 3 && flag === "--config" && file && !file.startsWith("-")) return { config: file };
  const joined = words.length === 2 ? flag?.match(/^--config=(.+)$/s)?.[1] : undefined;
  return joined === undefined ? undefined : { config: joined };
}
