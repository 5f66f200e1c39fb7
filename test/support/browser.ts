import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { atEnd } from "./ending.ts";

const PATH = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Why there is no browser to test with; undefined when there is one. */
export const noBrowser: string | undefined = existsSync(PATH)
  ? undefined
  : `skipped: no browser at ${PATH}; set CHROMIUM_PATH`;

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: PATH, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

export async function startBrowser(): Promise<Browser> {
  const browser = await launchBrowser();
  atEnd(() => browser.close());
  return browser;
}

/** An empty page of an origin of its own. */
export async function openPage(browser: Browser) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("<!doctype html><title>elsewhere</title>", { headers: { "content-type": "text/html" } }),
  });
  atEnd(async () => server.stop(true));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.port}/`);
  return page;
}
