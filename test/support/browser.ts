import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { atEnd } from "./ending.ts";

const PATH = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Why there is no browser to test with; undefined when there is one. */
export const noBrowser: string | undefined = existsSync(PATH)
  ? undefined
  : `skipped: no browser at ${PATH}; set CHROMIUM_PATH`;

let shared: Promise<Browser> | undefined;

/** One for all tests of a process: a start takes a second of CPU. It ends with the process. */
export const sharedBrowser = (): Promise<Browser> =>
  (shared ??= chromium.launch({
    executablePath: PATH,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--ignore-certificate-errors",
      "--host-resolver-rules=MAP relay.test 127.0.0.1",
    ],
  }));

/** An empty page of an origin of its own, in a context of its own. */
export async function openPage() {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("<!doctype html><title>elsewhere</title>", { headers: { "content-type": "text/html" } }),
  });
  atEnd(async () => server.stop(true));
  const page = await (await sharedBrowser()).newPage();
  atEnd(() => page.close());
  await page.goto(`http://127.0.0.1:${server.port}/`);
  return page;
}
