import type { RunPart } from "../protocol/run-events.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";

/** Characters of the arguments and of the result of a tool that a line shows. */
const SHOWN = 100;

type Members = Record<string, unknown>;
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

type TimedPart = Pick<RunPart, "turnId" | "part"> & { at?: string };

interface Call {
  name: string;
  input: string;
  at: string | undefined;
}

/**
 * Parts of a run as text for a terminal: the answer as it comes, thinking dimmed, each call of a tool as one line and its result as
 * another. `isFolded`: thinking, and a call with its result, are one line each once they are over; turns have no line between them.
 * @returns the text to write for each part, which may be empty
 */
export function createRunView({ paint }: Pick<Output, "paint">, { isFolded = false } = {}) {
  const calls = new Map<string, Call>();
  /** Ids of open status lines. */
  const lines = new Set<string>();
  /** Thoughts that go on, where they are folded. */
  const thoughts = new Map<string, { text: string; at: string | undefined }>();
  let isAtStart = true;
  let turnId: string | undefined;

  /** On lines of its own. */
  function line(text: string): string {
    const head = isAtStart ? "" : "\n";
    isAtStart = true;
    return `${head}${text}\n`;
  }

  function piece(text: string, dress: (line: string) => string = (same) => same): string {
    if (text === "") return "";
    isAtStart = text.endsWith("\n");
    return text
      .split("\n")
      .map((one) => (one === "" ? "" : dress(one)))
      .join("\n");
  }

  const words = (text: string, of?: string): string =>
    line(paint("cyan", `> ${of === undefined ? "" : `${safeLine(of)}: `}${safeText(text).replaceAll("\n", "\n> ")}`));

  const fresh = (): string => (isAtStart ? "" : line("").slice(0, -1));

  function folding(type: string, key: string, delta: unknown, at: string | undefined): string {
    const { text, at: from } = thoughts.get(key) ?? { text: "", at };
    thoughts.set(key, { text: type === "reasoning-delta" ? text + String(delta) : text, at: from });
    if (type !== "reasoning-end") return "";
    thoughts.delete(key);
    return text.trim() === "" ? "" : line(paint("dim", `· thought${timeBetween(from, at)}: ${folded(text)}`));
  }

  function reasoning(type: string, { id, delta, providerMetadata }: Members, at: string | undefined): string {
    const key = String(id);
    const { status } = Object((providerMetadata as Members | undefined)?.signalbox) as { status?: unknown };
    if (type === "reasoning-start" && status === true) lines.add(key);
    if (type === "reasoning-end" && lines.delete(key)) return "";
    if (lines.has(key))
      return type === "reasoning-delta" ? line(paint("dim", `· ${safeLine(String(delta))}`)) : fresh();
    if (isFolded) return folding(type, key, delta, at);
    if (type !== "reasoning-delta") return fresh();
    return piece(safeText(String(delta)), (one) => paint("dim", one));
  }

  function tool(type: string, part: Members, at: string | undefined): string {
    const { toolCallId, toolName, input, output, errorText, preliminary } = part;
    const id = String(toolCallId);
    if (type === "tool-input-available") {
      const call = { name: safeLine(String(toolName)), input: brief(textOf(input)), at };
      calls.set(id, call);
      return isFolded ? "" : line(`${paint("cyan", "▸")} ${call.name} ${paint("dim", call.input)}`);
    }
    const isError = type === "tool-output-error";
    if (!isError && (type !== "tool-output-available" || preliminary === true)) return "";
    const { name, input: asked, at: from } = calls.get(id) ?? { name: "tool", input: "", at };
    calls.delete(id);
    const { text } = Object(output) as { text?: unknown };
    const came = isError ? brief(textOf(errorText)) : paint("dim", folded(textOf(text ?? output)));
    const call = isFolded ? `${name} ${paint("dim", asked)}${timeBetween(from, at)}` : name;
    return line(`${isError ? paint("red", "✗") : paint("green", "✓")} ${call}: ${came}`);
  }

  function other(type: string, part: Members): string {
    const data = Object(part.data) as Members;
    switch (type) {
      case "text-start":
      case "text-end":
        return fresh();
      case "text-delta":
        return piece(safeText(String(part.delta)));
      case "data-user-message":
        return words(String(data.text));
      case "data-approval":
        return line(`${paint("yellow", "?")} ${approvalLine(data)}`);
      case "data-diff":
        return line(
          `${paint("yellow", "±")} ${safeLine(`${data.change} ${data.path}  +${data.added} -${data.removed}`)}`,
        );
      case "file":
        return line(`${paint("yellow", "+")} ${safeLine(`${part.filename ?? "file"} ${part.url}`)}`);
      case "error":
        return line(paint("red", `✗ ${safeText(String(part.errorText))}`));
      case "abort":
        return line(paint("yellow", `■ aborted${part.reason ? `: ${safeLine(String(part.reason))}` : ""}`));
      default:
        return "";
    }
  }

  return {
    part({ turnId: turn, part, at }: TimedPart): string {
      const type = String(part.type);
      const isNext = !isFolded && type === "start" && turnId !== undefined && turnId !== turn;
      if (type === "start") turnId = turn;
      const head = isNext ? line(paint("dim", `── ${safeLine(turn)}`)) : "";
      if (type.startsWith("reasoning-")) return head + reasoning(type, part, at);
      if (type.startsWith("tool-")) return head + tool(type, part, at);
      return head + other(type, part);
    },
    /** Text on lines of its own, safe already. */
    line,
    /** Words that were said to the agent. */
    words,
    /** Work that goes on now: the newest call of a tool, or thinking; empty for neither. */
    doing(): string {
      const call = [...calls.values()].at(-1);
      if (call) return `▸ ${call.name} ${call.input}`;
      return thoughts.size > 0 ? "thinking" : "";
    },
    /** Ends an open line. */
    end: fresh,
  };
}

/** An approval, and how to answer it while it waits. */
function approvalLine({ id, title, state }: Members): string {
  const about = `${safeLine(String(title))}: ${safeLine(String(state))}`;
  return state === "pending" ? `${about}. Answer it: signalbox approvals answer ${safeLine(String(id))}` : about;
}

/** ` 1.2 s`; empty where a time is not known. */
function timeBetween(from: string | undefined, to: string | undefined): string {
  if (from === undefined || to === undefined) return "";
  return ` ${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)} s`;
}

const brief = (text: string): string => {
  const line = safeLine(text.slice(0, 10 * SHOWN));
  return line.length > SHOWN ? `${line.slice(0, SHOWN).toWellFormed()}…` : line;
};

/** The first line, and how many there are. */
function folded(text: string): string {
  const lines = safeText(text).trim().split("\n");
  return lines.length > 1 ? `${brief(lines[0] ?? "")} (${lines.length} lines)` : brief(text);
}
