import { ENGINE, PROGRAM } from "./program.ts";
import { until } from "./until.ts";

/** Rows that a terminal shows, those that have scrolled away too. Knows what a prompt line needs: text, wraps, moves, clearing. */
function createScreen(columns: number) {
  const rows: string[] = [""];
  let row = 0;
  let column = 0;
  /** Beginning of a control sequence that came without its end. */
  let begun = "";

  function put(character: string): void {
    if (column === columns) down(0);
    const line = (rows[row] ?? "").padEnd(column);
    rows[row] = line.slice(0, column) + character + line.slice(column + 1);
    column += 1;
  }

  function down(to: number): void {
    row += 1;
    column = to;
    rows[row] ??= "";
  }

  function control(count: number, letter: string): void {
    if (letter === "A") row = Math.max(0, row - count);
    else if (letter === "B") row += count;
    else if (letter === "C") column = Math.min(columns - 1, column + count);
    else if (letter === "D") column = Math.max(0, column - count);
    else if (letter === "G") column = count - 1;
    else if (letter === "J" || letter === "K") {
      rows[row] = (rows[row] ?? "").slice(0, column);
      if (letter === "J") rows.splice(row + 1);
    }
  }

  return {
    take(bytes: string): void {
      const all = begun + bytes;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control sequences
      begun = /\x1b(?:\[\??[\d;]*)?$/.exec(all)?.[0] ?? "";
      const text = all.slice(0, all.length - begun.length);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control sequences
      for (const [found, count, letter] of text.matchAll(/\x1b\[\??(\d*)(?:;\d+)*([A-Za-z])|[\s\S]/g)) {
        if (letter !== undefined) control(Number(count || 1) || 1, letter);
        else if (found === "\r") column = 0;
        else if (found === "\n") down(column);
        else if (found >= " ") put(found);
      }
    },
    rows: (): string[] => rows.map((line) => line.trimEnd()),
  };
}

/** The program in a terminal of its own. */
export function startInTerminal(args: string[], env: Record<string, string>, columns = 100) {
  const screen = createScreen(columns);
  const decoder = new TextDecoder();
  const child = Bun.spawn([...PROGRAM, ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: "/tmp", TERM: "xterm", NO_COLOR: "1", ...ENGINE, ...env },
    terminal: {
      cols: columns,
      rows: 40,
      data: (_, bytes) => screen.take(decoder.decode(bytes, { stream: true })),
    },
  });
  return {
    type: (text: string): void => void child.terminal?.write(text),
    rows: screen.rows,
    /** Waits until a row shows a text. */
    async shows(text: string): Promise<void> {
      const found = until(() => screen.rows().some((row) => row.includes(text)), `a row with ${text}`);
      await found.catch((error) => {
        throw new Error(`${error.message}\n${screen.rows().join("\n")}`);
      });
    },
    exited: child.exited,
    kill: () => child.kill(9),
  };
}
