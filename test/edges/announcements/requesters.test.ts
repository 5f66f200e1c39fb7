import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { openChat, startOffice } from "../../support/announcements.ts";
import { until } from "../../support/until.ts";

const ADA = { requester: { agentId: "ada" } };
const MINUTE = 60_000;

describe("a requester that is a run", () => {
  test("G7: a child's result comes to the run's agent in the run's thread, and the parent goes on", async () => {
    const { ask, ada, bob, run, asked, finish, announced, ofRun } = await startOffice();
    const { body: task } = await ask("POST", "/v1/messages", { to: "ada", body: "Ship it." });
    const parent = await run(ada, { messageId: task.id, requester: { agentId: "user" } });
    const child = await asked(ada, bob, { parentId: parent.id, cause: "spawn" });
    expect(child.requester).toEqual({ runId: parent.id });
    await finish(bob, child, { result: "Built." });
    expect(await announced(ada)).toMatchObject([
      {
        ...{ from: "bob", body: "Built.", replyTo: task.id, threadId: task.id },
        payload: { announcement: { source: "spawn", instruction: "update" } },
      },
    ]);
    expect(await ofRun(child)).toMatchObject([
      { requester: { runId: parent.id }, route: { to: "ada", by: "requester" } },
    ]);
    await finish(ada, parent, { result: "Shipped." });
    expect(await announced("user")).toMatchObject([{ from: "ada", body: "Shipped.", replyTo: task.id }]);
  });

  test("it is urgent only for a live turn that can be steered", async () => {
    const { ask, ada, bob, run, asked, finish, announced } = await startOffice();
    const parent = await run(ada, { label: "Parent" });
    const spawn = { parentId: parent.id, cause: "spawn" };
    await finish(bob, await asked(ada, bob, spawn), { result: "One." });
    await ask("PATCH", "/v1/agents/ada", { reach: "mid-turn" }, ada);
    await finish(bob, await asked(ada, bob, spawn), { result: "Two." });
    await finish(bob, await asked(ada, bob, ADA), { result: "Three." });
    await finish(ada, parent, { result: "Done." });
    await finish(bob, await asked(ada, bob, ADA), { result: "Four." });
    expect((await announced(ada)).map(({ urgent }) => urgent)).toEqual([false, true, true, false]);
  });

  test("it is not urgent while the turn makes its context smaller, since nothing reaches it then", async () => {
    const { ask, ada, bob, run, asked, does, finish, announced } = await startOffice();
    await ask("PATCH", "/v1/agents/ada", { reach: "mid-turn" }, ada);
    const parent = await run(ada);
    const spawn = { parentId: parent.id, cause: "spawn" };
    for (const [seq, phase] of (["start", "end"] as const).entries()) {
      const event = { source: "main", seq, stream: "compaction", data: { phase } };
      expect((await does(ada, parent, "events", { events: [event] }, parent)).status).toBe(200);
      await finish(bob, await asked(ada, bob, spawn), { result: "Done." });
    }
    expect((await announced(ada)).map(({ urgent }) => urgent)).toEqual([false, true]);
  });

  test("a requester that runs on a schedule is asked for an update, not to write to a user", async () => {
    const { ada, bob, run, asked, finish, announced } = await startOffice();
    const nightly = await run(ada, { cause: "schedule", sessionKey: "cron-nightly" });
    await finish(bob, await asked(ada, bob, { parentId: nightly.id, cause: "spawn" }), { result: "Done." });
    expect((await announced(ada))[0].payload.announcement.instruction).toBe("update");
  });

  test("children whose parent ended report to the parent's own requester", async () => {
    const { ada, bob, cid, run, take, asked, finish, announced, ofRun, pass } = await startOffice();
    const top = await run(ada, { leaseSeconds: 86_400 });
    const parent = await asked(ada, bob, { parentId: top.id, cause: "spawn" });
    const below = await run(bob, { agentId: "cid", parentId: parent.id, cause: "spawn" });
    const child = await take(cid, below, { leaseSeconds: 86_400 });
    await pass(121_000);
    expect(await announced(ada)).toMatchObject([{ from: "bob", payload: { announcement: { status: "error" } } }]);
    await finish(cid, child, { result: "Late but whole." });
    expect(await ofRun(child)).toMatchObject([{ route: { to: "ada", by: "retargeted" }, state: "sent" }]);
    expect((await announced(ada)).map(({ from }) => from)).toEqual(["bob", "cid"]);
    expect(await announced(bob)).toEqual([]);
  });
});

