import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { startFleet } from "../support/sessions.ts";

const options = [
  { id: "once", label: "Allow once", decision: "allow", scope: "once" },
  { id: "session", label: "Allow this session", decision: "allow", scope: "session" },
  { id: "deny", label: "Deny", decision: "deny" },
];

/** An agent asks for a person's leave to run a command line. */
async function asks({ ask }: TestRelay, me: { token: string }, line: string): Promise<string> {
  const subject = { type: "command", line, cwd: "/work" };
  const draft = { kind: "permission", subject, title: "wants to run \u202ea command", options, default: "deny" };
  return (await ask("POST", "/v1/approvals", { ...draft, expiresInSeconds: 3600 }, me)).body.id;
}

describe.skipIf(noBrowser !== undefined)(`the landing page ${noBrowser ?? ""}`, () => {
  test("an approval and states of sessions appear without a reload; it shows what exactly would run, and is allowed by a key", async () => {
    const relay = await startFleet();
    const { ask, box, put, clock } = relay;
    const session = { state: "working", project: "github.com/acme/app", pid: 7 };
    await put(box, "ses_old", { ...session, agentId: "box-two" });
    await put(box, "ses_a", session);
    await put(box, "ses_old", { ...session, agentId: "box-two", state: "dead" });
    const me = await relay.agent("claude-api");
    clock.advance(60_000);
    await ask("POST", "/v1/orchestrators/box/heartbeat", {}, box);
    const { page, faults } = await openConsole(relay);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    // The line has the states of the hour as tracks, and as text. A change comes by itself.
    await page.clock.setFixedTime(clock.now());
    const line = page.getByRole("region", { name: "The line" });
    await line.getByText("working 1 min", { exact: true }).waitFor();
    await line.getByText(/^ended \d/).waitFor();
    await put(box, "ses_a", { ...session, state: "asking" });
    await line.getByText("waits for you", { exact: true }).waitFor();
    clock.advance(60_000);
    await page.clock.setFixedTime(clock.now());
    await line.getByText("working 1 min, waited for you 1 min", { exact: true }).waitFor();
    expect(await line.getByRole("link", { name: "box-one" }).getAttribute("aria-describedby")).toBe("track-ses_a");
    const id = await asks(relay, me, "git push \u202e<b>x</b>\u200b && rm -rf /");
    await page.getByRole("heading", { name: "1 thing needs you" }).waitFor();
    // A mark of direction and an invisible character would change what a person reads.
    await page.getByText("wants to run \\u{202e}a command").waitFor();
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
    // The first read of the list is answered after an event that it does not know of.
    const read = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => String(payload).includes('"approval"') && told.resolve()),
    );
    await page.route(
      "**/v1/attention*",
      async (route) => {
        const response = await route.fetch();
        read.resolve();
        await told.promise;
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    await page.reload();
    await read.promise;
    await page.getByText("live", { exact: true }).waitFor();
    await asks(relay, me, "pwd");
    await page.getByRole("heading", { name: "2 things need you" }).waitFor();
  });

  test("nothing is called quiet while a machine is not heard of, and holds come and go without a reload", async () => {
    const relay = await startFleet();
    const { page, url } = await openConsole(relay);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    await relay.pass(10 * 60_000);
    await page.reload();
    await page.getByRole("heading", { name: "Nothing waits, as far as is known" }).waitFor();
    await page.getByText(/box was not heard of since \d/).waitFor();
    expect(await page.getByText("Nothing needs you.").count()).toBe(0);
    const { id } = (await relay.ask("POST", "/v1/holds", { scope: "all", reason: "Migration" })).body;
    await page.getByText("Everything is held").waitFor();
    await relay.ask("DELETE", `/v1/holds/${id}`);
    await page.getByText("Everything is held").waitFor({ state: "detached" });
    await relay.ask("PATCH", "/v1/orchestrators/box", { status: "online" }, relay.box);
    await relay.pass(1000);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
    // One that says goodbye is known to do nothing.
    await relay.ask("PATCH", "/v1/orchestrators/box", { status: "offline" }, relay.box);
    await relay.pass(1000);
    await page.goto(`${url}/agents?show=machines`);
    await page.getByText(/^stopped/).waitFor();
    await page.goto(url);
    await page.getByRole("heading", { name: "All quiet" }).waitFor();
  });

  test("a message that nobody took up is said to be late, and goes once it is answered", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const me = await relay.agent("codex-1");
    const said = { to: "codex-1", subject: "<b>Is main green?\u202e</b>", body: "x" };
    const { id } = (await ask("POST", "/v1/messages", said)).body;
    await relay.pass(12 * 60_000);
    const { page, faults } = await openConsole(relay);
    const watched = page.getByRole("region", { name: "Messages to watch" });
    await watched.getByText(/^late by/).waitFor();
    await watched.getByText("<b>Is main green?\\u{202e}</b>", { exact: true }).waitFor();
    await watched.getByText(/user to codex-1 · stored .*, not offered/).waitFor();
    // A plain agent cannot say that it is in a turn: that mark is missing.
    await watched.getByTitle("in turn: its recipient has no means to say so").waitFor();
    // Keys lead on into the links of the page, where no row waits.
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("article").getByRole("list", { name: "Facts" }).getByText("stored").waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await page.goBack();
    await watched.getByText(/not offered/).waitFor();
    await ask("GET", "/v1/agents/codex-1/inbox", undefined, me);
    await watched.getByText(/offered .*, not answered/).waitFor();
    await ask("POST", "/v1/messages", { to: "user", body: "Yes", replyTo: id }, me);
    await watched.getByText("Every message arrived.").waitFor();
    expect(faults).toEqual([]);
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
