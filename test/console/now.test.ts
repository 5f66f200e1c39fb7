import { describe, expect, test } from "bun:test";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";

const options = [
  { id: "once", label: "Allow once", decision: "allow", scope: "once" },
  { id: "session", label: "Allow this session", decision: "allow", scope: "session" },
  { id: "deny", label: "Deny", decision: "deny" },
];

/** An agent asks for a person's leave to run a command line. */
async function asks({ ask }: TestRelay, me: { token: string }, line: string): Promise<string> {
  const subject = { type: "command", line, cwd: "/work" };
  const draft = { kind: "permission", subject, title: "wants to run a command", options, default: "deny" };
  return (await ask("POST", "/v1/approvals", { ...draft, expiresInSeconds: 3600 }, me)).body.id;
}

describe.skipIf(noBrowser !== undefined)(`the landing page ${noBrowser ?? ""}`, () => {
  test("an approval appears without a reload, shows what exactly would run, and is allowed by a key", async () => {
    const relay = await startRelay();
    const me = await relay.agent("claude-api");
    const { page, faults } = await openConsole(relay);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    const id = await asks(relay, me, "git push \u202e<b>x</b>\u200b && rm -rf /");
    await page.getByRole("heading", { name: "1 thing needs you" }).waitFor();
    // A mark of direction and an invisible character would change what a person reads.
    await page.getByText("git push \\u{202e}<b>x</b>\\u{200b} && rm -rf /", { exact: true }).waitFor();
    await page.getByRole("button", { name: /Allow once/ }).waitFor();
    await page.keyboard.press("1");
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    const { body } = await relay.ask("GET", `/v1/approvals/${id}`);
    expect(body).toMatchObject({ state: "answered", answer: { option: "once" } });
    expect(faults).toEqual([]);
  });

  test("of two people one answers, and the other sees who; a viewer decides nothing", async () => {
    const relay = await startRelay();
    const me = await relay.agent("claude-api");
    await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
    await relay.ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    await asks(relay, me, "ls");
    const ada = await openConsole(relay, "/", { draft: { personId: "ada" } });
    const vic = await ada.another({ personId: "vic" });
    await vic.page.getByText("vic is a viewer: operators and members decide.").waitFor();
    expect(await vic.page.getByRole("button", { name: /Allow/ }).count()).toBe(0);
    await ada.page.getByRole("button", { name: /I have it/ }).click();
    await vic.page.getByText("ada sees to it").first().waitFor();
    await ada.page.getByRole("button", { name: /^Deny/ }).click();
    await vic.page.getByRole("heading", { name: "All quiet" }).waitFor();
  });

  test("an agent's old page is said to be old while the relay is away, and catches up when it is back", async () => {
    const relay = await startRelay();
    const me = await relay.agent("claude-api");
    const { page } = await openConsole(relay);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    await page.context().setOffline(true);
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    await asks(relay, me, "ls");
    await page.context().setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await page.getByRole("heading", { name: "1 thing needs you" }).waitFor();
  });

  test("an operator resumes a paused chain from the page, and a member is shown no verb for it", async () => {
    const relay = await startRelay({ loopLimit: 3 });
    const { ask } = relay;
    const [me, other] = [await relay.agent("me"), await relay.agent("other")];
    await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
    let last = (await ask("POST", "/v1/messages", { to: "other", body: "0" }, me)).body.id;
    for (let n = 1; n < 6; n++) {
      const [by, to] = n % 2 ? [other, "me"] : [me, "other"];
      last = (await ask("POST", "/v1/messages", { to, body: `${n}`, replyTo: last }, by)).body.id ?? last;
    }
    const operator = await openConsole(relay);
    const member = await operator.another({ personId: "ada" });
    await member.page.getByRole("button", { name: /I have it/ }).waitFor();
    expect(await member.page.getByRole("button", { name: "Resume" }).count()).toBe(0);
    await operator.page.getByRole("button", { name: "Resume" }).click();
    await operator.page.getByText("resumed").waitFor();
    expect((await ask("GET", "/v1/loops?status=paused")).body.items).toEqual([]);
  });
});