describe("a requester that is gone", () => {
  test("without anybody above it the result is blocked, and user is told once", async () => {
    const { ask, ada, bob, asked, finish, ofRun, handle } = await startOffice();
    const run = await asked(ada, bob, { ...ADA, label: "Parser" });
    await ask("DELETE", "/v1/agents/ada");
    expect((await finish(bob, run, { result: "Done." })).status).toBe("ended");
    const [blocked] = await ofRun(run);
    expect(blocked).toMatchObject({ state: "blocked", reason: "requester-gone", route: null, messageId: null });
    for (let n = 0; n < 3; n++)
      expect((await handle("retry", blocked)).body).toMatchObject({ state: "blocked", reason: "requester-gone" });
    const told = (await ask("GET", "/v1/messages?to=user&topic=announcements")).body.items;
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      from: "system",
      payload: { announcementId: blocked.id, reason: "requester-gone" },
    });
    expect(told[0].body).toContain(`POST /v1/announcements/${blocked.id}/retry`);
  });

  test("a retry goes without a file that is gone since", async () => {
    const { ask, relay, ada, bob, asked, finish, ofRun, handle, announced, pass } = await startOffice();
    const upload = await relay.app.handle(
      new Request("http://localhost/v1/files?name=a.txt", {
        ...{ method: "POST", body: "content" },
        headers: { authorization: `Bearer ${bob.token}`, "content-type": "text/plain" },
      }),
    );
    const { id } = await upload.json();
    const run = await asked(ada, bob, ADA);
    await ask("DELETE", "/v1/agents/ada");
    await finish(bob, run, { result: "See the file.", files: [id] });
    for (let hours = 0; hours < 30; hours++) await pass(60 * MINUTE);
    expect((await ask("GET", `/v1/files/${id}`)).status).toBe(404);
    await ask("POST", "/v1/agents/ada/restore");
    expect((await handle("retry", (await ofRun(run))[0])).body.state).toBe("sent");
    expect((await announced(ada))[0]).toMatchObject({ body: "See the file." });
  });

  test("a requester that is restored gets it by a retry, once", async () => {
    const { ask, ada, bob, asked, finish, ofRun, handle, announced } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await ask("DELETE", "/v1/agents/ada");
    await finish(bob, run, { result: "Done." });
    await ask("POST", "/v1/agents/ada/restore");
    const [blocked] = await ofRun(run);
    expect(await handle("retry", blocked)).toMatchObject({ status: 200, body: { state: "sent" } });
    expect(await handle("retry", blocked)).toMatchObject({ status: 409, body: { code: "not-open" } });
    expect(await announced(ada)).toMatchObject([{ body: "Done." }]);
  });

  test("its chat gets the result when the requester is deleted, also while it is unread", async () => {
    const office = await startOffice();
    const { ask, ada, bob, asked, finish, ofRun, inbox } = office;
    const chat = await openChat(office, "telegram:main", "ada");
    const origin = { channelId: chat.id, conversationId: "c1" };
    const unread = await asked(ada, bob, { ...ADA, origin });
    await finish(bob, unread, { result: "One." });
    const running = await asked(ada, bob, { ...ADA, origin });
    await ask("DELETE", "/v1/agents/ada");
    await finish(bob, running, { result: "Two." });
    for (const run of [unread, running])
      expect(await ofRun(run)).toMatchObject([{ state: "sent", route: { by: "retargeted", conversation: origin } }]);
    const [first] = await chat.claim();
    expect(first?.message.payload.text).toBe("One.");
    // The announcement went on: its author is not told that it was lost.
    expect((await inbox(bob)).filter(({ subject }) => subject === "ada was deleted")).toEqual([]);
  });

  test("a requester that comes back has the message that it had not read, once", async () => {
    const { ask, ada, bob, asked, finish, ofRun, handle, announced, ackUpTo } = await startOffice();
    const [unread, read] = [await asked(ada, bob, ADA), await asked(ada, bob, ADA)];
    for (const run of [unread, read]) await finish(bob, run, { result: "Done." });
    await ask("DELETE", "/v1/agents/ada");
    for (const run of [unread, read])
      expect(await ofRun(run)).toMatchObject([{ state: "blocked", reason: "requester-gone" }]);
    await ask("POST", "/v1/agents/ada/restore");
    const back = { ...ada, token: (await ask("POST", "/v1/tokens", { role: "agent", agentId: "ada" })).body.token };
    expect((await handle("retry", (await ofRun(unread))[0])).body).toMatchObject({ state: "sent" });
    await ackUpTo(back, (await announced(ada)).at(-1).id);
    expect((await handle("retry", (await ofRun(read))[0])).body).toMatchObject({ state: "acknowledged" });
    expect(await ofRun(unread)).toMatchObject([{ state: "acknowledged" }]);
    expect(await announced(ada)).toHaveLength(2);
  });

  test("hundreds that an agent never read go on when it is deleted, and user is told of them once", async () => {
    const office = await startOffice({ durability: "normal" });
    const { ask, relay, ada, bob, asked, finish } = office;
    for (let n = 0; n < 120; n++) await finish(bob, await asked(ada, bob, ADA), { result: "Done." });
    await ask("DELETE", "/v1/agents/ada");
    await relay.settle();
    expect((await ask("GET", "/v1/announcements?state=sent")).body.items).toEqual([]);
    expect((await ask("GET", "/v1/announcements?state=blocked&limit=500")).body.items).toHaveLength(120);
    const health = (await ask("GET", "/v1/health")).body;
    expect(health.checks.find(({ name }: { name: string }) => name === "announcements")).toMatchObject({
      ...{ status: "warn", detail: "120 results of runs could not be delivered" },
    });
    expect((await ask("GET", "/metrics")).body).toContain("signalbox_announcements_blocked 120");
    const told = (await ask("GET", "/v1/messages?to=user&topic=announcements")).body.items;
    expect(told).toMatchObject([{ payload: { agentId: "ada", reason: "requester-gone" } }]);
  });
});

