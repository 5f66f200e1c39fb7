import { describe, expect, test } from "bun:test";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`the console in a browser ${noBrowser ?? ""}`, () => {
  test("a browser without a sign-in is told how to get one, and a link signs it in until it signs out", async () => {
    const relay = await startRelay();
    await relay.agent("claude-api");
    const { page, url, faults } = await openConsole(relay, "/agents");
    await page.getByRole("heading", { name: "1 agent", exact: true }).waitFor();
    await page.getByText("claude-api").waitFor();
    expect(page.url()).not.toContain("code");
    expect(faults).toEqual([]);
    await page.goto(`${url}/settings`);
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByText("This browser is not signed in").waitFor();
    await page.goto(`${url}/agents`);
    await page.getByText("signalbox console").waitFor();
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
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
  });
});
