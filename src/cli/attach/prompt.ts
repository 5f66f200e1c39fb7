import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { fit } from "../output.ts";

/** Lines that come within this time are one text: a paste. */
const PASTE_MS = 20;
const PROMPT = "> ";

export interface Prompt {
  /** Shows text above the prompt: whole lines stay, an open one goes on. */
  write(text: string): void;
  /** Asks a question, which the next line answers. */
  ask(question: string, answered: (line: string) => void): void;
  close(): void;
}

interface PromptOptions {
  /** One row above the prompt. */
  status(): string;
  /** Words that Tab completes. */
  words: readonly string[];
  onText(text: string): void;
  /** Ctrl-C. */
  onInterrupt(): void;
  /** Ctrl-D, or the end of the terminal. */
  onEnd(): void;
}

/**
 * Line at the bottom of a terminal in which a person types while text comes above it. The newest open line of the text, a row of
 * status and the prompt are drawn again at each change.
 */
export function openPrompt({ status, words, onText, onInterrupt, onEnd }: PromptOptions): Prompt {
  const { stdin, stdout } = process;
  const completer = (line: string): [string[], string] => [words.filter((word) => word.startsWith(line)), line];
  const reader = createInterface({ input: stdin, output: stdout, terminal: true, completer });
  let open = "";
  let question: { text: string; answered(line: string): void } | undefined;
  let typed: string[] = [];
  let paste: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function draw(): void {
    if (isClosed) return;
    reader.setPrompt([...tailOf(open), fit(status(), stdout.columns || 80), question?.text ?? PROMPT].join("\n"));
    reader.prompt(true);
  }

  /** Clears what is drawn, `rows` up from the cursor. */
  function clear(rows: number): void {
    moveCursor(stdout, 0, -rows);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
  }

  function write(text: string): void {
    if (isClosed) return void stdout.write(text);
    open += text;
    const end = open.lastIndexOf("\n") + 1;
    const whole = open.slice(0, end);
    open = open.slice(end);
    if (whole !== "") {
      const { rows } = reader.getCursorPos();
      clear(rows);
      // The reader goes up by as many rows before it draws.
      stdout.write(`${whole}${"\n".repeat(rows)}`);
    }
    draw();
  }

  function takePaste(): void {
    const text = typed.join("\n");
    typed = [];
    onText(text);
    draw();
  }

  reader.on("line", (line) => {
    clear(rowsOf(`${reader.getPrompt()}${line}`, stdout.columns || 80) + 1);
    const asked = question;
    question = undefined;
    if (asked) asked.answered(line);
    else {
      typed.push(line);
      clearTimeout(paste);
      paste = setTimeout(takePaste, PASTE_MS);
    }
    draw();
  });
  reader.on("SIGINT", onInterrupt);
  reader.on("close", () => {
    isClosed = true;
    clearTimeout(paste);
    onEnd();
  });
  stdout.on("resize", draw);
  draw();
  return {
    write,
    ask(text, answered) {
      question = { text, answered };
      draw();
    },
    close: () =>
      closeReader(
        reader,
        () => clear(reader.getCursorPos().rows),
        () => void stdout.write(open),
        draw,
      ),
  };
}

function closeReader(reader: Interface, clear: () => void, flush: () => void, draw: () => void): void {
  process.stdout.off("resize", draw);
  clear();
  flush();
  reader.close();
}

/** The end of an open line that fits on half of the screen; none for an empty one. */
function tailOf(open: string): string[] {
  if (open === "") return [];
  const { columns, rows } = process.stdout;
  const room = (columns || 80) * Math.max(1, Math.floor((rows || 24) / 2));
  const plain = stripVTControlCharacters(open);
  return [plain.length <= room / 2 ? open : plain.slice(-Math.floor(room / 2)).toWellFormed()];
}

/** Rows above the one in which a text ends. */
function rowsOf(text: string, columns: number): number {
  const lines = text.split("\n").map((line) => Bun.stringWidth(line));
  const last = lines.pop() ?? 0;
  return lines.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), Math.floor(last / columns));
}
