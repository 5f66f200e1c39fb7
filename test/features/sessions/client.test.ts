import { describe, expect, test } from "bun:test";
import { createClient } from "../../../src/client/client.ts";
import { callCli } from "../../support/cli-harness.ts";
import { listen } from "../../support/listen.ts";
import { draft, startFleet } from "../../support/sessions.ts";

async function withClients() {
  const fleet = await startFleet();
  const url = listen(fleet);
  const cli = (...args: string[]) => callCli(["--url", url, "--token", fleet.relay.operatorToken, ...args]);
  return { ...fleet, url, cli, daemon: createClient({ url, token: fleet.box.token }) };
}

describe("sessions and limits by the client and the command line", () => {
  test("the client reports, leases and releases sessions, and acts for their agents", async () => {
    const { daemon, url, relay, one, cli } = await withClients();
    expect(
      await daemon.sessions.put("ses_a", { ...draft, lane: "main", state: "working", place: "user" }),
    ).toMatchObject({
      ...{ id: "ses_a", state: "working" },
    });
    const { fence } = await daemon.sessions.lease("ses_a");
    expect((await daemon.sessions.renew("ses_a", { fence, leaseSeconds: 30 })).fence).toBe(fence);
    expect((await daemon.sessions.release("ses_a", fence)).lease).toBeNull();
    expect((await daemon.sessions.list({ live: "true" })).items).toHaveLength(1);
    expect((await daemon.sessions.get("ses_a")).agentId).toBe("box-one");
    expect((await cli("sessions", "states")).stdout).toMatch(/ses_a\s+box-one\s+working .*█ now/);
    const until = "2026-03-01T13:00:00.000Z";
    const limit = await daemon.limits.put("claude", "team", { type: "five_hour", until, evidence: {} });
    expect(limit.until).toBe(until);
    const operator = createClient({ url, token: relay.operatorToken });
    await operator.limits.clear("claude", "team");
    expect((await daemon.limits.list()).items).toEqual([]);
    const { id } = await operator.messages.send({ to: one.id, body: "x" });
    expect((await daemon.inbox.ack(id, { agentId: one.id })).cursor).toBe(id);
  });

  test("the client follows a session as it is, then its changes alone; an agent may not", async () => {
    const { daemon, url, relay, one } = await withClients();
    const own = { ...draft, place: "user" as const };
    await daemon.sessions.put("ses_a", { ...own, lane: "main", state: "idle" });
    const operator = createClient({ url, token: relay.operatorToken });
    const states: string[] = [];
    for await (const { id, state } of operator.sessions.follow("ses_a")) {
      states.push(`${id} ${state}`);
      if (state === "dead") break;
      await daemon.sessions.put("ses_b", {
        ...own,
        lane: "background",
        state: state === "idle" ? "idle" : "working",
      });
      await operator.messages.send({ to: one.id, body: "not for watchers of a session" });
      await daemon.sessions.put("ses_a", { ...own, lane: "main", state: state === "idle" ? "working" : "dead" });
    }
    expect(states).toEqual(["ses_a idle", "ses_a working", "ses_a dead"]);
    const watching = relay.app.handle(
      new Request("http://relay/v1/messages/stream?session=ses_a", {
        headers: { authorization: `Bearer ${one.token}` },
      }),
    );
    expect((await watching).status).toBe(403);
  });

  test("signalbox sessions and signalbox limits list, show, free and clear", async () => {
    const { daemon, cli } = await withClients();
    const place = { conversation: { channelId: "telegram:main", conversationId: "7" } };
    const links = [{ kind: "branch" as const, ref: "fix", url: null, state: null, evidence: "git" as const }];
    const body = { ...draft, lane: "main" as const, state: "limited" as const, name: "fix the build", place, links };
    await daemon.sessions.put("ses_a", { ...body, limitedUntil: "2026-03-01T13:00:00Z", evidence: { status: 429 } });
    await daemon.sessions.put("ses_b", { ...body, state: "dead" });
    await daemon.sessions.lease("ses_a");
    const listed = await cli("sessions", "list");
    expect(listed.stdout).toContain("fix the build");
    expect(listed.stdout).toContain("limited until");
    expect(listed.stdout).not.toContain("ses_b");
    expect((await cli("sessions", "list", "--all")).stdout).toContain("ses_b");
    const shown = (await cli("sessions", "show", "ses_a")).stdout;
    for (const part of ["telegram:main", '{"status":429}', "fence 1, until", "fix  "]) expect(shown).toContain(part);
    expect((await cli("sessions", "free", "ses_a")).stdout).toContain("ses_a is free");
    expect((await cli("limits", "list")).stdout).toContain("No provider refuses anything");
    const limit = { type: "five_hour", until: "2026-03-01T13:00:00Z", evidence: {}, utilization: 100 };
    await daemon.limits.put("claude", "team", limit);
    const limits = (await cli("limits", "list")).stdout;
    for (const part of ["claude", "team", "five_hour", "100 %"]) expect(limits).toContain(part);
    expect((await cli("limits", "clear", "claude", "team")).stdout).toContain("claude is tried again for team");
  });
});
