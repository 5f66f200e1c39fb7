import type { RunPart } from "../protocol/run-events.ts";
import type { Output } from "./output.ts";
import { safeLine, safeText } from "./screen.ts";

/** Characters of the arguments and of the result of a tool that a line shows. */
const SHOWN = 100;

type Members = Record<string, unknown>;
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

/**
 * Parts of a run as text for a terminal: the answer as it comes, thinking dimmed, each call of a tool as one line and its result as
 * another. @returns the text to write for each part, which may be empty
 */
export function createRunView({ paint }: Pick<Output, "paint">) {
  const names = new Map<string, string>();
  /** Ids of open status lines. */
  const lines = new Set<string>();
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

  const fresh = (): string => (isAtStart ? "" : line("").slice(0, -1));

  function reasoning(type: string, { id, delta, providerMetadata }: Members): string {
    const key = String(id);
    const { status } = Object((providerMetadata as Members | undefined)?.signalbox) as { status?: unknown };
    if (type === "reasoning-start" && status === true) lines.add(key);
    if (type === "reasoning-end") {
      if (lines.delete(key)) return "";
      return fresh();
    }
    if (type === "reasoning-start") return fresh();
    if (lines.has(key)) return line(paint("dim", `· ${safeLine(String(delta))}`));
    return piece(safeText(String(delta)), (one) => paint("dim", one));
  }

  function tool(type: string, { toolCallId, toolName, input, output, errorText, preliminary }: Members): string {
    const id = String(toolCallId);
    if (type === "tool-input-available") {
      names.set(id, safeLine(String(toolName)));
      return line(`${paint("cyan", "▸")} ${names.get(id)} ${paint("dim", brief(textOf(input)))}`);
    }
    const name = names.get(id) ?? "tool";
    if (type === "tool-output-error") return line(`${paint("red", "✗")} ${name}: ${brief(textOf(errorText))}`);
    if (type !== "tool-output-available" || preliminary === true) return "";
    const { text } = Object(output) as { text?: unknown };
    return line(`${paint("green", "✓")} ${name}: ${paint("dim", folded(textOf(text ?? output)))}`);
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
        return line(paint("cyan", `> ${safeText(String(data.text)).replaceAll("\n", "\n> ")}`));
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
    part({ turnId: turn, part }: Pick<RunPart, "turnId" | "part">): string {
      const type = String(part.type);
      const isNext = type === "start" && turnId !== undefined && turnId !== turn;
      if (type === "start") turnId = turn;
      const head = isNext ? line(paint("dim", `── ${safeLine(turn)}`)) : "";
      if (type.startsWith("reasoning-")) return head + reasoning(type, part);
      if (type.startsWith("tool-")) return head + tool(type, part);
      return head + other(type, part);
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

const brief = (text: string): string => {
  const line = safeLine(text.slice(0, 10 * SHOWN));
  return line.length > SHOWN ? `${line.slice(0, SHOWN).toWellFormed()}…` : line;
};

/** The first line, and how many there are. */
function folded(text: string): string {
  const lines = safeText(text).trim().split("\n");
  return lines.length > 1 ? `${brief(lines[0] ?? "")} (${lines.length} lines)` : brief(text);
}
