import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

const source = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** Faults of accessibility that axe finds on a page in light and in dark: rule and the elements that break it. */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const faults: string[] = [];
  for (const theme of ["light", "dark"]) {
    await page.evaluate((one) => {
      document.documentElement.dataset.theme = one;
    }, theme);
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      interface Violation {
        id: string;
        nodes: { target: unknown[] }[];
      }
      return (await axe.run()).violations.map(
        ({ id, nodes }) => `${id} ${nodes.map(({ target }) => target).join(" ")}`,
      );
    });
    faults.push(...found.map((fault) => `${theme}: ${fault}`));
  }
  return faults;
}
