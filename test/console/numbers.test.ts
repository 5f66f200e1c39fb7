import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startCrew } from "../support/runs.ts";

describe.skipIf(noBrowser !== undefined)(`numbers in the console ${noBrowser ?? ""}`, () => {
  test("usage is summed by group and time, load is drawn, and flow leads to its agents", async () => {
    const crew = await startCrew();
    const { ask, ada, bob } = crew;
    const run = await crew.run(bob, { project: "github.com/a/<b>", model: "opus" });
    const usage = { inputTokens: 12_500, outputTokens: 300, costUsd: 4.5 };
    await crew.finish(bob, run, { result: "x", usage });
    for (const to of ["bob", "bob", "tag:pool"]) await ask("POST", "/v1/messages", { to, body: "x" }, ada);
    await crew.delegate(ada, "bob");
    // The browser's clock is the real one.
    crew.clock.jump(Date.now() - crew.clock.now());
    await crew.finish(bob, await crew.run(bob, {}), { result: "x", usage });
    await ask("POST", "/v1/messages", { to: "bob", body: "x" }, ada);

    const { page, faults, visit } = await openConsole(crew, "/settings/usage");
    await page.getByRole("heading", { name: "$4.50 in the last 30 days" }).waitFor();
    await page.locator("figure svg").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    const groups = page.getByRole("navigation", { name: "Groups" });
    await groups.getByRole("link", { name: "Models" }).click();
    await page.getByRole("cell", { name: "unknown" }).waitFor();
    await page.getByRole("link", { name: "A year" }).click();
    await page.getByRole("heading", { name: "$9.00 in the last year" }).waitFor();
    await groups.getByRole("link", { name: "Projects" }).click();
    await page.getByRole("link", { name: "github.com/a/<b>" }).waitFor();
    expect(new URL(page.url()).search).toBe("?by=project&days=365");

    await visit("/settings/load?span=hour");
    await page.getByRole("heading", { name: /^\d+ messages? in the last hour$/ }).waitFor();
    await page
      .getByRole("figure", { name: /^Messages: / })
      .locator("svg")
      .waitFor();
    expect(await axeFaults(page)).toEqual([]);

    await visit("/flow");
    const row = page.getByRole("row", { name: /^ada bob 1/ });
    await row.waitFor();
    await page.getByRole("region", { name: "Picture of the flow" }).getByText("ada").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("link", { name: "A month" }).click();
    await page.waitForURL(/range=month/);
    await row.getByRole("link", { name: "bob" }).click();
    await page.waitForURL(/\/agents\/bob$/);
    expect(faults).toEqual([]);
  });
});
