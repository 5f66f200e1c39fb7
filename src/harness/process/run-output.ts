import { claudeLine } from "./claude-lines.ts";
import { codexLine } from "./codex-lines.ts";
import type { LineEvent, LineReader, LineState, RunSink } from "./run-sink.ts";

/** Longest first line that is looked at. */
const FIRST_BYTES = 64 * 1024;

/**
 * Reads the stdout of a command. Output that begins with JSON lines of Claude Code (`--output-format stream-json`) or Codex (`exec
 * --json`) becomes their events; everything else is the answer as text.
 */
export function createRunOutput(sink: RunSink) {
  const state: LineState = {};
  const decoder = new TextDecoder();
  let rest = "";
  let read: ((text: string) => void) | undefined;

  function begin(isEnd: boolean): void {
    const end = rest.indexOf("\n");
    if (end === -1 && !isEnd && rest.length < FIRST_BYTES) return;
    const line = readerOf(end === -1 ? rest : rest.slice(0, end));
    read = line ? (text) => eachLine(text, line) : sink.say;
    const text = rest;
    rest = "";
    read(text);
  }

  function eachLine(text: string, line: LineReader): void {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const one of lines) takeLine(one, line);
  }

  function takeLine(text: string, line: LineReader): void {
    const event = objectIn(text);
    if (event) line(event, sink, state);
    else if (text.trim() !== "") sink.say(`${text}\n`);
  }

  function take(text: string): void {
    if (text === "") return;
    if (read) read(text);
    else {
      rest += text;
      begin(false);
    }
  }

  return {
    take: (chunk: Uint8Array): void => take(decoder.decode(chunk, { stream: true })),
    /** Takes the last line, which may have no end. @returns the answer as the CLI calls it; undefined for plain text */
    end(): string | undefined {
      take(decoder.decode());
      if (!read && rest !== "") begin(true);
      if (rest !== "") read?.("\n");
      return state.answer;
    },
  };
}

/** Reader for output whose first line is this one; undefined for plain text. */
function readerOf(first: string): LineReader | undefined {
  const { type, session_id, thread_id } = objectIn(first) ?? {};
  if (typeof type !== "string") return undefined;
  if (typeof session_id === "string") return claudeLine;
  return typeof thread_id === "string" || /^(thread|turn|item)\./.test(type) ? codexLine : undefined;
}

function objectIn(line: string): LineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
