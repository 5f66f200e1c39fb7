const KEY = "density";

const isCompact = (): boolean => localStorage.getItem(KEY) === "compact";

/** Rows of one line, or with the line that says why: a choice of this browser. */
export function switchDensity(): void {
  if (isCompact()) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, "compact");
  startDensity();
}

/** Shows rows as this browser chose. */
export const startDensity = (): void => void document.documentElement.toggleAttribute("data-compact", isCompact());
