import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`settings in the console ${noBrowser ?? ""}`, () => {
  test("a token and secrets are shown once, a person gets a link, and each section stands by its address", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const me = await relay.agent("ann");
    await ask("PUT", "/v1/agents/ann/models", { items: [{ id: "opus", name: "<b>Opus" }], default: "opus" }, me);
    const { page, faults, visit, another } = await openConsole(relay, "/settings/tokens");
    const go = (section: string) =>
      page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: section }).click();
    await page.getByRole("button", { name: /New token/ }).waitFor();
    await page.keyboard.press("c");
    await page.getByLabel("Agent", { exact: true }).fill("ann");
    await page.getByLabel("Name").fill("laptop");
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Make it" }).click();
    const secret = (await page.getByRole("region", { name: "Token of laptop" }).locator("code").textContent()) ?? "";
    expect((await ask("GET", "/v1/whoami", undefined, { token: secret })).body).toMatchObject({ agentId: "ann" });
    await page.getByRole("button", { name: "I have it" }).click();
    await page.reload();
    await page.getByText("laptop").click();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "End the token" }).click();
    await page.getByRole("button", { name: "End it: its streams close, what it set up pauses" }).click();
    await page.getByText("laptop").waitFor({ state: "detached" });
    expect((await ask("GET", "/v1/whoami", undefined, { token: secret })).status).toBe(401);

    await go("People");
    await page.getByText("No person is known yet: everyone acts as the operator.").waitFor();
    await page.keyboard.press("c");
    await page.getByLabel("Id").fill("mia");
    await page.getByLabel("Name").fill("Mia");
    await page.getByLabel("Quiet from").fill("22:00");
    await page.getByLabel("until").fill("07:00");
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText(/quiet 22:00 to 07:00/).waitFor();
    await page.keyboard.press("i");
    await page.getByRole("region", { name: "Link for Mia" }).getByText("#code=").waitFor();

    await go("Integrations");
    await page.getByText("No source reports events yet.").waitFor();
    await page.keyboard.press("c");
    await page.getByLabel("Source").fill("ci");
    await page.getByLabel("Its tasks are for").fill("ann");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("region", { name: "Secret of ci" }).waitFor();
    await ask("POST", "/v1/integrations/ci/events", { title: "Disk <i>full" });
    expect(await axeFaults(page)).toEqual([]);
    await page.reload();
    await page.getByText("Disk <i>full").waitFor();

    await ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:1/", events: ["work.dead"], name: "crm" });
    await go("Webhooks");
    await page.getByText("No delivery was given up.").waitFor();
    await page.keyboard.press("t");
    await page.getByText("A webhook.test event is on its way").waitFor();
    for (const [section, text] of [
      ["Models", "<b>Opus"],
      ["Webhooks", "crm"],
      ["Retention", "No message was deleted yet."],
      ["Health", "takes writes"],
      ["Backups", "No copy lies in the data folder."],
    ] as const) {
      await go(section);
      await page.getByText(text).first().waitFor();
      expect([section, await axeFaults(page)]).toEqual([section, []]);
    }
    await visit("/settings/nothing");
    await page.getByText("There is no such section").waitFor();
    await page.getByRole("link", { name: "Approvals" }).click();
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("No rule: a person decides everything.").waitFor();
    for (const [match, decision] of [
      ["git *", "allow"],
      ["*--force*", "deny"],
    ] as const) {
      await page.keyboard.press("c");
      await page.getByLabel("Decision").selectOption(decision);
      await page.getByLabel("Match").fill(match);
      await page.getByText("No permission was asked for yet").waitFor();
      if (decision === "deny") expect(await axeFaults(page)).toEqual([]);
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    const rules = async () => (await ask("GET", "/v1/approval-rules")).body.items;
    const [{ id: first }, { id: moved }] = await rules();
    await page.getByText("*--force*").click();
    await page.keyboard.press("u");
    await page.getByText("rule 1 of 2").waitFor();
    expect(await rules()).toMatchObject([
      { id: moved, match: "*--force*" },
      { id: first, match: "git *" },
    ]);
    await page.keyboard.press("v");
    await page.getByLabel("Match").fill("*-f*");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await rules()).toMatchObject([{ id: moved, position: 1, decision: "deny", match: "*-f*" }, { id: first }]);
    const member = await another({ personId: "mia" });
    await member.page.getByText("mia is a member: operators see it.").waitFor();
    await member.visit("/settings/people");
    await member.page.getByText("mia", { exact: true }).first().waitFor();
    expect(await member.page.getByRole("button", { name: /Add a person|Make a link|Delete/ }).count()).toBe(0);
    await member.page.setViewportSize({ width: 390, height: 844 });
    expect(await axeFaults(member.page)).toEqual([]);
    await member.visit("/threads/new");
    await member.page.getByRole("heading", { name: "New thread" }).waitFor();
    expect(await axeFaults(member.page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
