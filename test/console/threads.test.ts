import { describe, expect, test } from "bun:test";
import { createVault } from "../../src/client/sealed.ts";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { delta, numbered, thought, toolResult, toolStart } from "../support/parts.ts";
import { startRelay } from "../support/relay.ts";
import { startCrew } from "../support/runs.ts";
import { until } from "../support/until.ts";

const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
  "[click](javascript:document.title='owned') [bank](https://evil.example/login) ![pixel](https://evil.example/p.gif)",
  "<style>body{display:none}</style><svg onload=\"document.title='owned'\"></svg> invoice\u202efdp.exe",
].join("\n\n");

describe.skipIf(noBrowser !== undefined)(`threads in a browser ${noBrowser ?? ""}`, () => {
  test("a person writes to an agent, whose answer appears without a reload and is marked as read", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const codex = await relay.agent("codex-1", { tags: ["review"] });
    const { page, faults, visit } = await openConsole(relay, "/threads/new");
    await page.getByLabel("Message", { exact: true }).focus();
    await page.keyboard.type("@cod");
    await page.getByRole("list", { name: "Targets" }).getByText("codex-1").waitFor();
    await page.keyboard.press("Enter");
    expect(await page.getByLabel("To").inputValue()).toBe("codex-1");
    await page.keyboard.type("Is main green?");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/threads\/\d+/);
    const id = Number(/threads\/(\d+)/.exec(page.url())?.[1]);
    await page.getByRole("heading", { name: "Is main green?" }).waitFor();
    const say = (message: object) => ask("POST", "/v1/messages", { to: "user", ...message }, codex);
    const buttons = [[{ id: "go", text: "Ship it" }]];
    const form = { fields: [{ id: "why", label: "Why", type: "text" }] };
    await say({ body: "**Yes**, it is. Ship?", replyTo: id, payload: { buttons, form } });
    await page.locator("strong", { hasText: "Yes" }).waitFor();
    const unread = async () => (await ask("GET", "/v1/threads")).body.items[0].unread;
    await until(async () => (await unread()) === 0, "it is read");
    expect(await axeFaults(page, ["target-size"])).toEqual([]);
    for (const colorScheme of ["dark", "light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`:root[data-theme=${colorScheme}]`).waitFor();
    }
    await page.getByRole("button", { name: "Ship it" }).click();
    await page.getByText("Answered: Ship it").waitFor();
    const [pressed] = (await ask("GET", "/v1/messages?to=codex-1")).body.items;
    expect(pressed).toMatchObject({ body: "Ship it", payload: { button: "go" }, threadId: id });
    await page.keyboard.press("k");
    await page.keyboard.press("w");
    await page.getByText("stored").first().waitFor();
    await page.keyboard.press("r");
    await page.keyboard.type("Thank you");
    await page.getByRole("button", { name: "Send", exact: true }).last().click();
    await page.getByRole("article").filter({ hasText: "Thank you" }).waitFor();
    await visit("/threads");
    await page.getByRole("heading", { name: "Nothing new" }).waitFor();
    await say({ body: "One more thing", replyTo: id });
    await page.getByRole("heading", { name: "1 thread has news" }).waitFor();
    await page.keyboard.press("x");
    await page.getByText("1 chosen").waitFor();
    expect(await axeFaults(page, ["target-size"])).toEqual([]);
    await page.getByRole("button", { name: "Mark as read" }).click();
    await page.getByRole("heading", { name: "Nothing new" }).waitFor();
    await page.keyboard.press("x");
    await page.getByRole("button", { name: "Archive" }).click();
    await page.getByText(/^1 thread archived/).waitFor();
    await relay.pass(20);
    await page.getByText("No thread yet").waitFor();
    await page.keyboard.press("z");
    await page.getByRole("link", { name: /Is main green/ }).waitFor();
    expect(faults).toEqual([]);
  });

  test("a live run stands folded in its thread, and what its agent thought and did stays behind a switch", async () => {
    const crew = await startCrew();
    const { id } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Is main green?" })).body;
    const run = await crew.run(crew.bob, { task: "Look at <b>main</b>", messageId: id });
    const tells = async (from: number, ...events: object[]) =>
      expect((await crew.does(crew.bob, run, "events", numbered(events, from), run)).status).toBe(200);
    await tells(0, thought("Hm, <i>let me see</i>."), toolStart("c1", { command: "bun test" }));
    const { page, faults } = await openConsole(crew, `/threads/${id}`);
    const live = page.getByRole("list", { name: "Live runs" });
    await live.getByText("thought · 22 characters").waitFor();
    await live.getByRole("button", { name: /shell.*bun test.*running/ }).waitFor();
    expect(await live.getByText("let me see").count()).toBe(0);
    await tells(2, toolResult("c1", { content: HOSTILE, details: { exitCode: 3 } }), delta("It is red."));
    await live.getByText("It is red.").waitFor();
    await live.getByRole("button", { name: /thought/ }).click();
    await live.getByText("Hm, <i>let me see</i>.").waitFor();
    expect(await axeFaults(page, ["target-size"])).toEqual([]);
    await crew.finish(crew.bob, run);
    await live.waitFor({ state: "detached" });
    await crew.pass(5000);
    const asked = page.getByRole("article").filter({ hasText: "Is main green?" });
    await asked.getByRole("button", { name: /bob done · Look at <b>main<\/b>/ }).click();
    await asked.getByText("It is red.").waitFor();
    expect(await asked.getByText("thinking", { exact: true }).count()).toBe(0);
    await page.getByRole("button", { name: "Thoughts" }).click();
    await asked.getByRole("button", { name: /^thinking Hm/ }).waitFor();
    expect(await asked.getByRole("button", { name: /^tool_call/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Actions" }).click();
    await asked
      .getByRole("button", { name: /^(tool_call|command_exec)/ })
      .first()
      .click();
    await page.waitForURL(/level=3/);
    const trace = [{ level: 2, type: "planning", content: "<script>document.title='owned'</script>\u202e" }];
    await crew.ask("POST", `/v1/messages/${id}/traces`, trace, crew.bob);
    await asked.getByText("<script>document.title='owned'</script>\\u{202e}").waitFor();
    expect(await page.locator("article :is(b, script, img)").count()).toBe(0);
    expect(await axeFaults(page, ["target-size"])).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("an encrypted message opens with its password alone, and a person answers encrypted", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const eve = await relay.agent("eve");
    const vault = createVault("correct horse");
    const hidden = `The key is under the mat\n\n${HOSTILE}`;
    const say = async (text: string, more = {}) => {
      const sealed = await vault.seal(text, { from: "eve", to: "user" });
      return (await ask("POST", "/v1/messages", { to: "user", encoding: "opaque", ...sealed, ...more }, eve)).body.id;
    };
    const root = await say(hidden);
    await say("And the second", { replyTo: root });
    const { page, faults } = await openConsole(relay, `/threads/${root}`);
    await page.getByRole("button", { name: "Decrypt…" }).first().click();
    await page.keyboard.type("battery staple");
    await page.keyboard.press("Enter");
    await page.getByText("This password does not open it.").waitFor();
    await page.getByLabel(/Password of message/).fill("correct horse");
    await page.keyboard.press("Enter");
    await page.getByText("The key is under the mat").waitFor();
    // One password opens all that it fits.
    await page.getByText("And the second").waitFor();
    expect(await page.title()).not.toBe("owned");
    expect(await page.locator("article :is(img, script, style)").count()).toBe(0);
    // A text is kept no more once it is to be encrypted.
    await page.getByLabel("Message", { exact: true }).fill("Under the horse");
    await page.getByRole("button", { name: "Encrypt", exact: true }).click();
    await page.reload();
    await page.getByRole("button", { name: "Decrypt…" }).first().click();
    await page.keyboard.type("correct horse");
    await page.keyboard.press("Enter");
    await page.getByText("The key is under the mat").waitFor();
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("");
    await page.getByRole("button", { name: "Encrypt", exact: true }).click();
    await page.getByLabel("Message", { exact: true }).fill("Thank you");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("article").filter({ hasText: "Thank you" }).waitFor();
    const [sent] = (await ask("GET", "/v1/messages?to=eve")).body.items;
    expect(sent).toMatchObject({ encoding: "opaque", meta: { enc: { v: 1 } } });
    expect(await vault.open(sent)).toBe("Thank you");
    await page.getByRole("button", { name: "Forget passwords" }).click();
    await page.getByRole("article").filter({ hasText: "Thank you" }).waitFor({ state: "detached" });
    expect(await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")).not.toContain("horse");
    expect(faults).toEqual([]);
  });

  test("names and bodies of others are shown as text, and nothing in them runs or loads", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const eve = await relay.agent("eve", { name: "<b>Eve</b>" });
    const say = async (message: object) =>
      (await ask("POST", "/v1/messages", { to: "user", ...message }, eve)).body.id as number;
    const root = await say({ subject: "<script>document.title='owned'</script>", body: HOSTILE });
    await say({ replyTo: root, body: "c2VjcmV0", encoding: "opaque" });
    await say({ replyTo: root, body: "x".repeat(200_000) });
    const payload = { buttons: "no list", form: { fields: [null, { id: 1 }] }, files: [{ fileId: "../../v1/tokens" }] };
    await say({ replyTo: root, body: "odd", payload });
    const { page, faults } = await openConsole(relay, `/threads/${root}`);
    await page.getByText("Show all 200,000 characters").waitFor();
    for (let n = 0; n < 4; n++) await page.keyboard.press("k");
    await page.getByText("8 characters that the relay cannot read").waitFor();
    await page.getByText("(evil.example)").first().waitFor();
    expect(await page.title()).toBe("<script>document.title='owned'</script> · Signalbox");
    await page.getByText("invoice\\u{202e}fdp.exe").waitFor();
    const bank = page.getByRole("link", { name: "bank" });
    expect(await bank.getAttribute("rel")).toContain("noopener");
    const counted = "article :is(img, script, style, svg[onload], [onerror], a[href^='javascript'], a[href*='tokens'])";
    expect(await page.locator(counted).count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
