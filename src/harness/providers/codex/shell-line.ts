const SHELL = /^(\/\S*\/)?(ba|z|da|fi)?sh$/;

/**
 * Line that a shell runs, of a command like `/bin/bash -lc 'git status'`; the whole command where it is none, or cannot be read
 * without doubt.
 */
export function shellLine(command: string): string {
  const words = wordsOf(command);
  const [shell = "", flag = "", line] = words ?? [];
  return words?.length === 3 && SHELL.test(shell) && /^-l?c$/.test(flag) && line ? line : command;
}

const WORD = /'([^']*)'|"((?:[^"\\$`]|\\["\\$`])*)"|\\(.)|([^\s'"\\$`;&|<>()*?[\]{}#~!]+)|(\s+)/suy;

/** Words of a quoted command line; undefined where a shell would expand something. */
function wordsOf(command: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  WORD.lastIndex = 0;
  while (WORD.lastIndex < command.length) {
    const match = WORD.exec(command);
    if (!match) return undefined;
    const [, single, double, escaped, plain, space] = match;
    if (space === undefined)
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain);
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}
