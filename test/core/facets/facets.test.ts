import { expect, test } from "bun:test";
import { wanted } from "../../support/approvals.ts";
import { dieOf } from "../../support/dead-letters.ts";
import { startFleet } from "../../support/sessions.ts";
import { planOf, recordStatements } from "../../support/statements.ts";

const pull = (number: number) => ({ kind: "pull", url: `https://github.com/acme/api/pull/${number}` });

test("runs, sessions, threads and messages are found by project, tag and pull request, and by no one else's", async () => {
  const fleet = await startFleet();
  const { ask, box, one } = fleet;
  const send = async (body: string, more = {}) =>
    (await ask("POST", "/v1/messages", { to: "box-one", body, ...more })).body.id as number;
  const [first, second, third] = [await send("Fix the totals"), await send("Write docs"), await send("Say hello")];
  const run = async (messageId: number, fields: object) => {
    const asked = { task: "Look into the totals", messageId, sessionKey: `k${messageId}`, ...fields };
    const { status, body } = await ask("POST", "/v1/runs", asked, one);
    expect([status, body.threadId]).toEqual([201, messageId]);
    return body;
  };
  const api = await run(first, { project: "acme/api", tags: ["ui", "money"], label: "Totals" });
  await run(second, { project: "acme/docs", tags: ["ui"] });
  await fleet.put(box, "ses_a", {
    project: "acme/shop",
    tags: ["night"],
    place: { threadId: third },
    links: [pull(9)],
  });
  const found = async (path: string) => (await ask("GET", path)).body.items.map(({ id }: { id: unknown }) => id);

  await fleet.pass(1000);
  expect(await found("/v1/threads?project=acme/api")).toEqual([first]);
  expect(await found("/v1/threads?tag=ui")).toEqual([second, first]);
  expect(await found("/v1/threads?tag=ui&project=acme/docs&q=docs")).toEqual([second]);
  expect(await found("/v1/threads?tag=ui&project=acme/docs&q=totals")).toEqual([]);
  expect(await found("/v1/threads?tag=u")).toEqual([]);
  expect(await found("/v1/threads?tag=night&participant=box-one")).toEqual([third]);
  const { items } = (await ask("GET", "/v1/threads?project=acme/api")).body;
  expect(items).toMatchObject([{ project: "acme/api", tags: ["money", "ui"] }]);

  expect(await found("/v1/runs?project=acme/api&tag=money")).toEqual([api.id]);
  expect(await found("/v1/runs?project=acme/api&tag=money&agent=box-two")).toEqual([]);
  expect(await found("/v1/runs?q=TOTALS&project=acme/api")).toEqual([api.id]);
  expect(await found("/v1/runs?q=100%25")).toEqual([]);
  expect(await found("/v1/messages?project=acme/api")).toEqual([first]);
  expect(await found("/v1/messages?q=docs&tag=ui")).toEqual([second]);

  // A link that comes with the end of the run.
  const ends = { outcome: "ok", links: [pull(212)] };
  await ask("POST", `/v1/runs/${api.id}/finish`, ends, { ...one, headers: { "signalbox-run": api.token } });
  for (const name of ["212", "%23212", "acme/api%23212", "https://github.com/acme/api/pull/212/files"]) {
    expect([name, await found(`/v1/runs?pr=${name}`)]).toEqual([name, [api.id]]);
    expect([name, await found(`/v1/threads?pr=${name}`)]).toEqual([name, [first]]);
  }
  expect(await found("/v1/runs?pr=21")).toEqual([]);
  expect(await found("/v1/sessions?pr=acme/api%239&tag=night")).toEqual(["ses_a"]);

  // A session that moved to another project is found there alone.
  await fleet.put(box, "ses_a", { project: "acme/api", tags: [], place: { threadId: third } });
  expect(await found("/v1/sessions?project=acme/shop")).toEqual([]);
  expect(await found("/v1/sessions?project=acme/api")).toEqual(["ses_a"]);
  expect(await found("/v1/threads?project=acme/api")).toEqual([third, first]);
});

