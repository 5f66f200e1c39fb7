import type { LinkProps } from "@tanstack/react-router";

interface Opened {
  name: string;
  link: LinkProps;
}

const KEY = "recent";
const MOST = 8;

/** Things that were opened by name in this browser, the last first. */
export function recent(): Opened[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Opened[];
  } catch {
    // Another version wrote it.
    return [];
  }
}

/** Forgets all of them. */
export const forgetRecent = (): void => localStorage.removeItem(KEY);

/** Notes that something was opened. */
export function remember(opened: Opened): void {
  const text = JSON.stringify(opened.link);
  const others = recent().filter(({ link }) => JSON.stringify(link) !== text);
  localStorage.setItem(KEY, JSON.stringify([opened, ...others].slice(0, MOST)));
}