describe("a paused chain", () => {
  test("a result beyond the loop limit waits for the chain, and a finish never fails for it", async () => {
    const { ask, relay, ada, bob, asked, finish, ofRun, announced } = await startOffice({ loopLimit: 3 });
    const run = await asked(ada, bob, ADA);
    let last = (await ask("POST", "/v1/messages", { to: "bob", body: "ping" }, ada)).body;
    for (const [by, to] of [
      [bob, "ada"],
      [ada, "bob"],
    ] as const)
      last = (await ask("POST", "/v1/messages", { to, body: "pong", replyTo: last.id }, by)).body;
    await ask("GET", "/v1/agents/bob/inbox?after=0", undefined, bob);
    expect(await finish(bob, run, { result: "Done." })).toMatchObject({ status: "ended", outcome: "ok" });
    expect(await ofRun(run)).toMatchObject([{ state: "blocked", reason: "loop-paused" }]);
    expect(await announced(ada)).toEqual([]);
    const [loop] = (await ask("GET", "/v1/loops?status=paused")).body.items;
    await ask("POST", `/v1/loops/${loop.rootId}/resume`);
    await relay.settle();
    expect(await ofRun(run)).toMatchObject([{ state: "sent", reason: null }]);
    expect(await announced(ada)).toMatchObject([{ body: "Done." }]);
    expect((await ask("GET", "/v1/messages?to=user&topic=announcements")).body.items).toEqual([]);
  });
});