test("a project narrows agents, machines, approvals, what waits and bulk actions, by an index each, and is counted", async () => {
  const statements = recordStatements();
  const fleet = await startFleet();
  const { ask, box, one, two } = fleet;
  const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
  const far = await fleet.orchestrator("far");
  const three = await fleet.enroll(far, "far-three");
  await fleet.put(box, "ses_a", { project: "acme/api" });
  await fleet.put(far, "ses_b", { project: "acme/web", agentId: "far-three" });
  await fleet.put(far, "ses_c", { project: "acme/api", agentId: "far-three", state: "dead" });
  const work = async (by: typeof one, project?: string) => {
    const [messageId = 0] = await dieOf(fleet, by, 1);
    const { body } = await ask(
      "POST",
      "/v1/runs",
      { task: "Look", messageId, sessionKey: `k${messageId}`, project },
      by,
    );
    return { messageId, runId: body.id as string };
  };
  const [api, web, none] = [await work(two, "acme/api"), await work(three, "acme/web"), await work(one)];
  const asked = async (by: typeof one, more: object) =>
    (await ask("POST", "/v1/approvals", wanted("ls", more), by)).body as { id: string; project: string | null };
  const ofRun = await asked(two, { runId: api.runId });
  const ofSession = await asked(one, { sessionId: "ses_a" });
  const others = await asked(two, { sessionId: "ses_b", title: "Not its session" });
  const ofWeb = await asked(three, { sessionId: "ses_b" });
  expect([ofRun, ofSession, others, ofWeb].map(({ project }) => project)).toEqual([
    ...["acme/api", "acme/api", null, "acme/web"],
  ]);

  const list = async (path: string, by?: { token: string }) => (await ask("GET", path, undefined, by)).body.items;
  const found = async (path: string) => (await list(path)).map(({ id }: { id: string }) => id);
  const ran = await statements.during(async () => {
    expect(await found("/v1/agents?project=acme/api")).toEqual(["box-one", "box-two"]);
    expect(await found("/v1/orchestrators?project=acme/api")).toEqual(["box"]);
    expect(new Set(await found("/v1/approvals?project=acme/api"))).toEqual(new Set([ofRun.id, ofSession.id]));
    expect(await found("/v1/approvals?project=acme/api&state=pending&agent=box-one")).toEqual([ofSession.id]);
    expect(await list("/v1/projects", viewer)).toEqual([
      { name: "acme/api", live: 2, needs: 3 },
      { name: "acme/web", live: 2, needs: 2 },
    ]);
  });
  expect(await list("/v1/projects?active=true&limit=1&page=acme/api")).toMatchObject([{ name: "acme/web" }]);
  expect(await found("/v1/agents?project=acme")).toEqual([]);
  expect((await ask("GET", "/v1/projects", undefined, one)).status).toBe(403);
  expect((await ask("GET", "/v1/agents?project=acme/api", undefined, one)).status).toBe(403);
  const reads = ran.filter(({ sql }) => /^\s*(select|with)/.test(sql));
  const plans = reads.flatMap((statement) => planOf(statements.writer(), statement));
  const walks = plans.filter((line) => /^SCAN (facets|f|sessions|runs|approvals|messages|m|work)\b/.test(line));
  // Partial indexes: of live sessions, of what is pending, of dead letters.
  expect(
    walks.filter((line) => !/INDEX (sessions_live|sessions_on_account|approvals_pending|work_dead)/.test(line)),
  ).toEqual([]);

  const waits = (await list("/v1/attention?project=acme/api")).map(({ kind }: { kind: string }) => kind).sort();
  expect(waits).toEqual(["approval", "approval", "dead"]);
  // Of the same cause, and in another project.
  const same = await work(two, "acme/web");
  const causes = async (of: string) =>
    (await list(`/v1/attention?kind=dead${of}`)).map(({ count }: { count: number }) => count).sort();
  expect(await causes("")).toEqual([1, 1, 2]);
  expect([await causes("&project=acme/api"), await causes("&project=acme/web")]).toEqual([[1], [1, 1]]);
  await ask("POST", `/v1/messages/${same.messageId}/requeue`);
  const task = (await ask("POST", "/v1/tasks", { title: "Disk", body: "full", target: "box-two" })).body;
  await ask("POST", "/v1/runs", { task: "Free", messageId: task.messageId, project: "acme/web" }, two);
  expect(await found("/v1/tasks?project=acme/web")).toEqual([task.id]);
  expect(await found("/v1/tasks?project=acme/api")).toEqual([]);

  const until = new Date(fleet.clock.now() + 3_600_000).toISOString();
  const snoozed = await ask("POST", `/v1/attention/approval:${ofRun.id}/snooze`, { until });
  expect([snoozed.status, snoozed.body.snoozedUntil]).toEqual([200, until]);
  expect(await list("/v1/projects?active=true")).toMatchObject([{ needs: 2 }, { needs: 2 }]);

  const bulk = async (action: string, filter: object, more = {}) => {
    const begun = (await ask("POST", "/v1/bulk", { action, filter, ...more })).body;
    await fleet.pass(100);
    return (await ask("GET", `/v1/bulk/${begun.id}`)).body;
  };
  expect(await bulk("requeue", { project: "acme/api" })).toMatchObject({ matched: 1, done: 1 });
  expect((await list("/v1/dead-letters")).map(({ id }: { id: number }) => id).sort()).toEqual(
    [web.messageId, none.messageId].sort(),
  );
  expect(await bulk("cancel", { project: "acme/web", states: ["dead"] })).toMatchObject({ matched: 1, done: 1 });
  expect(await bulk("archive", { project: "acme/web" })).toMatchObject({ matched: 3, done: 3 });
  const denied = await bulk("answer", { project: "acme/api" }, { decision: "deny" });
  expect(denied).toMatchObject({ matched: 2, done: 2 });
  expect(new Set(await found("/v1/approvals?state=pending"))).toEqual(new Set([others.id, ofWeb.id]));
});
