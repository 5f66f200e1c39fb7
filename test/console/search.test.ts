import { describe, expect, test } from "bun:test";
import { complete, lastWord, parseSearch, writeSearch } from "../../src/console/search/query.ts";
import { wanted } from "../support/approvals.ts";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { startBox } from "../support/commands.ts";
import { openConsole } from "../support/console.ts";

test("a search is read as it is written, and its last word completed", () => {
  const search = { project: "acme/api", state: "stuck", q: 'a "b c" d:e' };
  expect(parseSearch('project:acme/api a "b c" state:idle state:stuck d:e')).toEqual(search);
  expect(parseSearch('tag:"two words" pr:#7')).toEqual({ tag: "two words", pr: "#7" });
  expect(parseSearch("  tag: ")).toEqual({});
  for (const text of ["project:acme/api state:stuck", 'tag:"two words" deploy now', ""])
    expect(writeSearch(parseSearch(text))).toBe(text);
  expect(lastWord("state:stuck ag")).toEqual({ key: undefined, begun: "ag", at: 12 });
  expect(complete("state:stuck ag", "agent")).toBe("state:stuck agent:");
  expect(complete("state:stuck tag:tw", "two words")).toBe('state:stuck tag:"two words" ');
});

describe.skipIf(noBrowser !== undefined)(`search in the console ${noBrowser ?? ""}`, () => {
  test("the box completes keys and values, finds all kinds, and a project of the rail filters each page", async () => {
    const box = await startBox();
    const { ask } = box;
    await box.session("ses_1", { state: "stuck", reason: "Silent.", project: "github.com/acme/api", tags: ["money"] });
    await box.session("ses_2", { state: "idle", project: "github.com/acme/docs", name: "Totals" });
    const asked = { agentId: "box-claude", task: "Fix the totals", project: "github.com/acme/api", tags: ["money"] };
    expect((await ask("POST", "/v1/runs", asked)).status).toBe(201);
    const id = (await ask("POST", "/v1/messages", { to: "bob", body: "The <b>totals</b> differ" })).body.id;
    await ask("POST", "/v1/messages", { to: "bob", body: "Count again", claimable: true });
    const mine = (await ask("POST", "/v1/messages", { to: "box-claude", body: "Add it up", claimable: true })).body.id;
    await ask("POST", "/v1/runs", { ...asked, messageId: mine, sessionKey: "sums" });
    for (const [sessionId, title] of [
      ["ses_1", "Run the totals"],
      ["ses_2", "Read the docs"],
    ])
      await ask("POST", "/v1/approvals", { ...wanted("ls"), agentId: "box-claude", sessionId, title });
    await box.relay.settle();
    const { page, faults, visit } = await openConsole(box);
    await page.getByRole("button", { name: /acme\/docs/ }).waitFor();

    await page.keyboard.press("/");
    await page.keyboard.type("sta");
    await page.keyboard.press("Tab");
    await page.keyboard.type("stu");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await page.getByRole("combobox", { name: "Search" }).inputValue()).toBe("state:stuck ");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/search\?state=stuck$/);
    await page.getByRole("link", { name: /box-claude stuck/ }).waitFor();
    expect(await axeFaults(page)).toEqual([]);

    await page.keyboard.press("/");
    await page.getByRole("combobox", { name: "Search" }).fill("totals");
    await page.keyboard.press("Enter");
    await page.getByText("Fix the totals").first().waitFor();
    await page.getByText("The <b>totals</b> differ").first().waitFor();
    await page.getByText("github.com/acme/docs").waitFor();
    await page.getByRole("link", { name: "Messages" }).click();
    await page.getByText(`${id} to bob`).click();
    await page.waitForURL(/\/threads\/\d+$/);

    await visit("/search?pr=7&state=idle");
    await page.getByText("Nothing matches").waitFor();
    await page.getByText("state:idle pr:7", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/search$/);

    await visit("/agents?show=sessions");
    await page.getByText("Totals").waitFor();
    await page.getByRole("button", { name: /acme\/api/ }).click();
    await page.getByText("Totals").waitFor({ state: "detached" });
    await page.getByText("stuck").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(/\/runs\?project=/);
    await page.getByRole("heading", { name: "2 runs, 2 under way" }).waitFor();
    expect(await page.getByRole("combobox", { name: "Search" }).inputValue()).toBe("project:github.com/acme/api");
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await page.getByRole("heading", { name: "1 message is open" }).waitFor();
    await page.getByRole("button", { name: "Choose all 1 that match" }).click();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel all for good" }).click();
    await page.getByText("Cancelling 0 of 1").waitFor();
    await box.pass(20);
    await page.getByText("1 cancelled").waitFor();
    await page.getByRole("link", { name: "Approvals" }).click();
    await page.getByRole("heading", { name: "1 approval waits" }).waitFor();
    expect(await page.getByText("Read the docs").count()).toBe(0);
    await page.getByRole("link", { name: "Activity" }).click();
    await page.getByText("Not narrowed by project").waitFor();
    await box.session("ses_3", { state: "working", project: "github.com/acme/new" });
    await page.getByRole("button", { name: "acme/new 1" }).waitFor();
    await page.getByRole("link", { name: "Work" }).click();
    await page.getByRole("button", { name: /acme\/api/ }).click();
    await page.waitForURL(/\/work$/);
    await page.getByRole("heading", { name: "1 message is open" }).waitFor();
    await page.getByText("Count again").first().waitFor();
    expect(faults).toEqual([]);
  });

  test("everything is reached from one list by the keyboard: things, acts on the page, and the keys", async () => {
    const box = await startBox();
    await box.session("ses_1", { state: "working", project: "github.com/acme/api" });
    await box.ask("POST", "/v1/messages", { to: "bob", body: "The totals differ" });
    await box.ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    await box.relay.settle();
    const { page, faults, another } = await openConsole(box);
    const everything = async (text: string, of = page) => {
      await of.keyboard.press("Control+k");
      await of.getByPlaceholder("Search or command").fill(text);
    };
    await everything("box-claude");
    await page.getByRole("option", { name: /box-claude.*ses_1/ }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("option", { name: "box-claude", exact: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/agents\/box-claude$/);
    await page.getByRole("heading", { name: /^box-claude is/ }).waitFor();
    await everything("c");
    expect(await page.getByRole("option", { name: "Now" }).count()).toBe(0);
    await page.keyboard.press("Escape");
    await everything("interrupt");
    await page.keyboard.press("Enter");
    const heard = async () => (await box.heard()).find(({ payload }) => payload.command.do === "interrupt");
    while (!(await heard())) await page.evaluate(() => new Promise((done) => setTimeout(done, 20)));
    await everything("totals");
    await page.getByRole("option", { name: "The totals differ" }).click();
    await page.waitForURL(/\/threads\/\d+$/);
    await page.keyboard.press("Control+k");
    await page.getByRole("option", { name: "box-claude", exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await everything("dark");
    await page.keyboard.press("Enter");
    await page.locator(":root[data-theme=dark]").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("g f").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    const vic = await another({ personId: "vic" });
    await everything("agent", vic.page);
    await vic.page.getByRole("option", { name: "Search for" }).waitFor();
    for (const name of [/Spawn/, /Connect/, /Make an agent/, /Hold/])
      expect(await vic.page.getByRole("option", { name }).count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