describe("a lively thread", () => {
  test("results beyond its rate wait for a minute at most, and all of them come once", async () => {
    const { ask, ada, bob, run, asked, finish, announced, pass } = await startOffice({ threadRate: 3 });
    const { body: task } = await ask("POST", "/v1/messages", { to: "ada", body: "Ship it." });
    const parent = await run(ada, { messageId: task.id });
    for (let n = 1; n <= 5; n++) {
      const child = await asked(ada, bob, { parentId: parent.id, cause: "spawn" });
      await finish(bob, child, { result: `Part ${n}.` });
    }
    const blocked = (await ask("GET", "/v1/announcements?state=blocked")).body.items;
    expect(blocked.length).toBeGreaterThan(0);
    for (let seconds = 0; seconds < 180; seconds += 20) await pass(20_000);
    expect((await ask("GET", "/v1/announcements?state=blocked")).body.items).toEqual([]);
    const bodies = (await announced(ada)).map(({ body }) => body);
    expect(bodies.toSorted()).toEqual(["Part 1.", "Part 2.", "Part 3.", "Part 4.", "Part 5."]);
  });
});

describe("who may see and handle announcements", () => {
  test("its worker and its requester read it, an outsider does not, and a list holds only one's own", async () => {
    const { ask, ada, bob, cid, asked, finish, ofRun } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    const other = await asked(ada, cid, ADA);
    await finish(cid, other, { result: "Done." });
    const [{ id }] = await ofRun(run);
    const seen = async (by: typeof ada) => (await ask("GET", `/v1/announcements/${id}`, undefined, by)).status;
    expect([await seen(ada), await seen(bob), await seen(cid)]).toEqual([200, 200, 403]);
    const listed = async (by: typeof ada) => (await ask("GET", "/v1/announcements", undefined, by)).body.items.length;
    expect([await listed(ada), await listed(bob), await listed(cid)]).toEqual([2, 1, 1]);
    expect((await ask("GET", "/v1/announcements/ann_nosuch")).status).toBe(404);
    expect((await ask("GET", "/v1/announcements?requester=ada&state=sent&limit=1")).body).toMatchObject({
      ...{ items: [{ runId: other.id }], nextPage: expect.any(String) },
    });
    expect((await ask("GET", "/v1/announcements?requester=bob")).body.items).toEqual([]);
  });

  test("a parent's agent sees what its child will announce, and those above see it by its run", async () => {
    const { ask, ada, bob, cid, dan, run, asked, finish } = await startOffice();
    const top = await run(ada);
    const child = await asked(ada, bob, { parentId: top.id, cause: "spawn" });
    await asked(bob, cid, { parentId: child.id, cause: "spawn" });
    await finish(bob, child, { result: "Asked cid." });
    const listed = async (by: typeof ada, query: string) =>
      (await ask("GET", `/v1/announcements?${query}`, undefined, by)).body.items.map(
        ({ state }: { state: string }) => state,
      );
    expect(await listed(ada, "state=waiting")).toEqual(["waiting"]);
    expect(await listed(bob, `run=${child.id}`)).toEqual(["waiting"]);
    expect(await listed(dan, `run=${child.id}`)).toEqual([]);
  });

  test("an orchestrator sees what its agents announce", async () => {
    const { ask, ada, run, does } = await startOffice();
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
    const boss = { id: "orchestrator-box", token: (await ask("POST", "/v1/tokens", draft)).body.token };
    const box = {
      hostname: "box",
      version: VERSION,
      baseDir: "/work",
      providers: [{ name: "claude", version: "2.1.0", capabilities: [] }],
      ...{ approvalMode: "open", spawners: ["ada"] },
    };
    expect((await ask("PUT", "/v1/orchestrators/box", box, boss)).status).toBe(201);
    expect((await ask("PUT", "/v1/agents/box-1", { name: "Claude" }, boss)).status).toBe(201);
    const one = await run(ada, { agentId: "box-1", ...ADA });
    const turn = (await does(boss, one, "start")).body.token;
    expect((await does(boss, one, "finish", { outcome: "ok", result: "Done." }, turn)).status).toBe(200);
    const { items } = (await ask("GET", `/v1/announcements?run=${one.id}`, undefined, boss)).body;
    expect(items).toMatchObject([{ state: "sent" }]);
    expect((await ask("GET", `/v1/announcements/${items[0].id}`, undefined, boss)).status).toBe(200);
    expect((await ask("POST", `/v1/announcements/${items[0].id}/dismiss`, undefined, boss)).status).toBe(403);
  });

  test("its requester dismisses what it has not read; readers pass it over, and activity shows who did it", async () => {
    const { ask, ada, bob, cid, asked, finish, ofRun, handle, announced } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    const [sent] = await ofRun(run);
    expect(await handle("dismiss", sent, bob)).toMatchObject({ status: 403 });
    expect(await handle("dismiss", sent, cid)).toMatchObject({ status: 403 });
    expect(await handle("dismiss", sent, ada)).toMatchObject({
      status: 200,
      body: { state: "dismissed", reason: "by ada" },
    });
    expect(await handle("dismiss", sent, ada)).toMatchObject({ status: 200, body: { state: "dismissed" } });
    expect(await announced(ada)).toMatchObject([{ settled: true }]);
    const digest = (await ask("GET", "/v1/agents/ada/inbox/digest", undefined, ada)).body;
    expect(digest.unread).toBe(0);
    const { items } = (await ask("GET", `/v1/activity?subject=${sent.id}`)).body;
    expect(items).toMatchObject([{ verb: "announcement.dismissed", data: { runId: run.id, state: "sent" } }]);
  });

  test("what is acknowledged or silent can be neither dismissed nor retried", async () => {
    const { ada, bob, asked, finish, ofRun, handle, announced, ackUpTo } = await startOffice();
    const read = await asked(ada, bob, ADA);
    await finish(bob, read, { result: "Done." });
    await ackUpTo(ada, (await announced(ada))[0].id);
    const silent = await asked(ada, bob, ADA);
    await finish(bob, silent, { silent: true });
    for (const run of [read, silent])
      for (const verb of ["dismiss", "retry"])
        expect(await handle(verb, (await ofRun(run))[0])).toMatchObject({ status: 409, body: { code: "not-open" } });
  });
});

