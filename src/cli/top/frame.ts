import { subjectLines } from "../approvals.ts";
import { fit, type Output } from "../output.ts";
import { safeLine } from "../screen.ts";
import type { Look, Row } from "./rows.ts";

/** State of the screen beside what was read. */
export interface Screen {
  /** Key of the selected row. */
  selected: string | undefined;
  /** Answer to the last key, or why the relay does not answer. */
  note: string;
  /** Time of the picture, in milliseconds since 1970. */
  now: number;
}

/** Size of the terminal. */
export interface Size {
  columns: number;
  rows: number;
}

/** A look older than this is said to be old. */
const STALE_MS = 8_000;
/** Columns of a state's word. */
const WORD = 22;
const KEYS =
  "j k move · 1 allow once · 2 for the session · 3 deny · e I have it · s snooze an hour · i interrupt · q leave";

/** Rows in the order of the screen. */
export const rowsOf = ({ needs, fleet, runs }: Look): Row[] => [...needs, ...fleet, ...runs];

/** Columns before the lines of a detail. */
const INDENT = "      ";

/** Lines that the rows have: the rest is for the head and the foot. */
const roomOf = ({ rows }: Size): number => Math.max(1, rows - 3);

/** Whether a row stands on the screen with all of its detail. */
export function isWhole(row: Row, size: Size): boolean {
  const isCut = "need" in row.item && row.item.approval?.cut === true;
  return !isCut && wrapped(row, size).length < roomOf(size);
}

/** Detail of a row, in lines as wide as the terminal. */
const wrapped = (row: Row, { columns }: Size): string[] =>
  detailOf(row).flatMap((text) => wrap(text, Math.max(10, columns - INDENT.length)).map((line) => INDENT + line));

/** A line in parts of a width of columns at most: nothing of it is left out. */
function wrap(text: string, width: number): string[] {
  const lines = [""];
  let used = 0;
  for (const one of text) {
    const columns = Bun.stringWidth(one);
    if (used + columns > width) {
      lines.push("");
      used = 0;
    }
    lines[lines.length - 1] += one;
    used += columns;
  }
  return lines;
}

/** The picture: as many lines as the terminal has, each as wide at most. Text of others is safe. */
export function frameOf(look: Look, screen: Screen, paint: Output["paint"], size: Size) {
  const { needs, fleet, runs } = look;
  const line = (row: Row) => lineOf(row, row.key === screen.selected, screen.now, paint, size.columns);
  const sections = [
    ["Needs you", needs, "Nothing that is known needs you."] as const,
    ["Fleet", fleet, "No session is live."] as const,
    ["Runs", runs, "No run is on."] as const,
  ];
  const selected = rowsOf(look).find(({ key }) => key === screen.selected);
  const detail = selected ? wrapped(selected, size) : [];
  const body = sections.flatMap(([title, rows, none]) => [
    paint("dim", fit(`── ${title} ${"─".repeat(size.columns)}`, size.columns)),
    ...(rows.length === 0
      ? [`  ${none}`]
      : rows.flatMap((row) => (row === selected ? [line(row), ...detail] : [line(row)]))),
  ]);
  const foot = [paint("dim", fit(screen.note || KEYS, size.columns))];
  const room = roomOf(size);
  const at = body.findIndex((text) => text.startsWith(POINTER));
  const above = Math.max(0, Math.min(Math.floor(room / 3), room - 1 - detail.length));
  const from = Math.max(0, Math.min(at - above, body.length - room));
  return [headOf(look, screen, paint, size.columns), "", ...body.slice(from, from + room), ...foot];
}

function headOf({ needs, more, at }: Look, { now }: Screen, paint: Output["paint"], columns: number): string {
  const isStale = now - at > STALE_MS;
  const count = needs.length === 0 ? "Nothing needs you" : `${needs.length} need${needs.length === 1 ? "s" : ""} you`;
  const when = `${isStale ? "as of " : ""}${new Date(at).toLocaleTimeString("en-GB")}`;
  const head = fit(
    ["Signalbox", isStale ? "the relay does not answer" : count, when, more ? "there is more" : ""]
      .filter(Boolean)
      .join(" · "),
    columns,
  );
  return paint(isStale ? "yellow" : "bold", head);
}

const POINTER = "▸";

function lineOf(
  { glyph, colour, word, what, why, since }: Row,
  isSelected: boolean,
  now: number,
  paint: Output["paint"],
  columns: number,
) {
  const age = since === null ? "" : ageText(now - Date.parse(since));
  const shape = `${glyph} ${fit(word, WORD).padEnd(WORD)}`;
  const room = columns - WORD - 6 - age.length;
  const text = fit([safeLine(what), safeLine(why)].filter(Boolean).join("  ·  "), Math.max(10, room));
  const gap = " ".repeat(Math.max(1, room - Bun.stringWidth(text) + 1));
  const line = `${colour ? paint(colour, shape) : shape} ${isSelected ? paint("bold", text) : text}${gap}${age}`;
  return `${isSelected ? POINTER : " "} ${line}`;
}

/** The exact subject of the selected row: nobody answers what they have not seen. */
function detailOf({ item, why }: Row): string[] {
  if ("need" in item && item.approval) {
    const { subject, options, cut } = item.approval;
    const choices = options.map(({ label }) => safeLine(label)).join(", ");
    return [...subjectLines(subject), ...(cut ? ["(cut: see signalbox approvals show)"] : []), `Options: ${choices}`];
  }
  if ("need" in item) return [safeLine(why), `Act: ${item.need.actions.join(", ")}`];
  if ("session" in item) return [`${item.session.id} on ${item.session.orchestratorId}`, ...item.hour];
  return [`${item.run.id}: ${safeLine(item.run.task)}`];
}

function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
