import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { noBrowser, openPage } from "../../support/browser.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`the page of the interface ${noBrowser ?? ""}`, () => {
  test("the page of the interface shows an operation by its address, and every other one, under its own strict policy, and asks no other host for anything", async () => {
    const relay = await startRelay();
    const url = listen(relay);
    const page = await openPage();
    const complaints: string[] = [];
    const elsewhere: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on(
      "request",
      (request) => /^https?:/.test(request.url()) && !request.url().startsWith(url) && elsewhere.push(request.url()),
    );
    // Loaded once, by the address of an operation: each load takes 5 s of CPU.
    await page.goto(`${url}/docs/#/Messages/sendMessage`);
    await page.waitForSelector("#operations-Messages-sendMessage .opblock-body");
    const routes = await relay.relay.routes();
    expect(await operationsIn(page, routes.length)).toEqual(new Set(routes.map(({ operationId }) => operationId)));
    expect(complaints).toEqual([]);
    expect(elsewhere).toEqual([]);
  });
});

/** Operations that the page shows while a reader scrolls down: of many it draws those near the window alone. */
async function operationsIn(page: Page, most: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let step = 0; step < 10 * most && seen.size < most; step++) {
    const ids = await page.locator(".opblock").evaluateAll((blocks) => blocks.map(({ id }) => id));
    for (const id of ids) seen.add(id.split("-").at(-1) ?? "");
    await page.evaluate((y) => scrollTo(0, y), step * 600);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  return seen;
}
