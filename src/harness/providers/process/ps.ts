import type { MarkedProcess } from "./marker.ts";

/** Columns that `markedInPs` reads. The environment follows the command, by `-E`. */
export const PS_COLUMNS = ["-o", "pid=", "-o", "lstart=", "-o", "command="];

/** A line as `  431 Sat Nov 28 14:29:21 2026     node agent.js HOME=/Users/ann SIGNALBOX_SESSION=ses_1`. */
const LINE = /^\s*(\d+)\s+\w{3}\s+(\w{3}\s+\d+\s+[\d:]+\s+\d{4})\s+(.*)$/;
/** The last one counts: arguments come before the environment. */
const MARK = /.* SIGNALBOX_SESSION=([^\s]+)/;

/**
 * Marked processes in the output of macOS' `ps`, in UTC.
 * @param all with those that have no marker
 */
export function markedInPs(text: string, all = false): MarkedProcess[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, start, command = ""] = LINE.exec(line) ?? [];
    const sessionId = MARK.exec(command)?.[1] ?? (all ? "" : undefined);
    if (!pid || !start || sessionId === undefined) return [];
    const [name = ""] = command.split(" ");
    return [{ sessionId, pid: Number(pid), startTicks: Date.parse(`${start} UTC`) / 1000, command: name }];
  });
}
