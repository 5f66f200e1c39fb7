import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`schedules in the console ${noBrowser ?? ""}`, () => {
  test("a schedule shows its next times while it is written, is run now, and shows the run that the time became", async () => {
    const relay = await startRelay();
    const me = await relay.agent("ann");
    await relay.ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    await relay.ask(
      "PUT",
      "/v1/agents/ann/jobs",
      { items: [{ id: "nightly", name: "<b>Nightly", schedule: "@daily" }] },
      me,
    );
    const { page, faults, visit, another } = await openConsole(relay, "/schedules");
    await page.getByText("Nothing is scheduled. A new schedule").waitFor();
    await page.keyboard.press("c");
    await page.getByLabel("Cron expression").fill("61 9 * * 1-5");
    await page.getByText("is not a cron expression").first().waitFor();
    await page.getByLabel("Cron expression").fill("0 9 * * 1-5");
    await page.getByLabel("Time zone").fill("Europe/Berlin");
    await page.getByText(/^Next: (.+ · ){4}/).waitFor();
    await page.getByLabel("To").fill("ann");
    await page.getByLabel("Message").fill("Review <i>main</i>.");
    await page.getByLabel("Each becomes a run").check();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Schedule it" }).click();
    await page.getByText("It has not come to its first time yet.").waitFor();
    await page.keyboard.press("r");
    await page.getByText("waits for its reader").waitFor();
    const { items } = (await relay.ask("GET", "/v1/agents/ann/inbox", undefined, me)).body;
    const { meta, id } = items.at(-1);
    expect(meta.schedule.run).toEqual({});
    const run = (await relay.ask("POST", "/v1/runs", { task: "Review", messageId: id }, me)).body;
    await page.getByText("run is running").waitFor();
    const asRunner = { ...me, headers: { "signalbox-run": run.token } };
    await relay.ask("POST", `/v1/runs/${run.id}/finish`, { outcome: "ok", result: "Fine." }, asRunner);
    await page.getByText("run is done").waitFor();
    expect(await page.getByRole("link", { name: run.id }).getAttribute("href")).toBe(`/runs/${run.id}`);
    await page.keyboard.press("p");
    await page.getByRole("heading", { name: /: paused$/ }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    const viewer = await another({ personId: "vic" }, new URL(page.url()).pathname);
    await viewer.page.getByText("vic is a viewer: operators and members change it.").waitFor();
    expect(await viewer.page.getByRole("button", { name: /^Run now/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it: its history goes, too" }).click();
    await page.getByText("Nothing is scheduled. A new schedule").waitFor();
    await visit("/schedules?show=jobs");
    await page.getByText("<b>Nightly").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.keyboard.press("r");
    await page.getByText("ann was told to run it").waitFor();
    const told = (await relay.ask("GET", "/v1/agents/ann/inbox", undefined, me)).body.items.at(-1);
    expect(told.payload.job).toEqual({ id: "nightly", do: "run" });
    // The browser logs the expression that the relay refused.
    expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  });
});