describe("age", () => {
  test("blocked and unread ones are dismissed by the relay after the retention time, and go after it once more", async () => {
    const { ask, ada, bob, cid, asked, finish, ofRun, pass } = await startOffice({ retentionDays: 1 });
    const unread = await asked(ada, bob, ADA);
    await finish(bob, unread, { result: "Done." });
    const run = await asked(cid, bob, { requester: { agentId: "cid" } });
    await ask("DELETE", "/v1/agents/cid");
    await finish(bob, run, { result: "Done." });
    const [{ id }] = await ofRun(run);
    const hours = async (count: number) => {
      for (let n = 0; n < count; n += 4) await pass(240 * MINUTE);
    };
    await hours(28);
    // Messages go in the background.
    await until(async () => (await ofRun(unread))[0].state !== "sent", "the unread message went");
    expect(await ofRun(unread)).toMatchObject([{ state: "dismissed", reason: "retention" }]);
    expect(await ofRun(run)).toMatchObject([{ state: "dismissed", reason: "retention", endedAt: expect.any(String) }]);
    const { items } = (await ask("GET", `/v1/activity?subject=${id}`)).body;
    expect(items).toMatchObject([{ verb: "announcement.dismissed", actor: "system" }]);
    await hours(28);
    expect((await ask("GET", `/v1/announcements/${id}`)).status).toBe(404);
  });
});

describe("everybody who watches", () => {
  test("explain tells the story of the message", async () => {
    const { ask, ada, bob, asked, finish, announced, ackUpTo } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    const [{ id }] = await announced(ada);
    await ackUpTo(ada, id);
    const { facts } = (await ask("GET", `/v1/messages/${id}/explain`)).body;
    expect(facts).toContainEqual(
      expect.objectContaining({ step: "announced", runId: run.id, by: "requester", state: "acknowledged" }),
    );
    expect(facts.at(-1)).toMatchObject({ step: "acknowledged", announcementId: expect.stringMatching(/^ann_/) });
  });

  test("counts of runs and announcements are in the metrics", async () => {
    const { ask, ada, bob, asked, finish } = await startOffice();
    await finish(bob, await asked(ada, bob, ADA), { result: "Done." });
    const text = (await ask("GET", "/metrics")).body;
    expect(text).toContain('signalbox_run_changes_total{status="running"} 1');
    expect(text).toContain('signalbox_runs_ended_total{outcome="ok"} 1');
    expect(text).toContain('signalbox_announcement_changes_total{state="sent"} 1');
  });
});
