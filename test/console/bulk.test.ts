import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { dieOf } from "../support/dead-letters.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`many at once in the console ${noBrowser ?? ""}`, () => {
  test("5,000 dead letters are requeued from the page with progress; rows are chosen by keys, and views kept", async () => {
    const relay = await startRelay({ durability: "normal" });
    const { ask, agent, pass } = relay;
    const ann = await agent("ann");
    await dieOf(relay, ann, 5000);
    const { page, faults } = await openConsole(relay, "/work?state=dead");
    await page.getByRole("button", { name: "Requeue all 5,000" }).waitFor();
    await page.getByRole("button", { name: "Choose all that match" }).click();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Requeue", exact: true }).first().click();
    await page.getByText("Requeuing 0 of 5,000").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    for (let steps = 0; steps < 10; steps++) await pass(20);
    await page.getByText(/Requeuing [1-9][\d,]* of 5,000/).waitFor();
    while ((await ask("GET", "/v1/bulk")).body.items[0].endedAt === null) await pass(20);
    await page.getByText("5,000 requeued").waitFor();
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();

    await page.getByRole("link", { name: "Open", exact: true }).click();
    await page.getByRole("button", { name: "Choose all that match" }).waitFor();
    for (const key of ["x", "j", "j", "Shift+X"]) await page.keyboard.press(key);
    await page.getByText("3 chosen").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("3 chosen").waitFor({ state: "detached" });
    for (const key of ["x", "k", "Shift+X"]) await page.keyboard.press(key);
    await page.getByText("2 chosen").waitFor();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel 2 for good" }).click();
    await page.getByText("Cancelling 0 of 2").waitFor();
    await pass(20);
    await page.getByText("2 cancelled").waitFor();
    expect((await ask("GET", "/v1/messages?state=cancelled")).body.items).toHaveLength(2);

    await page.getByLabel("Topic").fill("night");
    await page.keyboard.press("Enter");
    await page.getByText("topic:night").waitFor();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByLabel("Name of this view").fill("Night shift");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved as Night shift").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("link", { name: "Held" }).click();
    await page.getByText("Nothing is held.").waitFor();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("button", { name: /^Night shift/ }).click();
    await page.getByText("topic:night").waitFor();
    expect(page.url()).toContain("/work?topic=night");
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("button", { name: "Delete view Night shift" }).click();
    await page.getByText("View Night shift is deleted").waitFor();
    await page.keyboard.press("z");
    await page.getByText("Taken back").waitFor();
    await page.getByRole("button", { name: /^Night shift/ }).waitFor();
    expect((await ask("GET", "/v1/views")).body.items).toMatchObject([{ name: "Night shift", page: "work" }]);
    expect(faults).toEqual([]);
  });

  test("a list holds still while a person is at it, its keys keep their row, and z takes an act back", async () => {
    const relay = await startRelay();
    const { ask, agent } = relay;
    const asker = await agent("asker");
    await dieOf(relay, await agent("ann"), 1);
    await ask("POST", "/v1/messages", { to: "asker", body: "Is main green?" });
    const { page, faults } = await openConsole(relay);
    await page.getByRole("button", { name: "Requeue" }).waitFor();
    await page.keyboard.press("e");
    await page.getByText("You see to it").waitFor();
    await page.keyboard.press("z");
    await page.getByText("Taken back").waitFor();
    expect((await ask("GET", "/v1/attention")).body.items).toMatchObject([{ takenBy: null }]);

    // From the end of one list keys lead into the next, and act there alone.
    const watched = page.getByRole("region", { name: "Messages to watch" }).getByRole("link").first();
    await page.keyboard.press("j");
    expect(await watched.evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press("e");
    await page.keyboard.press("k");
    expect(await watched.evaluate((one) => one === document.activeElement)).toBe(false);
    expect((await ask("GET", "/v1/attention")).body.items).toMatchObject([{ takenBy: null }]);

    await page.getByText("Given up after").first().hover();
    const options = [
      { id: "yes", label: "Allow", decision: "allow" },
      { id: "no", label: "Deny", decision: "deny" },
    ];
    const subject = { type: "command", line: "make", cwd: "/work" };
    const draft = { kind: "permission", subject, title: "make", options, default: "no", expiresInSeconds: 600 };
    await ask("POST", "/v1/approvals", draft, asker);
    await ask("POST", "/v1/approvals", draft, asker);
    const arrived = page.getByRole("button", { name: "2 new ↑" });
    await arrived.waitFor();
    const asks = page.getByRole("button", { name: /^asker make/ });
    expect(await asks.count()).toBe(0);
    await arrived.click();
    await asks.first().waitFor();
    // The row that was selected still is: the key of an approval that came above it does nothing.
    await page.keyboard.press("1");
    expect((await ask("GET", "/v1/approvals?state=pending")).body.items).toHaveLength(2);
    // The row that keys lead the focus to is the one that they act on.
    await asks.first().focus();
    await page.getByRole("button", { name: "Deny all 2" }).click();
    await page.getByText("Answering 0 of 2").waitFor();
    await relay.pass(20);
    await page.getByText("2 answered").waitFor();
    expect((await ask("GET", "/v1/approvals?state=answered")).body.items).toHaveLength(2);
    expect(faults).toEqual([]);
  });
});
