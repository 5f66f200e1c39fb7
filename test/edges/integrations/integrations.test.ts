import { Database as Sqlite } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startWithSources } from "../../support/integration.ts";

const event = (more: Record<string, unknown> = {}) => ({ title: "Disk full", dedupeKey: "disk-1", ...more });

describe("an integration", () => {
  test("an integration is made, read, listed, changed and removed; its secret is shown once", async () => {
    const { ask } = await startWithSources();
    const made = await ask("PUT", "/v1/integrations/ci", { target: "tag:ops", severity: "warning", topic: "ci" });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ source: "ci", target: "tag:ops", mapping: "generic", verify: "standard" });
    expect(made.body.secret).toStartWith("whsec_");
    const again = await ask("PUT", "/v1/integrations/ci", { target: "worker", mapping: "generic" });
    expect([again.status, again.body.secret, again.body.target]).toEqual([200, undefined, "worker"]);
    expect(again.body).toMatchObject({ severity: null, topic: null });
    await ask("PUT", "/v1/integrations/alerts", { mapping: "alertmanager" });
    const list = (await ask("GET", "/v1/integrations?limit=1")).body;
    expect([list.items[0].source, list.nextPage]).toEqual(["alerts", "alerts"]);
    expect((await ask("GET", `/v1/integrations?limit=1&page=${list.nextPage}`)).body.items[0].source).toBe("ci");
    const read = await ask("GET", "/v1/integrations/ci");
    expect(JSON.stringify(read.body)).not.toContain("secret");
    expect((await ask("DELETE", "/v1/integrations/ci")).status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await ask(method, "/v1/integrations/ci")).status).toBe(404);
    const verbs = (await ask("GET", "/v1/activity?subject=ci")).body.items.map(({ verb }: { verb: string }) => verb);
    expect(verbs).toEqual(["integration.deleted", "integration.changed", "integration.created"]);
  });

  test("an integration takes its tokens with it: one made again under its name has none of them", async () => {
    const { ask } = await startWithSources();
    await ask("PUT", "/v1/integrations/ci", {});
    const { body } = await ask("POST", "/v1/tokens", { role: "integration", source: "ci" });
    expect((await ask("POST", "/v1/integrations/ci/events", event(), { token: body.token })).status).toBe(201);
    await ask("DELETE", "/v1/integrations/ci");
    await ask("PUT", "/v1/integrations/ci", {});
    expect((await ask("POST", "/v1/integrations/ci/events", event(), { token: body.token })).status).toBe(401);
  });

  test("an integration is for operators to change, and for nobody else", async () => {
    const { ask, worker } = await startWithSources();
    for (const [method, path] of [
      ["PUT", "/ci"],
      ["DELETE", "/ci"],
      ["GET", "/ci"],
      ["GET", ""],
    ] as const)
      expect((await ask(method, `/v1/integrations${path}`, method === "PUT" ? {} : undefined, worker)).status).toBe(
        403,
      );
  });

  test("an integration names its faults by their place", async () => {
    const { ask } = await startWithSources();
    const put = async (draft: unknown) => (await ask("PUT", "/v1/integrations/x", draft)).body;
    expect(await put({ target: "wroker" })).toMatchObject({ code: "unknown-target", suggestions: ["worker"] });
    expect((await put({ mapping: "paths" })).errors).toMatchObject([{ pointer: "/paths" }]);
    expect((await put({ paths: { title: "$.a" } })).errors).toMatchObject([{ pointer: "/paths" }]);
    expect((await put({ mapping: "paths", paths: { title: "$..a" } })).errors).toMatchObject([
      { pointer: "/paths/title" },
    ]);
    expect((await put({ verify: "standard", secret: "whsec_not base64 at all" })).errors).toMatchObject([
      { pointer: "/secret" },
    ]);
    expect((await put({ secret: "short" })).errors).toMatchObject([{ pointer: "/secret" }]);
    expect((await ask("PUT", "/v1/integrations/Not%20One", {})).status).toBe(422);
  });

  test("an integration has a new secret after rotating and after it was made anew; the old ones are worth nothing", async () => {
    const { source, signed, deliver, ask } = await startWithSources();
    const first = await source("ci");
    const second = (await ask("PUT", "/v1/integrations/ci", { target: "tag:ops", rotate: true })).body.secret;
    await ask("DELETE", "/v1/integrations/ci");
    const third = await source("ci");
    expect(new Set([first, second, third]).size).toBe(3);
    for (const [secret, status] of [
      [first, 401],
      [second, 401],
      [third, 201],
    ] as const)
      expect((await deliver("ci", event(), signed(secret, event(), "msg_1"))).status).toBe(status);
    const other = (await ask("PUT", "/v1/integrations/ci", { verify: "token" })).body.secret;
    expect(other).toStartWith("sbi_");
  });

  test("the secret of an integration is nowhere in the database, whoever made it", async () => {
    const { source, config, restart } = await startWithSources();
    const ours = await source("ci");
    const theirs = "a-secret-that-sentry-made-0123456789";
    await source("sentry", { mapping: "sentry", secret: theirs });
    await restart();
    const bytes = readFileSync(join(config.dataDir, "signalbox.db"));
    for (const secret of [ours, ours.slice("whsec_".length), theirs]) expect(bytes.includes(secret)).toBe(false);
    const sqlite = new Sqlite(join(config.dataDir, "signalbox.db"), { readonly: true });
    expect(JSON.stringify(sqlite.query("select * from integrations").all())).not.toContain(theirs);
    sqlite.close();
  });
});

