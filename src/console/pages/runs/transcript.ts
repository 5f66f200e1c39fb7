import type { RunPart } from "../../../protocol/run-events.ts";

interface Common {
  key: string;
  at: string;
}

/** A call of a tool, with its result once there is one. */
export interface ToolBlock extends Common {
  kind: "tool";
  name: string;
  input: unknown;
  output?: Record<string, unknown>;
  error?: string;
  endedAt?: string;
}

/** A stretch of text: said by the agent, thought by it, said to it, or a line about the run. */
export interface TextBlock extends Common {
  kind: "text" | "thought" | "status" | "said";
  text: string;
  /** More of it is to come. */
  isOpen: boolean;
}

/** Beginning or end of a turn, a file that the agent hands over, or a file that it changed. */
export interface MarkBlock extends Common {
  kind: "turn" | "stopped" | "failed" | "file" | "change";
  text: string;
  url?: string;
}

export type Block = ToolBlock | TextBlock | MarkBlock;

/** Parts of a run as a page shows them: neighbouring ones joined to blocks. */
export interface Transcript {
  blocks: readonly Block[];
  /** Blocks that came last were put before the others. */
  isShifted: boolean;
  /** Place of the first and last part; undefined before any. */
  first: number | undefined;
  last: number | undefined;
}

export const NO_TRANSCRIPT: Transcript = { blocks: [], isShifted: false, first: undefined, last: undefined };

/** Adds newer parts. Those that came before are passed over. */
export function withNewer(before: Transcript, parts: readonly RunPart[]): Transcript {
  const fresh = parts.filter(({ place }) => before.last === undefined || place > before.last);
  const last = fresh.at(-1)?.place;
  if (last === undefined) return before;
  const blocks = fold(before.blocks, fresh);
  return { blocks, isShifted: false, first: before.first ?? fresh[0]?.place, last };
}

/** Adds older parts. A block that the edge of a page cut in two is one again. */
export function withOlder(before: Transcript, parts: readonly RunPart[]): Transcript {
  const [first] = parts;
  if (!first) return before;
  const newer = new Map(before.blocks.map((block) => [block.key, block]));
  const older = fold([], parts).map((block) => {
    const rest = newer.get(block.key);
    newer.delete(block.key);
    return rest ? joined(block, rest) : block;
  });
  const last = before.last ?? parts.at(-1)?.place;
  return { blocks: [...older, ...newer.values()], isShifted: true, first: first.place, last };
}

function joined(older: Block, newer: Block): Block {
  if (older.kind === "tool" && newer.kind === "tool")
    return { ...older, ...newer, at: older.at, name: older.name, input: older.input };
  if ("isOpen" in older && "isOpen" in newer)
    return { ...newer, ...older, text: older.text + newer.text, isOpen: newer.isOpen };
  return older;
}

function fold(before: readonly Block[], parts: readonly RunPart[]): Block[] {
  const blocks = [...before];
  const at = new Map(blocks.map(({ key }, index) => [key, index]));
  for (const part of parts) {
    const { key, change } = changeOf(part);
    if (!change) continue;
    const index = at.get(key);
    const made = change(index === undefined ? undefined : blocks[index]);
    if (!made) continue;
    at.set(key, index ?? blocks.length);
    blocks[index ?? blocks.length] = made;
  }
  return blocks;
}

type Change = (before: Block | undefined) => Block | undefined;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** Effect of one part on the block that it belongs to. Parts that show nothing have none. */
function changeOf({ place, turnId, at, part }: RunPart): { key: string; change?: Change } {
  const type = textOf(part.type);
  const here = { key: `${place}`, at };
  const mark = (kind: MarkBlock["kind"], text: string, url?: string) => ({
    key: here.key,
    change: () => ({ ...here, kind, text, ...(url !== undefined && { url }) }),
  });
  if (part.toolCallId !== undefined) return toolChange(`${turnId} call ${textOf(part.toolCallId)}`, at, part);
  if (/^(text|reasoning)-(start|delta|end)$/.test(type)) return textChange(`${turnId} ${textOf(part.id)}`, at, part);
  const data = membersOf(part.data);
  switch (type) {
    case "start":
      return mark("turn", "");
    case "abort":
      return mark("stopped", textOf(part.reason));
    case "error":
      return mark("failed", textOf(part.errorText));
    case "file":
      return mark("file", textOf(part.filename) || "a file", textOf(part.url));
    case "data-diff":
      return mark(
        "change",
        `${textOf(data.change)} ${textOf(data.path)} +${Number(data.added)} −${Number(data.removed)}`,
      );
    case "data-user-message":
      return { key: here.key, change: () => ({ ...here, kind: "said", text: textOf(data.text), isOpen: false }) };
    default:
      return { key: here.key };
  }
}

function textChange(key: string, at: string, part: RunPart["part"]): { key: string; change: Change } {
  const type = textOf(part.type);
  const kind = type.startsWith("text") ? "text" : textOf(part.id).startsWith("status-") ? "status" : "thought";
  return {
    key,
    change(before) {
      const had = before && "isOpen" in before ? before : undefined;
      const text = (had?.text ?? "") + textOf(part.delta);
      return { ...(had ?? { key, at, kind }), text, isOpen: !type.endsWith("-end") };
    },
  };
}

function toolChange(key: string, at: string, part: RunPart["part"]): { key: string; change: Change } {
  return {
    key,
    change(before) {
      const had: ToolBlock =
        before?.kind === "tool" ? before : { kind: "tool", key, at, name: "tool", input: undefined };
      const ends = part.preliminary === true ? {} : { endedAt: at };
      if (part.type === "tool-output-error") return { ...had, error: textOf(part.errorText), endedAt: at };
      if (part.type === "tool-output-available") return { ...had, output: membersOf(part.output), ...ends };
      return { ...had, name: textOf(part.toolName) || had.name, input: part.input ?? had.input };
    },
  };
}

/** Members of a tool's input that say what it acts on, in order. */
const TARGETS = ["command", "cmd", "file_path", "path", "url", "pattern", "query", "description", "prompt"];

/** Object of a call, in one line: the command, the file, the address. */
export function targetOf(input: unknown): string {
  const members = membersOf(input);
  const named = TARGETS.map((name) => members[name]).find((value) => value !== undefined);
  const value = named ?? Object.values(members).find((one) => typeof one === "string") ?? "";
  return (Array.isArray(value) ? value.join(" ") : String(value)).split("\n", 1)[0]?.slice(0, 300) ?? "";
}

/** Exit code of a command that a tool ran, where its result says one. */
export function exitOf({ output }: ToolBlock): number | undefined {
  const code = output?.exitCode ?? output?.exit_code;
  return typeof code === "number" ? code : undefined;
}
