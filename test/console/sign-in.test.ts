import { describe, expect, test } from "bun:test";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`the console in a browser ${noBrowser ?? ""}`, () => {
  test("a browser without a sign-in is told how to get one, and a link signs it in until it signs out", async () => {
    const relay = await startRelay();
    await relay.agent("claude-api");
    const { page, url, faults, visit } = await openConsole(relay, "/agents");
    await page.getByRole("heading", { name: "1 agent", exact: true }).waitFor();
    await page.getByText("claude-api").waitFor();
    expect(page.url()).not.toContain("code");
    expect(faults).toEqual([]);
    await page.goto(`${url}/threads/new`);
    await page.getByLabel("Message", { exact: true }).fill("Half a thought");
    await page.reload();
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("Half a thought");
    await page.getByLabel("Message", { exact: true }).fill("Half a thought, and more");
    await visit("/settings");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText("This browser is not signed in").waitFor();
    // Texts that were begun, and names of what was opened, are not left to whoever signs in next.
    expect(await page.evaluate("[localStorage.drafts, localStorage.recent]")).toEqual([undefined, undefined]);
    await page.goto(`${url}/agents`);
    await page.getByText("signalbox console").waitFor();
    // A link can be pasted, too.
    const link = (await relay.ask("POST", "/v1/sign-in-links", {})).body.url;
    await page.getByLabel("Or paste the link").fill(link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("claude-api").waitFor();
    const [newest] = (await relay.ask("GET", "/v1/activity?verb=signed-out")).body.items;
    expect(newest).toMatchObject({ verb: "signed-out" });
  });

  test("keys lead to the places", async () => {
    const relay = await startRelay();
    const { page } = await openConsole(relay);
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.waitForURL(/\/agents$/);
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.getByRole("heading", { name: "No agent is connected yet" }).waitFor();
  });
});
