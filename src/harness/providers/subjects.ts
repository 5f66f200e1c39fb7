import { canonical } from "../../protocol/canonical.ts";
import { isVisible, visible, visibleLine } from "../../protocol/visible.ts";
import type { PermissionRequest } from "./provider.ts";

/** Members that may have several lines. */
const BLOCKS = ["line", "diff", "text"];

/**
 * A subject in which nothing hides: its texts are spelled out, never shortened. `isExact`: nothing had to be, so that people see all of
 * what will run.
 */
export function spelledOut<Subject extends PermissionRequest["subject"]>(subject: Subject) {
  const shown = Object.entries(subject).map(([name, value]) => {
    if (typeof value !== "string") return [name, value];
    return [name, BLOCKS.includes(name) ? visible(value) : visibleLine(value)];
  });
  const spelled: Subject = Object.fromEntries(shown);
  const isExact = canonical(spelled) === canonical(subject) && Object.values(spelled).every(isClear);
  return { subject: spelled, isExact };
}

/** The input of a tool is handed on as it is. Those that show it spell it out. */
const isClear = (value: unknown): boolean => typeof value === "string" || isVisible(canonical(value));
