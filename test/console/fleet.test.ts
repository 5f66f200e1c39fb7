import { describe, expect, test } from "bun:test";
import { axeFaults } from "../support/axe.ts";
import { noBrowser } from "../support/browser.ts";
import { startBox } from "../support/commands.ts";
import { openConsole } from "../support/console.ts";
import { startRelay } from "../support/relay.ts";

describe.skipIf(noBrowser !== undefined)(`agents in the console ${noBrowser ?? ""}`, () => {
  test("an agent is made, changed, given a token, deleted in two steps and restored; a viewer sees none of these verbs", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    await relay.agent("other");
    await ask("PUT", "/v1/people/vic", { name: "Vic", role: "viewer" });
    const { page, faults, visit, another } = await openConsole(relay, "/agents");
    await page.getByRole("button", { name: "Make an agent…" }).click();
    await page.getByLabel("Id, for good").fill("ann");
    await page.getByLabel(/^Tags/).fill("review, docs");
    await page.getByLabel(/^Skills/).fill("read: Reads <b>code</b>: slowly");
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.waitForURL(/\/agents\/ann$/);
    await page.getByText("It has no token, and cannot speak.").waitFor();
    expect((await ask("GET", "/v1/agents/ann")).body).toMatchObject({
      ...{ name: "ann", status: "offline", tags: ["review", "docs"], label: null },
      skills: [{ name: "read", description: "Reads <b>code</b>: slowly" }],
    });
    await page.getByRole("button", { name: "Change…" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Ann Reads");
    await page.getByLabel(/^Label/).fill("crew");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Ann Reads").waitFor();
    expect((await ask("GET", "/v1/agents/ann")).body).toMatchObject({ label: "crew", status: "offline" });

    await page.getByRole("button", { name: "Make a token" }).click();
    const token = (await page.getByText(/^sbx_/).textContent()) ?? "";
    expect((await ask("GET", "/v1/whoami", undefined, { token })).body).toMatchObject({
      role: "agent",
      agentId: "ann",
    });
    await page.getByText("made in the console").waitFor();
    expect(await axeFaults(page)).toEqual([]);

    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByText("1 token of it ends").waitFor();
    expect((await ask("GET", "/v1/agents/ann")).status).toBe(200);
    await page.getByRole("button", { name: "Delete ann" }).click();
    await page.getByRole("heading", { name: "1 agent", exact: true }).waitFor();
    expect((await ask("GET", "/v1/whoami", undefined, { token })).status).toBe(401);
    await visit("/agents?show=deleted");
    await page.getByRole("button", { name: "Restore ann" }).click();
    await page.getByText("No agent was deleted.").waitFor();
    expect((await ask("GET", "/v1/agents/ann")).body).toMatchObject({ name: "Ann Reads", status: "offline" });

    const vic = await another({ personId: "vic" });
    await vic.page.getByRole("heading", { name: "2 agents" }).waitFor();
    for (const name of [/Make an agent/, /Connect/, /Spawn/])
      expect(await vic.page.getByRole("button", { name }).count()).toBe(0);
    await vic.visit("/agents/ann");
    await vic.page.getByRole("heading", { name: /^ann is/ }).waitFor();
    for (const name of [/Change/, /Delete/, /token/])
      expect(await vic.page.getByRole("button", { name }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("the page of a thing that was deleted says so, and of one that cannot be read again keeps what it knew, as of when", async () => {
    const relay = await startRelay();
    const { ask } = relay;
    const comes = (by: { id: string; token: string }) => ask("GET", `/v1/agents/${by.id}/inbox?after=0`, undefined, by);
    await comes(await relay.agent("gone-x"));
    const other = await relay.agent("other");
    const { page, visit } = await openConsole(relay, "/agents/gone-x");
    await page.getByRole("heading", { name: "gone-x is idle" }).waitFor();
    await page.route("**/v1/agents/gone-x", (route) =>
      route.fulfill({
        status: 400,
        contentType: "application/problem+json",
        body: JSON.stringify({ code: "invalid", status: 400, detail: "It cannot be read.", requestId: "req_1" }),
      }),
    );
    // With news of any agent it is read again.
    await comes(other);
    await relay.pass(1000);
    const alert = page.getByRole("alert").filter({ hasText: "It cannot be read." });
    await alert.getByText("invalid req_1").waitFor();
    await alert.getByText(/^as of \d/).waitFor();
    await page.getByRole("heading", { name: /^gone-x is/ }).waitFor();
    await page.unrouteAll();
    await alert.getByRole("button", { name: "Retry" }).click();
    await alert.waitFor({ state: "detached" });

    await ask("DELETE", "/v1/agents/gone-x");
    await relay.pass(1000);
    await page.getByRole("heading", { name: "This agent cannot be shown" }).waitFor();
    await page
      .getByRole("alert")
      .getByText(/^gone /)
      .waitFor();
    for (const name of [/Change/, /Delete/]) expect(await page.getByRole("button", { name }).count()).toBe(0);
    await page.getByRole("button", { name: "Restore gone-x" }).click();
    await page.getByRole("heading", { name: /^gone-x is/ }).waitFor();

    const draft = { name: "nightly", cron: "0 3 * * *", message: { to: "gone-x", body: "Check" } };
    const { id } = (await ask("POST", "/v1/schedules", draft)).body;
    await visit(`/schedules/${id}`);
    await page.getByRole("heading", { name: /^nightly/ }).waitFor();
    await ask("DELETE", `/v1/schedules/${id}`);
    // With any message schedules are read again.
    await ask("POST", "/v1/messages", { to: "gone-x", body: "Hello" });
    await relay.pass(1000);
    await page.getByRole("heading", { name: "This schedule cannot be shown" }).waitFor();
  });

  test("a profile is made, changed and deleted, and the fleet stays in sight beside one session", async () => {
    const box = await startBox();
    await box.session("ses_1", { state: "stuck", reason: "Silent." });
    await box.session("ses_2", { state: "working", name: "<b>docs</b>" });
    const { page, faults, visit } = await openConsole(box, "/agents?show=profiles");
    await page.getByRole("button", { name: "Make a profile…" }).click();
    await page.getByLabel("Git worktrees of their own for new sessions").selectOption("yes");
    await page.getByLabel("Name", { exact: true }).fill("night");
    await page.getByLabel(/^Agents/).fill("box-claude");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByText("“box-claude” names no machine").waitFor();
    await page.getByLabel(/^Agents/).fill("box-claude box");
    await page.getByLabel(/^When stuck/).fill("tell 5\ninterrupt 60");
    await page.getByLabel(/^Caps/).fill('{"costUsd": 5}');
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByText("when stuck: tell after 5 s, interrupt after 60 s").waitFor();
    const profile = async () => (await box.ask("GET", "/v1/profiles/night")).body;
    expect(await profile()).toMatchObject({
      agents: [{ agentId: "box-claude", orchestratorId: "box", desired: "onDemand" }],
      ...{ provider: "claude", caps: { costUsd: 5 }, onLimit: "wait", restart: { policy: "onFailure" } },
    });
    expect((await profile()).worktree).toBe(true);
    const before = await profile();
    await page.getByRole("button", { name: "Change…" }).click();
    await page.getByRole("dialog").getByLabel("Model").fill("opus");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await profile()).toMatchObject({ ...before, model: "opus", updatedAt: expect.any(String) });
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete it: what runs by it goes on" }).click();
    await page.getByText("No profile yet.").waitFor();

    await visit("/sessions/ses_1");
    const fleet = page.getByRole("navigation", { name: "Fleet" });
    await fleet.getByRole("link", { name: "box-claude: working, <b>docs</b>" }).click();
    await page.getByRole("heading", { name: "box-claude is working" }).waitFor();
    await fleet.getByRole("link", { name: "box-claude: stuck" }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
