import { readFileSync } from "node:fs";

/** Work that the machine saw a process do. */
export interface Effort {
  /** Clock ticks of the processor, with those of ended children. */
  ticks: number;
  children: number;
}

/** Reads what a process has done, from /proc; undefined where the machine does not say. */
export function effortOf(pid: number): Effort | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).length;
    return { ticks, children };
  } catch {
    return undefined;
  }
}
