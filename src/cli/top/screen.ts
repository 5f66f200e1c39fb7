import { emitKeypressEvents } from "node:readline";
import { setTimeout } from "node:timers/promises";
import type { Context } from "../context.ts";
import { safeLine } from "../screen.ts";
import { untilStopped } from "../stopped.ts";
import { act } from "./acts.ts";
import { frameOf, isWhole, rowsOf, type Screen, type Size } from "./frame.ts";
import { type Look, look, type Row } from "./rows.ts";

const EVERY_MS = 2_000;
/** A screen of its own without a cursor, and back. */
const [OPEN, CLOSE, HOME] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H"];
const CTRL_C = "\x03";

/** Keys that allow something: only what is shown whole. */
const ALLOWING = new Set(["1", "2"]);
const partly = ({ item }: Row): string =>
  `Only a part of it is shown. Read all of it: signalbox approvals show ${"need" in item ? (item.approval?.id ?? "") : ""}`;

const sizeNow = (): Size => ({ columns: process.stdout.columns || 100, rows: process.stdout.rows || 40 });

/** Shows the picture on the whole terminal, reads it again every 2 s, and does what keys say, until `q` or Ctrl-C. */
export async function watchScreen({ client, out }: Pick<Context, "client" | "out">, first: Look): Promise<void> {
  let shown = first;
  const screen: Screen = { selected: rowsOf(first)[0]?.key, note: "", now: first.at };
  const leave = new AbortController();
  const signal = AbortSignal.any([untilStopped(), leave.signal]);

  function draw(): void {
    if (signal.aborted) return;
    screen.now = Date.now();
    const lines = frameOf(shown, screen, out.paint, sizeNow());
    process.stdout.write(`${HOME}${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
  }

  async function refresh(): Promise<void> {
    try {
      shown = await look(client, Date.now);
    } catch (error) {
      screen.note = safeLine(String(error));
    }
    // Nothing takes the place of a row that has gone: the next key would act on another one.
    if (!rowsOf(shown).some(({ key }) => key === screen.selected)) screen.selected = undefined;
    draw();
  }

  async function press(key: string): Promise<void> {
    if (key === "q" || key === CTRL_C) return leave.abort();
    const rows = rowsOf(shown);
    const at = rows.findIndex((row) => row.key === screen.selected);
    const to = { j: at + 1, k: at - 1 }[key];
    if (to !== undefined) {
      Object.assign(screen, { selected: rows[Math.max(0, Math.min(rows.length - 1, to))]?.key, note: "" });
      return draw();
    }
    const row = rows[at];
    const isUnseen = ALLOWING.has(key) && row !== undefined && !isWhole(row, sizeNow());
    const said = isUnseen ? partly(row) : await act(key, client, row, Date.now());
    if (said === undefined) return;
    screen.note = safeLine(said);
    await refresh();
  }

  const close = takeTerminal((key) => void press(key), draw);
  try {
    for (draw(); !signal.aborted; await refresh())
      await setTimeout(EVERY_MS, undefined, { signal }).catch(() => undefined);
  } finally {
    close();
  }
}

/** Takes keys one by one, and the whole screen. @returns what gives the terminal back */
function takeTerminal(onKey: (key: string) => void, onResize: () => void): () => void {
  const { stdin, stdout } = process;
  const restore = () => void stdout.write(CLOSE);
  const hear = (text: string | undefined, { name, sequence }: { name?: string; sequence?: string }) =>
    onKey({ down: "j", up: "k" }[name ?? ""] ?? text ?? sequence ?? "");
  stdout.write(OPEN);
  process.once("exit", restore);
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on("keypress", hear);
  stdout.on("resize", onResize);
  return () => {
    stdin.off("keypress", hear);
    stdout.off("resize", onResize);
    stdin.setRawMode(false);
    stdin.pause();
    process.off("exit", restore);
    restore();
  };
}
