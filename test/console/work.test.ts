import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { startBox } from "../support/commands.ts";
import { openConsole } from "../support/console.ts";

describe.skipIf(noBrowser !== undefined)(`the fleet and its work in the console ${noBrowser ?? ""}`, () => {
  test("a stuck session is interrupted through its daemon, and everything is held and lifted again", async () => {
    const box = await startBox();
    await box.session("ses_1", { state: "stuck", reason: "Silent <b>for</b> 22 min.", evidence: { lastTool: "<i>" } });
    const { page, faults } = await openConsole(box, "/agents?show=sessions");
    await page.getByText("stuck", { exact: true }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("link", { name: /box-claude/ }).click();
    await page.getByRole("heading", { name: "box-claude is stuck" }).waitFor();
    await page.getByText("Silent <b>for</b> 22 min.").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.keyboard.press("i");
    const heard = async () => (await box.heard()).find(({ payload }) => payload.command.do === "interrupt");
    while (!(await heard())) await page.evaluate(() => new Promise((done) => setTimeout(done, 20)));
    expect((await heard())?.payload.command).toMatchObject({ do: "interrupt", sessionId: "ses_1" });
    await page.keyboard.press("Shift+P");
    await page.getByLabel("Reason").fill("Deploying");
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("dialog").getByRole("button", { name: "Hold" }).click();
    await page.getByText("Everything is held").waitFor();
    await page.getByRole("button", { name: "Lift" }).click();
    await page.getByText("Everything is held").waitFor({ state: "detached" });
    expect((await box.ask("GET", "/v1/holds")).body.items).toMatchObject([{ reason: "Deploying" }]);
    expect(faults).toEqual([]);
  });

  test("a dead letter shows its failure and is opened again; decisions and acts are listed", async () => {
    const box = await startBox();
    await box.ask("POST", "/v1/messages", { to: "bob", body: "<b>work</b>", claimable: true, maxAttempts: 1 });
    const held = await box.claim(box.bob);
    await box.end("fail", box.bob, held, { error: "No <i>disk</i>.", final: true });
    const { page, faults, visit } = await openConsole(box, "/work?state=dead");
    await page.getByRole("heading", { name: "1 dead letter" }).waitFor();
    await page.getByText("No <i>disk</i>.").first().waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Requeue" }).click();
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();
    await page.getByRole("link", { name: "Open" }).click();
    await page.getByText("<b>work</b>").first().waitFor();
    await box.ask("POST", "/v1/tasks", { title: "The disk is <b>full</b>", target: "bob", severity: "critical" });
    await box.claim(box.bob);
    for (const [path, text] of [
      ["/work?show=tasks", "1 task, 1 not done"],
      ["/work?show=tasks&status=claimed", "claimed by bob"],
      ["/work?show=tasks&status=claimed&target=bob", "held by bob"],
      ["/activity", "token created"],
      ["/approvals", "No agent has asked for anything yet."],
      ["/approvals?show=rules", "No rule: a person decides everything."],
    ] as const) {
      await visit(path);
      await page.getByText(text).first().waitFor();
      expect([path, await axeFaults(page)]).toEqual([path, []]);
    }
    expect(faults).toEqual([]);
  });
});
