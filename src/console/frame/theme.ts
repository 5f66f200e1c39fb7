const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** A choice of this browser; without one the system's. */
export type Theme = "light" | "dark" | "system";

export const theme = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? "system";

export function setTheme(chosen: Theme): void {
  if (chosen === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  apply();
}

function apply(): void {
  const chosen = theme();
  document.documentElement.dataset.theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
}

/** Follows the system from now on. */
export function startTheme(): void {
  dark.addEventListener("change", apply);
  apply();
}
