import { MAX_FILES } from "../../protocol/approvals.ts";
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
    if (typeof value === "string") return [name, BLOCKS.includes(name) ? visible(value) : visibleLine(value)];
    return [name, name === "also" ? (value as string[]).map(visibleLine) : value];
  });
  const spelled: Subject = Object.fromEntries(shown);
  const isExact = canonical(spelled) === canonical(subject) && Object.values(spelled).every(isClear);
  return { subject: spelled, isExact };
}

/** Subject of an edit of these files, which is `isWhole` where it names all of them. */
export function editOf(files: readonly string[], diff: string) {
  const [path = "", ...also] = new Set(files);
  const named = also.slice(0, MAX_FILES);
  const subject = { type: "edit" as const, path, ...(named.length > 0 && { also: named }), diff };
  return { subject, isWhole: named.length === also.length };
}

/** The input of a tool is handed on as it is. Those that show it spell it out. */
const isClear = (value: unknown): boolean => typeof value === "string" || isVisible(canonical(value));
