import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { startChannel, TELEGRAM } from "../support/channel.ts";
import { openConsole } from "../support/console.ts";

const PATH = `/v1/channels/${TELEGRAM}`;

describe.skipIf(noBrowser !== undefined)(`channels in the console ${noBrowser ?? ""}`, () => {
  test("a chat is moved to another agent by keys and back, a route is tried, and a stranger let in by the code", async () => {
    const world = await startChannel({ listed: true });
    const { ask, bind, event, agent, adapter } = world;
    await agent("ann");
    await agent("bob");
    await ask("PUT", "/v1/people/mia", { name: "Mia", role: "member" });
    await bind({ target: "ann" });
    await ask("POST", `${PATH}/guests`, { senderId: "9", name: "Ada" });
    await event({ text: "Is <b>main</b> up?" });
    const stranger = { sender: { id: "66", name: "Eve" }, conversationId: "c6", private: true, text: "Let me in" };
    await event(stranger);
    const { page, faults, another } = await openConsole(world, "/schedules");
    await page.getByText("Nothing is scheduled.").waitFor();
    // Alone the second key would begin a schedule.
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.getByText(/^Code [2-9A-Z]{8}: let Eve into telegram:main$/).waitFor();
    const [asked] = (await ask("GET", "/v1/approvals?kind=access")).body.items;
    await page.getByText(`Code ${asked.subject.code}`, { exact: false }).first().waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Let in" }).waitFor();
    await page.keyboard.press("1");
    await page.getByText("Asks to be let in").waitFor({ state: "detached" });
    await page.getByRole("link", { name: /Main/ }).click();
    await page.getByText("Is <b>main</b> up?").waitFor();
    await page.getByText("A message there goes to ann.").waitFor();
    while (!(await page.getByText("Ada", { exact: true }).locator("xpath=ancestor::*[@aria-expanded='true']").count()))
      await page.keyboard.press("j");
    await page.getByText("everyone who writes in this chat is heard").waitFor();
    await page.keyboard.press("m");
    await page.keyboard.type("bob");
    await page.keyboard.press("Enter");
    await page.getByText("A message there goes to bob.").waitFor();
    expect((await event({ text: "And now?" })).body.messages).toMatchObject([{ to: "bob" }]);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("A message there goes to ann.").waitFor();
    expect((await event({ text: "Again?" })).body.messages).toMatchObject([{ to: "ann" }]);

    await page.getByRole("link", { name: "Bindings" }).click();
    await page.keyboard.press("c");
    await page.getByRole("dialog").getByLabel("Chat").fill("-100");
    await page.getByLabel("Goes to", { exact: true }).fill("bob");
    await page.getByLabel("While no target is there, it goes to").fill("ann");
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Bind", exact: true }).click();
    await page.getByText("chat -100 goes to bob").waitFor();
    await page.getByLabel("Chat").fill("-100");
    await page.getByText("A message there goes to bob.").waitFor();
    await page.getByText("is passed over: binding for all chats to ann").waitFor();
    await page.getByRole("link", { name: "Guests" }).click();
    await page.getByText("let in by a code").waitFor();
    expect(await axeFaults(page)).toEqual([]);

    const meta = { adapter: { beat: 1, host: "box", pid: 1, deaf: "another program polls" } };
    await ask("PATCH", `/v1/agents/${TELEGRAM}`, { ready: false, meta }, adapter);
    await page.reload();
    await page.getByRole("heading", { name: "Main cannot hear: another program polls" }).waitFor();
    const member = await another({ personId: "mia" }, new URL(page.url()).pathname);
    await member.page.getByText("mia is a member: operators change it.").waitFor();
    expect(await member.page.getByRole("button", { name: /Add a guest|Remove|Hear/ }).count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
