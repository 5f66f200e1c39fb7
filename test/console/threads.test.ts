import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";
import { until } from "../support/until.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Rules that a page breaks, in the theme that is set. */
async function broken(page: Page, theme: "light" | "dark"): Promise<string[]> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.waitForFunction((name) => (document.documentElement.dataset.theme ?? "light") === name, theme);
  const run = `${AXE}; axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] })`;
  const { violations } = (await page.evaluate(run)) as { violations: { id: string; nodes: { html: string }[] }[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
  "[click](javascript:document.title='owned') [bank](https://evil.example/login) ![pixel](https://evil.example/p.gif)",
  "<style>body{display:none}</style><svg onload=\"document.title='owned'\"></svg> invoice\u202efdp.exe",
].join("\n\n");

describe.skipIf(noBrowser !== undefined)(`threads in a browser ${noBrowser ?? ""}`, () => {
  test("a person writes to an agent, whose answer appears without a reload and is marked as read", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const codex = await relay.agent("codex-1", { tags: ["review"] });
    const { page, url, faults } = await openConsole(relay, "/threads/new");
    await page.getByLabel("To").fill("codex-1");
    await page.getByLabel("Message", { exact: true }).fill("Is main green?");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/threads\/\d+/);
    const id = Number(/threads\/(\d+)/.exec(page.url())?.[1]);
    await page.getByRole("heading", { name: "Is main green?" }).waitFor();
    const say = (message: object) => ask("POST", "/v1/messages", { to: "user", ...message }, codex);
    const buttons = [[{ id: "go", text: "Ship it" }]];
    const form = { fields: [{ id: "why", label: "Why", type: "text" }] };
    await say({ body: "**Yes**, it is. Ship?", replyTo: id, payload: { buttons, form } });
    await page.locator("strong", { hasText: "Yes" }).waitFor();
    const unread = async () => (await ask("GET", "/v1/threads")).body.items[0].unread;
    await until(async () => (await unread()) === 0, "it is read");
    expect(await broken(page, "light")).toEqual([]);
    expect(await broken(page, "dark")).toEqual([]);
    await page.getByRole("button", { name: "Ship it" }).click();
    await page.getByText("Answered: Ship it").waitFor();
    const [pressed] = (await ask("GET", "/v1/messages?to=codex-1")).body.items;
    expect(pressed).toMatchObject({ body: "Ship it", payload: { button: "go" }, threadId: id });
    await page.keyboard.press("k");
    await page.keyboard.press("w");
    await page.getByText("stored").first().waitFor();
    await page.keyboard.press("r");
    await page.keyboard.type("Thank you");
    await page.getByRole("button", { name: "Send", exact: true }).last().click();
    await page.getByRole("article").filter({ hasText: "Thank you" }).waitFor();
    await page.goto(`${url}/threads`);
    await page.getByRole("heading", { name: "Nothing new" }).waitFor();
    await say({ body: "One more thing", replyTo: id });
    await page.getByRole("heading", { name: "1 thread has news" }).waitFor();
    expect(await broken(page, "light")).toEqual([]);
    expect(await broken(page, "dark")).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("names and bodies of others are shown as text, and nothing in them runs or loads", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const eve = await relay.agent("eve", { name: "<b>Eve</b>" });
    const say = async (message: object) =>
      (await ask("POST", "/v1/messages", { to: "user", ...message }, eve)).body.id as number;
    const root = await say({ subject: "<script>document.title='owned'</script>", body: HOSTILE });
    await say({ replyTo: root, body: "c2VjcmV0", encoding: "opaque" });
    await say({ replyTo: root, body: "x".repeat(200_000) });
    const payload = { buttons: "no list", form: { fields: [null, { id: 1 }] }, files: [{ fileId: "../../v1/tokens" }] };
    await say({ replyTo: root, body: "odd", payload });
    const { page, faults } = await openConsole(relay, `/threads/${root}`);
    await page.getByText("Show all 200,000 characters").waitFor();
    for (let n = 0; n < 4; n++) await page.keyboard.press("k");
    await page.getByText("8 characters that the relay cannot read").waitFor();
    await page.getByText("(evil.example)").first().waitFor();
    expect(await page.title()).toBe("<script>document.title='owned'</script> · Signalbox");
    expect(await page.getByText("invoice\\u{202e}fdp.exe").count()).toBe(1);
    const bank = page.getByRole("link", { name: "bank" });
    expect(await bank.getAttribute("rel")).toContain("noopener");
    const counted = "article :is(img, script, style, svg[onload], [onerror], a[href^='javascript'], a[href*='tokens'])";
    expect(await page.locator(counted).count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
