import { createScanner, findNodeAtLocation, type JSONPath, type Node, parseTree } from "jsonc-parser";

/** The library's `SyntaxKind`, a const enum that cannot be imported. */
const KIND = { comma: 5, lineComment: 12, blockComment: 13, lineBreak: 14, trivia: 15, end: 17 };

// Edits of JSON text, with comments or without, that keep every other character. The library's own edits reformat the lines
// around them. Paths name members and items that exist.

/** Replaces a value. */
export function replaceAt(text: string, path: JSONPath, value: unknown): string {
  const node = nodeAt(text, path);
  const now = written(value, indentOf(text, node.offset), layoutOf(text));
  return text.slice(0, node.offset) + now + text.slice(node.offset + node.length);
}

/** Appends a member to the object at a path, or an item to the array. */
export function addTo(text: string, path: JSONPath, name: string | undefined, value: unknown): string {
  const layout = layoutOf(text);
  const container = nodeAt(text, path);
  const children = container.children ?? [];
  const last = children.at(-1);
  const indent = childIndent(text, container, layout);
  const inLines = last === undefined || isInLines(text, container);
  const key = name === undefined ? "" : `${JSON.stringify(name)}: `;
  const member = key + (inLines ? written(value, indent, layout) : JSON.stringify(value));
  const from = last ? endOf(last) : container.offset + 1;
  const { end, comma, endsLine } = afterLast(text, from, endOf(container));
  const isLined = inLines || endsLine;
  const before = isLined ? layout.eol + indent : " ";
  if (last === undefined) {
    const closes = /^\s*\n/.test(text.slice(end, endOf(container)))
      ? ""
      : layout.eol + indentOf(text, container.offset);
    return text.slice(0, end) + before + member + closes + text.slice(end);
  }
  if (comma !== undefined) return `${text.slice(0, end)}${before}${member},${text.slice(end)}`;
  return `${text.slice(0, from)},${text.slice(from, end)}${before}${member}${text.slice(end)}`;
}

/** Removes a member or an item, and the comma that is no longer needed. */
export function removeAt(text: string, path: JSONPath): string {
  const container = nodeAt(text, path.slice(0, -1));
  const children = container.children ?? [];
  const name = path.at(-1);
  const at = children.findIndex((child, index) =>
    container.type === "array" ? index === name : child.children?.[0]?.value === name,
  );
  const child = children[at];
  if (!child) return text;
  const previous = children[at - 1];
  const { end: begin, endsLine } = lastTokenBefore(
    text,
    previous ? endOf(previous) : container.offset + 1,
    child.offset,
  );
  const own = restOfLine(text, endOf(child)).comma;
  if (own !== undefined) {
    // A line comment before it would swallow the rest of a joined line.
    const isJoined = endsLine && !/^[ \t]*\r?\n/.test(text.slice(own + 1));
    return (
      text.slice(0, isJoined ? child.offset : begin) + text.slice(own + 1).replace(/^[ \t]+/, isJoined ? "" : "$&")
    );
  }
  const comma = previous && commaAfter(text, endOf(previous));
  const head = comma === undefined ? text.slice(0, begin) : text.slice(0, comma) + text.slice(comma + 1, begin);
  return head + text.slice(endOf(child));
}

const endOf = ({ offset, length }: Node): number => offset + length;

function nodeAt(text: string, path: JSONPath): Node {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const node = root && findNodeAtLocation(root, path);
  if (!node) throw new Error(`nothing is at ${path.join(".")}`);
  return node;
}

interface Layout {
  unit: string;
  eol: string;
}

const layoutOf = (text: string): Layout => ({
  unit: /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ",
  eol: text.includes("\r\n") ? "\r\n" : "\n",
});

const written = (value: unknown, indent: string, { unit, eol }: Layout): string =>
  JSON.stringify(value, null, unit).replaceAll("\n", eol + indent);

/** White space at the beginning of the line. */
function indentOf(text: string, offset: number): string {
  const begin = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(begin, offset))?.[0] ?? "";
}

const isInLines = (text: string, { offset, children = [] }: Node): boolean =>
  text.slice(offset, children[0]?.offset).includes("\n");

function childIndent(text: string, container: Node, { unit }: Layout): string {
  const [first] = container.children ?? [];
  return first && isInLines(text, container) ? indentOf(text, first.offset) : indentOf(text, container.offset) + unit;
}

/** Comma and comments after a value in its line. `endsLine`: a line comment, so nothing may follow in that line. */
function restOfLine(text: string, from: number): { end: number; comma: number | undefined; endsLine: boolean } {
  const scanner = createScanner(text);
  scanner.setPosition(from);
  let end = from;
  let comma: number | undefined;
  let endsLine = false;
  for (;;) {
    const kind: number = scanner.scan();
    const stop = scanner.getTokenOffset() + scanner.getTokenLength();
    if (kind === KIND.trivia) continue;
    if (kind === KIND.comma && comma === undefined) comma = scanner.getTokenOffset();
    else if (kind === KIND.lineComment) endsLine = true;
    else if (kind !== KIND.blockComment) return { end, comma, endsLine };
    end = stop;
  }
}

/** Comma and comments after the last value of a container, whose comma may be in a later line. */
function afterLast(text: string, from: number, until: number): ReturnType<typeof restOfLine> {
  const rest = restOfLine(text, from);
  const later = rest.comma ?? commaAfter(text, from);
  if (rest.comma !== undefined || later === undefined || later >= until) return rest;
  return { ...restOfLine(text, later + 1), comma: later };
}

/** End of the last comma or comment in a range. `endsLine`: a line comment, so nothing may follow in that line. */
function lastTokenBefore(text: string, from: number, to: number): { end: number; endsLine: boolean } {
  const scanner = createScanner(text);
  scanner.setPosition(from);
  let last = { end: from, endsLine: false };
  for (;;) {
    const kind: number = scanner.scan();
    if (kind === KIND.end || scanner.getTokenOffset() >= to) return last;
    if (kind === KIND.trivia || kind === KIND.lineBreak) continue;
    last = { end: scanner.getTokenOffset() + scanner.getTokenLength(), endsLine: kind === KIND.lineComment };
  }
}

function commaAfter(text: string, from: number): number | undefined {
  const scanner = createScanner(text);
  scanner.setPosition(from);
  for (;;) {
    const kind: number = scanner.scan();
    if (kind === KIND.comma) return scanner.getTokenOffset();
    if (kind === KIND.end) return undefined;
  }
}
