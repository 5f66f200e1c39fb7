// Takes the pictures of docs/images from a demo that stays:
//   signalbox demo --stay
//   bun run screenshots '<the link that it prints>'
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";

const OUT = join(import.meta.dir, "../docs/images");
const SIZES = {
  desktop: { width: 1200, height: 750 },
  phone: { width: 390, height: 780 },
};
/** Readable text at a small size of the file. */
const QUALITY = 70;
/** Time in which lists are read and drawn. */
const SETTLE_MS = 1500;

const [link] = process.argv.slice(2);
if (!link?.includes("#code="))
  throw new Error("Give the link that `signalbox demo --stay` prints: bun run screenshots 'http://…/#code=…'");
const { origin } = new URL(link);

const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: SIZES.desktop, timezoneId: "UTC", locale: "en-GB" });
await page.goto(link);
await page.getByRole("navigation", { name: "Places" }).first().waitFor();
mkdirSync(OUT, { recursive: true });
for (const [name, path] of Object.entries(await placesOf(page))) {
  await page.goto(`${origin}${path}`);
  for (const size of ["desktop", "phone"] as const) await take(`${name}-${size}`, SIZES[size]);
}
await page.emulateMedia({ colorScheme: "dark" });
await page.goto(origin);
await take("now-dark", SIZES.desktop);
await browser.close();

/** Writes what the page shows at a size. */
async function take(name: string, size: { width: number; height: number }): Promise<void> {
  await page.setViewportSize(size);
  await page.waitForTimeout(SETTLE_MS);
  const chromium = await page.context().newCDPSession(page);
  const { data } = await chromium.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  const file = Buffer.from(data, "base64");
  writeFileSync(join(OUT, `${name}.webp`), file);
  console.log(`${name}.webp ${Math.ceil(file.length / 1024)} KB`);
}

/** Addresses of the pages, with a thread, a run and a session of the demo. */
async function placesOf(of: Page): Promise<Record<string, string>> {
  const first = (path: string): Promise<string | undefined> =>
    of.evaluate(async (from) => (await (await fetch(from)).json()).items[0]?.id, path);
  const thread = await first("/v1/threads?participant=box-echo");
  const run = await first("/v1/runs?agent=box-builder&status=running");
  const channel = await first("/v1/channels");
  return {
    ...{ now: "/", thread: `/threads/${thread}`, runs: "/runs", run: `/runs/${run}`, fleet: "/agents" },
    ...{ agent: "/agents/box-builder", work: "/work?state=dead", approvals: "/approvals" },
    ...{ channel: `/channels/${channel}`, schedules: "/schedules", activity: "/activity" },
    ...{ settings: "/settings", health: "/settings/health" },
  };
}
