import { describe, expect, test } from "bun:test";
import { noBrowser, openPage, startBrowser } from "../../support/browser.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`the page of the interface ${noBrowser ?? ""}`, () => {
  test("the page of the interface shows every operation under its own strict policy, and asks no other host for anything", async () => {
    const relay = await startRelay();
    const url = listen(relay);
    const page = await openPage(await startBrowser());
    const complaints: string[] = [];
    const elsewhere: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on(
      "request",
      (request) => /^https?:/.test(request.url()) && !request.url().startsWith(url) && elsewhere.push(request.url()),
    );
    await page.goto(`${url}/docs/`);
    await page.waitForSelector(".opblock");
    expect(await page.locator(".opblock").count()).toBe((await relay.relay.routes()).length);
    await page.locator("#operations-Messages-sendMessage .opblock-summary-control").click();
    await page.waitForSelector("#operations-Messages-sendMessage .opblock-body");
    expect(complaints).toEqual([]);
    expect(elsewhere).toEqual([]);
  });
});
