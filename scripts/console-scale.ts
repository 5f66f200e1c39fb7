import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";
import { BUN_FLAGS } from "../src/cli/own.ts";
import { onScratchRelay, type ScratchRelay } from "../src/cli/scratch-relay.ts";
import { type Client, createClient } from "../src/client/client.ts";

/**
 * Measures the console over a full relay beside an empty one: time of each page until its rows are there, the longest frame while a
 * list of threads is scrolled, and the time until a long run shows its end.
 *
 *   bun run console-scale [--messages 1000000] [--agents 2000] [--runs 50] [--events 50000]
 */
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    agents: { type: "string", default: "2000" },
    runs: { type: "string", default: "50" },
    events: { type: "string", default: "50000" },
  },
});
const size = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)])) as Record<
  keyof typeof values,
  number
>;
const SERVER = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BATCH = 1000;
const FLAGS = ["--rate-limit", "0", "--loop-limit", "0", "--thread-rate", "0", "--durability", "normal"];
/** Loads of a page; the median counts. */
const LOADS = 3;
const PLACES = ["/", "/threads", "/runs", "/work", "/agents", "/activity", "/approvals"];
/** Wheel steps over the list of threads. */
const STEPS = 120;

async function inParallel(count: number, width: number, step: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) await step(at);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Fills a relay. @returns the id of the run with many events */
async function fill(operator: Client, url: string): Promise<string> {
  await inParallel(size.agents, 16, (at) => operator.agents.register(`agent-${at}`, { name: `Agent ${at}` }));
  await inParallel(size.messages / BATCH, 4, (at) =>
    operator.messages.sendBatch(
      Array.from({ length: BATCH }, (_, n) => ({
        from: `agent-${(at * 7 + n) % size.agents}`,
        to: n % 10 === 0 ? "user" : `agent-${(at * 13 + n * 31) % size.agents}`,
        body: `Message ${at * BATCH + n}: the build of the branch is done, and the tests are green.`,
      })),
    ),
  );
  const { token } = await operator.tokens.create({ role: "agent", agentId: "agent-0" });
  const runner = createClient({ url, token, agentId: "agent-0" });
  let long = "";
  for (let at = 0; at < size.runs; at++) {
    const run = await runner.runs.create({ task: `Task ${at}`, sessionKey: `s${at}`, leaseSeconds: 3600 });
    if (at > 0 || !run.token) continue;
    long = run.id;
    for (let from = 0; from < size.events; from += 500) {
      const events = Array.from({ length: 500 }, (_, n) => {
        const call = { toolCallId: `c${Math.floor((from + n) / 2)}`, name: "shell" };
        const data =
          n % 2
            ? { phase: "result", ...call, result: "ok" }
            : { phase: "start", ...call, args: { command: `step ${from + n}` } };
        return { source: "s", seq: from + n, stream: "tool", data };
      });
      await runner.runs.append(run.id, events as never, { run: run.token });
    }
  }
  return long;
}

async function signedIn(relay: ScratchRelay, operator: Client): Promise<{ page: Page; close(): Promise<void> }> {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  const { url } = await operator.signIn.createLink();
  await page.goto(`${relay.url()}/${url.slice(url.indexOf("#"))}`);
  await page.getByRole("navigation", { name: "Places" }).first().waitFor();
  return { page, close: () => browser.close() };
}

/** Milliseconds from the request until the heading is there and nothing is loading. */
async function loadOf(page: Page, url: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < LOADS; n++) {
    await page.goto("about:blank");
    const start = performance.now();
    await page.goto(url);
    await page.waitForFunction(() => {
      const main = document.querySelector("main, #main");
      return main?.querySelector("h1, h2") && !/Loading /.test(main.textContent ?? "");
    });
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(LOADS / 2)] ?? 0;
}

/** Longest time between two frames, in milliseconds, while a list is scrolled by the wheel. */
async function longestFrame(page: Page, url: string): Promise<{ longest: number; over50: number }> {
  await page.goto(`${url}/threads?show=all`);
  await page.waitForTimeout(1500);
  await page.evaluate(() => {
    const gaps: number[] = [];
    let last = performance.now();
    const tick = (now: number) => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(window, { gaps });
  });
  await page.mouse.move(340, 500);
  for (let step = 0; step < STEPS; step++) {
    await page.mouse.wheel(0, 900);
    await page.waitForTimeout(30);
  }
  const gaps = await page.evaluate(() => (window as unknown as { gaps: number[] }).gaps);
  return { longest: Math.max(...gaps), over50: gaps.filter((gap) => gap > 50).length };
}

async function measure(full: boolean): Promise<Map<string, number>> {
  const command = [process.execPath, ...BUN_FLAGS, SERVER];
  return onScratchRelay({ name: "scale", flags: FLAGS, command }, async (relay) => {
    await relay.start();
    const operator = createClient({ url: relay.url(), token: relay.token() });
    const began = performance.now();
    const run = full ? await fill(operator, relay.url()) : "";
    if (full) console.log(`filled in ${Math.round((performance.now() - began) / 1000)} s`);
    const { page, close } = await signedIn(relay, operator);
    const times = new Map<string, number>();
    for (const place of PLACES) times.set(place, await loadOf(page, relay.url() + place));
    if (full) {
      const start = performance.now();
      await page.goto(`${relay.url()}/runs/${run}`);
      await page.getByText(`step ${size.events - 2}`, { exact: true }).waitFor();
      times.set("a long run, at its end", performance.now() - start);
      const { longest, over50 } = await longestFrame(page, relay.url());
      console.log(`scrolling threads: longest frame ${Math.round(longest)} ms, ${over50} over 50 ms`);
    }
    await close();
    return times;
  });
}

const empty = await measure(false);
const full = await measure(true);
for (const [place, ms] of full) {
  const before = empty.get(place);
  const ratio = before === undefined ? "" : `, empty ${Math.round(before)} ms, ratio ${(ms / before).toFixed(2)}`;
  console.log(`${place.padEnd(24)} ${Math.round(ms)} ms${ratio}`);
}
