import pino, { type Logger } from "pino";

const LEVELS: Record<number, string> = { 10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };
/** Control characters, and those that turn the direction of text. */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const PLAIN = /^[\w.:/@%+,-]+$/;

/**
 * The server's log on stdout: readable on a terminal, else a JSON object a line. Written at once and in order: the first line with
 * `"url"` is read by the program that started the server.
 */
export function createLogger(level: string): Logger {
  if (!process.stdout.isTTY) return pino({ level }, pino.destination({ sync: true }));
  return pino({ level }, { write: (line: string) => void process.stdout.write(`${readableLine(line)}\n`) });
}

/** `12:30:01.250 INFO  Signalbox listens on http://127.0.0.1:4747  version=0.1.0`. An error's stack follows in lines of its own. */
function readableLine(json: string): string {
  const { level, time, msg, pid: _p, hostname: _h, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const at = new Date(Number(time)).toTimeString().slice(0, 8);
  const millis = String(Number(time) % 1000).padStart(3, "0");
  const pairs = Object.entries(fields).map(([name, value]) => `${safe(name)}=${fieldText(value)}`);
  const head = [`${at}.${millis}`, (LEVELS[Number(level)] ?? "").toUpperCase().padEnd(5), safe(String(msg ?? ""))].join(
    " ",
  );
  return [pairs.length ? `${head}  ${pairs.join(" ")}` : head, ...errorLines(err)].join("\n");
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return typeof value === "string" && !PLAIN.test(value) ? safe(JSON.stringify(value)) : safe(text);
}

function errorLines(err: unknown): string[] {
  if (typeof err !== "object" || err === null) return [];
  const { stack, message } = err as { stack?: string; message?: string };
  return String(stack ?? message ?? "")
    .split("\n")
    .map((line) => `    ${safe(line.trim())}`);
}

const safe = (text: string): string =>
  text.replace(UNSAFE, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