describe("an event", () => {
  test("an event becomes a task with a claimable message from system", async () => {
    const { source, post, ask, worker, open } = await startWithSources();
    await source("ci", { severity: "error", topic: "builds" });
    const draft = event({ body: "On db-1.", externalUrl: "https://ci.example.org/1", payload: { free: 0 } });
    const posted = await post("ci", draft);
    expect(posted.status).toBe(201);
    const { task, message, created } = posted.body;
    expect(created).toBe(true);
    expect(task).toMatchObject({
      ...{ source: "ci", from: "system", title: "Disk full", status: "open", severity: "error", dedupeKey: "disk-1" },
      ...{
        externalUrl: "https://ci.example.org/1",
        target: "tag:ops",
        topic: "builds",
        count: 1,
        messageId: message.id,
      },
    });
    expect(message).toMatchObject({
      ...{
        from: "system",
        to: "tag:ops",
        kind: "task",
        topic: "builds",
        subject: "[error] Disk full",
        body: "On db-1.",
      },
      ...{ claimable: true, state: "open", causedBy: null, hops: 0 },
      payload: {
        ...{
          taskId: task.id,
          source: "ci",
          title: "Disk full",
          status: "open",
          severity: "error",
          dedupeKey: "disk-1",
        },
        ...{ externalUrl: "https://ci.example.org/1", payload: { free: 0 } },
      },
    });
    expect((await open()).map(({ id }: { id: number }) => id)).toEqual([message.id]);
    const claimed = await ask("POST", "/v1/agents/worker/claims", {}, worker);
    expect(claimed.body.items[0].task).toMatchObject({ id: task.id, status: "claimed", holder: "worker" });
  });

  test("an event that comes again is counted, brought up to date and told in the history; no new message", async () => {
    const { source, post, task, open, clock } = await startWithSources();
    await source("ci");
    const first = (await post("ci", event())).body;
    clock.advance(60_000);
    for (let i = 0; i < 3; i++) expect((await post("ci", event())).status).toBe(200);
    const worse = (await post("ci", event({ severity: "critical", title: "Disk still full" }))).body;
    expect(worse).toMatchObject({ created: false, message: { id: first.message.id } });
    expect(worse.task).toMatchObject({ id: first.task.id, count: 5, severity: "critical", title: "Disk still full" });
    const { events } = await task(first.task.id);
    expect(events).toMatchObject([
      { actor: "integration:ci", from: null, to: "open", count: 1 },
      { from: "open", to: "open", note: "reported again", count: 3 },
      { note: "severity info to critical; title was: Disk full", count: 1 },
    ]);
    expect(await open()).toHaveLength(1);
  });

  test("an event that is resolved closes its task, whoever holds it, and a later one opens it again with a message of its own", async () => {
    const { source, post, ask, worker, task, open } = await startWithSources();
    await source("ci");
    const first = (await post("ci", event())).body;
    const { claim } = (await ask("POST", `/v1/tasks/${first.task.id}/claim`, {}, worker)).body;
    const resolved = (await post("ci", event({ status: "resolved" }))).body;
    expect(resolved).toMatchObject({ created: false, task: { status: "done", count: 1 }, message: { state: "done" } });
    const lost = await ask("POST", `/v1/tasks/${first.task.id}/status`, { status: "done", token: claim.token }, worker);
    expect(lost.body.code).toBe("claim-lost");
    const told = (await ask("GET", "/v1/agents/worker/inbox?kind=system", undefined, worker)).body.items;
    expect(told).toMatchObject([{ payload: { messageId: first.message.id, state: "done" } }]);
    expect((await post("ci", event({ status: "resolved" }))).body.task.status).toBe("done");

    const again = await post("ci", event({ body: "And again" }));
    expect([again.status, again.body.created]).toEqual([201, true]);
    expect(again.body.task).toMatchObject({ id: first.task.id, status: "open", count: 2, body: "And again" });
    expect(again.body.message.id).toBeGreaterThan(first.message.id);
    expect((await open()).map(({ id }: { id: number }) => id)).toEqual([again.body.message.id]);
    const { events } = await task(first.task.id);
    expect(events.map(({ to, note }: { to: string; note: string }) => [to, note])).toEqual([
      ["open", null],
      ["claimed", null],
      ["done", "resolved"],
      ["open", "reported after its end"],
    ]);
  });

  test("an event after a failure leaves no second way to do the same work", async () => {
    const { source, post, ask, worker } = await startWithSources();
    await source("ci");
    const first = (await post("ci", event())).body;
    await ask("POST", `/v1/tasks/${first.task.id}/claim`, {}, worker);
    await ask("POST", `/v1/tasks/${first.task.id}/status`, { status: "failed" }, worker);
    expect((await ask("GET", "/v1/dead-letters")).body.items).toHaveLength(1);
    expect((await post("ci", event())).body).toMatchObject({ created: true, task: { status: "open" } });
    expect((await ask("GET", "/v1/dead-letters")).body.items).toEqual([]);
    expect((await ask("POST", `/v1/messages/${first.message.id}/requeue`)).body.code).toBe("not-open");
  });

  test("a resolved event that nobody knows of makes nothing; without a key it is refused", async () => {
    const { source, post, ask } = await startWithSources();
    await source("ci");
    expect(await post("ci", event({ status: "resolved" }))).toMatchObject({
      status: 200,
      body: { task: null, message: null, created: false },
    });
    const refused = await post("ci", { title: "x", status: "resolved" });
    expect(refused.body.errors).toMatchObject([{ pointer: "/dedupeKey" }]);
    expect((await ask("GET", "/v1/tasks")).body.items).toEqual([]);
  });

  test("an event without a key is a task of its own each time; the same key of another source is another task", async () => {
    const { source, post, ask } = await startWithSources();
    await source("ci");
    await source("other");
    for (const [name, body] of [
      ["ci", { title: "x" }],
      ["ci", { title: "x" }],
      ["ci", event()],
      ["other", event()],
    ] as const)
      expect((await post(name, body)).body.created).toBe(true);
    expect((await ask("GET", "/v1/tasks?source=ci")).body.items).toHaveLength(3);
    expect((await ask("GET", "/v1/tasks?source=other")).body.items).toHaveLength(1);
  });

  test("an event without a target anywhere is a task without a message", async () => {
    const { source, post, ask } = await startWithSources();
    await source("ci", { target: undefined });
    expect((await post("ci", event())).body).toMatchObject({ message: null, created: true, task: { target: null } });
    expect((await post("ci", event({ status: "resolved" }))).body.task.status).toBe("done");
    expect((await post("ci", event({ target: "worker" }))).body).toMatchObject({
      created: true,
      message: { to: "worker" },
    });
    expect((await ask("GET", "/v1/tasks")).body.items).toHaveLength(1);
  });

  test("G8: an event for somebody who does not exist is refused, and changes nothing", async () => {
    const { source, post, ask } = await startWithSources();
    await source("ci");
    const refused = await post("ci", event({ target: "wroker" }));
    expect(refused.body).toMatchObject({
      code: "unknown-target",
      suggestions: ["worker"],
      errors: [{ pointer: "/target" }],
    });
    expect((await ask("GET", "/v1/tasks")).body.items).toEqual([]);
  });

  test("G8: an event whose integration's own target is gone is kept, and user is told, once; it goes out when there is somebody", async () => {
    const { source, post, ask, agent, open } = await startWithSources();
    await agent("gone");
    await source("ci", { target: "gone" });
    await ask("DELETE", "/v1/agents/gone");
    const kept = (await post("ci", event({ severity: "critical" }))).body;
    expect(kept).toMatchObject({ created: true, message: null, task: { target: null } });
    expect((await post("ci", event())).body).toMatchObject({ message: null, task: { count: 2, target: null } });
    const told = (await ask("GET", "/v1/agents/user/inbox?kind=system")).body.items;
    await ask("PUT", "/v1/integrations/ci", { target: "worker" });
    const out = (await post("ci", event())).body;
    expect(out).toMatchObject({ created: false, task: { id: kept.task.id, count: 3 }, message: { to: "worker" } });
    expect((await open()).map(({ id }: { id: number }) => id)).toEqual([out.message.id]);
    expect(told).toMatchObject([
      { subject: "[critical] Disk full", payload: { taskId: kept.task.id, target: "gone" } },
    ]);
  });

  test("G8: an event whose worker is deleted is told to user", async () => {
    const { source, post, ask, agent } = await startWithSources();
    const gone = await agent("gone");
    await source("ci", { target: "gone" });
    const { task } = (await post("ci", event())).body;
    await post("ci", event({ dedupeKey: "other" }));
    await post("ci", event({ dedupeKey: "other", status: "resolved" }));
    await ask("POST", `/v1/tasks/${task.id}/claim`, {}, gone);
    await ask("DELETE", "/v1/agents/gone");
    const told = (await ask("GET", "/v1/agents/user/inbox?kind=system")).body.items;
    expect(told).toMatchObject([{ subject: "gone was deleted", payload: { taskIds: [task.id], count: 1 } }]);
  });

  test("an event refuses unknown fields, and what is too large", async () => {
    const { source, post } = await startWithSources();
    await source("ci");
    expect((await post("ci", event({ nonsense: 1 }))).body.errors).toMatchObject([{ pointer: "/nonsense" }]);
    expect((await post("ci", event({ title: "x".repeat(500) }))).body.errors).toMatchObject([{ pointer: "/title" }]);
    expect((await post("ci", event({ externalUrl: "javascript:alert(1)" }))).status).toBe(422);
    expect((await post("ci", event({ body: "x".repeat(1_500_000) }))).status).toBe(413);
    expect((await post("none", event())).status).toBe(404);
  });

  test("G7: an event is a task after a restart, and known by its key then", async () => {
    const { source, signed, deliver, restart, task, ask, worker } = await startWithSources();
    const secret = await source("ci");
    await restart();
    const first = await deliver("ci", event(), signed(secret, event(), "msg_1"));
    await restart();
    expect((await deliver("ci", event(), signed(secret, event(), "msg_1"))).headers.get("idempotent-replayed")).toBe(
      "true",
    );
    await ask("POST", `/v1/tasks/${first.body.task.id}/claim`, {}, worker);
    await restart();
    const resolved = event({ status: "resolved" });
    await deliver("ci", resolved, signed(secret, resolved, "msg_2"));
    await restart();
    expect(await task(first.body.task.id)).toMatchObject({ status: "done", count: 1 });
    expect((await deliver("ci", event(), signed(secret, event(), "msg_3"))).body).toMatchObject({ created: true });
  });

  test("an event that asks for no work is remembered under its key too, for the retention time and no longer", async () => {
    const { source, post, pass, config } = await startWithSources({ retentionDays: 1 });
    await source("ci");
    const file = join(config.dataDir, "signalbox.db");
    const keys = () => {
      const sqlite = new Sqlite(file, { readonly: true });
      const { n } = sqlite.query("select count(*) as n from idempotency_keys").get() as { n: number };
      sqlite.close();
      return n;
    };
    await post("ci", event({ status: "resolved" }), { "idempotency-key": "a" });
    const again = await post("ci", event({ status: "resolved" }), { "idempotency-key": "a" });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(keys()).toBe(1);
    for (let hour = 0; hour < 26; hour++) await pass(3_600_000);
    expect(keys()).toBe(0);
  });

  test("an event is counted by source and by what became of it", async () => {
    const { source, post, deliver, ask } = await startWithSources();
    await source("ci");
    for (const body of [event(), event(), event({ status: "resolved" }), event()]) await post("ci", body);
    await deliver("ci", event(), {});
    const text = (await ask("GET", "/metrics")).body;
    for (const outcome of ["created", "repeated", "resolved", "reopened", "refused"])
      expect(text).toContain(`signalbox_events_total{source="ci",outcome="${outcome}"} 1`);
    expect(text).toContain('signalbox_task_changes_total{status="done"} 1');
  });
});
