import type { List } from "../protocol/wire.ts";
import { safeJson, safeLine } from "./screen.ts";

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Colour = keyof typeof CODES;

/** Output of a command. Text by others must be made safe (screen.ts) first; JSON and tables do that themselves. */
export interface Output {
  readonly json: boolean;
  /** Prints the answer: one JSON value with --json, else the text of `human`. */
  show(value: unknown, human: () => string): Promise<void>;
  /** Prints one page of a list: its items by `text`, or `none`, and how to get the next page. */
  page<Item>(list: List<Item>, none: string, text: (items: Item[]) => string): Promise<void>;
  /** Prints one more item of an endless answer: a line of JSON with --json, else the text of `human`. */
  item(value: unknown, human: () => string): Promise<void>;
  /** Prints text as it is, which may be a part of a line. */
  write(text: string): Promise<void>;
  /** Prints a remark to stderr. */
  note(text: string): void;
  paint(colour: Colour, text: string): string;
  /** Rows in columns, safe, cut at the width of the terminal. */
  table(head: string[], rows: string[][]): string;
}

export function createOutput({ json, colours }: { json: boolean; colours: boolean }): Output {
  const { stdout, stderr } = process;
  const paintOn = colours && stdout.isTTY === true && !json;

  /** Resolves when the text is written: only then may a message be acknowledged. */
  const raw = (text: string) =>
    new Promise<void>((resolve, reject) => stdout.write(text, (error) => (error ? reject(error) : resolve())));
  const write = (text: string) => raw(`${text}\n`);
  const paint = (colour: Colour, text: string) => (paintOn ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text);

  const show = (value: unknown, human: () => string) =>
    write(json ? safeJson(value, stdout.isTTY ? 2 : undefined) : human());

  return {
    json,
    paint,
    show,
    page: (list, none, text) =>
      show(list, () => {
        const { items, nextPage } = list;
        if (nextPage === null) return items.length > 0 ? text(items) : none;
        const more = `There is more: --page ${safeLine(nextPage)}`;
        return items.length > 0 ? `${text(items)}\n${more}` : more;
      }),
    item: (value, human) => write(json ? safeJson(value) : human()),
    write: (text) => (text === "" ? Promise.resolve() : raw(text)),
    note: (text) => void stderr.write(`${text}\n`),
    table(head, rows) {
      const cells = [head, ...rows].map((row) => row.map(safeLine));
      const widths = head.map((_, column) => Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))));
      // Some terminals report zero columns.
      const room = stdout.isTTY ? stdout.columns || 80 : Number.POSITIVE_INFINITY;
      const lines = cells.map((row) => fit(row.map((cell, n) => padded(cell, widths[n] ?? 0)).join("  "), room));
      return lines.map((line, n) => (n === 0 ? paint("dim", line) : line)).join("\n");
    },
  };
}

const padded = (cell: string, width: number) => cell + " ".repeat(Math.max(0, width - Bun.stringWidth(cell)));

/** Line cut to a width of columns. */
export function fit(line: string, room: number): string {
  const trimmed = line.trimEnd();
  if (Bun.stringWidth(trimmed) <= room) return trimmed;
  let cut = trimmed.slice(0, room);
  while (cut !== "" && Bun.stringWidth(cut) > room - 1) cut = cut.slice(0, -1);
  return `${cut.toWellFormed()}…`;
}
