import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

const source = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** Only colours differ between the themes: the second one is looked at for them alone. Nothing is loaded, nothing else listed. */
const HOW = {
  light: { resultTypes: ["violations"], preload: false },
  dark: { resultTypes: ["violations"], preload: false, runOnly: ["color-contrast"] },
};

/**
 * Faults of accessibility that axe finds on a page in light and in dark: rule and the elements that break it.
 * @param rules that axe leaves out by itself
 */
export async function axeFaults(page: Page, rules: string[] = []): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(source);
  const faults: string[] = [];
  for (const [theme, how] of Object.entries(HOW)) {
    const more = Object.fromEntries(rules.map((rule) => [rule, { enabled: theme === "light" }]));
    const found = await page.evaluate(run, [theme, { ...how, rules: more }] as const);
    faults.push(...found.map((fault) => `${theme}: ${fault}`));
  }
  return faults;
}

/** Sets the theme and runs axe, in the page. What moves is brought to its end: a text that fades in has no contrast yet. */
async function run([theme, options]: readonly [theme: string, options: object]): Promise<string[]> {
  const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
  interface Violation {
    id: string;
    nodes: { target: unknown[] }[];
  }
  document.documentElement.dataset.theme = theme;
  const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
  for (const animation of moving) animation.finish();
  return (await axe.run(options)).violations.map(
    ({ id, nodes }) => `${id} ${nodes.map(({ target }) => target).join(" ")}`,
  );
}
