import { describe, expect, test } from "bun:test";
import { startWithSources } from "../../support/integration.ts";
import * as payloads from "../../support/payloads.ts";

async function mapped(mapping: string, more: Record<string, unknown> = {}) {
  const relay = await startWithSources();
  await relay.source("src", { mapping, ...more });
  const { post, ask } = relay;
  return {
    ...relay,
    /** The answer to a post, and the task as it is then. */
    async take(body: unknown, kind?: Record<string, string>) {
      const answer = await post("src", body, kind);
      if (answer.status > 201) throw new Error(JSON.stringify(answer.body));
      return { ...answer.body, status: answer.status };
    },
    tasks: async () => (await ask("GET", "/v1/tasks?limit=500")).body.items,
  };
}

describe("Alertmanager", () => {
  test("each alert of a post of Alertmanager is a task, in one write, with what its people wrote", async () => {
    const { take, open } = await mapped("alertmanager");
    const { status, items, task } = await take(payloads.alertmanager);
    expect(status).toBe(201);
    expect(items.map((item: { created: boolean }) => item.created)).toEqual([true, true]);
    expect(task).toEqual(items[0].task);
    expect(items[0].task).toMatchObject({
      ...{ title: "Probe failure: shop.example.org", severity: "critical", dedupeKey: "1a30ba71cca2921f" },
      externalUrl: payloads.alertmanager.alerts[0]?.generatorURL,
    });
    expect(items[0].task.body).toBe(
      "Down for over 5m.\n\nalertname: ProbeFailure\ninstance: https://shop.example.org\njob: http_checks\nseverity: critical",
    );
    expect(items[1].task).toMatchObject({ title: "DiskFilling", severity: "warning" });
    expect(items[1].message.payload.payload.labels).toMatchObject({ instance: "db-1" });
    expect(await open()).toHaveLength(2);
  });

  test("Alertmanager fires again, is resolved one by one, and fires anew", async () => {
    const { take, tasks } = await mapped("alertmanager");
    await take(payloads.alertmanager);
    const [down, filling] = payloads.alertmanager.alerts;
    const mixed = { ...payloads.alertmanager, alerts: [{ ...down, status: "resolved" }, filling] };
    const { items } = await take(mixed);
    expect(items).toMatchObject([
      { created: false, task: { status: "done" } },
      { created: false, task: { status: "open", count: 2 } },
    ]);
    const anew = { ...down, startsAt: "2026-03-01T12:10:00Z" };
    expect((await take({ ...payloads.alertmanager, alerts: [anew] })).created).toBe(true);
    expect(await tasks()).toHaveLength(2);
  });

  test("an end from Alertmanager that comes late does not close what fired anew", async () => {
    const { take, task: look } = await mapped("alertmanager");
    const [down] = payloads.alertmanager.alerts;
    const post = (more: object) => take({ ...payloads.alertmanager, alerts: [{ ...down, ...more }] });
    const { task } = await post({});
    expect((await post({ status: "resolved", endsAt: "2026-03-01T12:05:00Z" })).task.status).toBe("done");
    const anew = await post({ startsAt: "2026-03-01T12:10:00Z" });
    expect(anew).toMatchObject({ created: true, task: { id: task.id, status: "open", count: 2 } });
    expect((await post({ status: "resolved", endsAt: "2026-03-01T12:05:00Z" })).task.status).toBe("open");
    expect(await look(task.id)).toMatchObject({ status: "open", count: 2 });
  });

  test("an alert that goes on firing after somebody called it done opens its task again", async () => {
    const { take, ask } = await mapped("alertmanager");
    const { items } = await take(payloads.alertmanager);
    await ask("POST", `/v1/tasks/${items[0].task.id}/status`, { status: "done" });
    expect((await take(payloads.alertmanager)).items).toMatchObject([{ created: true }, { created: false }]);
  });

  test("a post of Alertmanager without alerts, or with what is none, makes nothing", async () => {
    const { take, post, tasks } = await mapped("alertmanager");
    expect(await take({ ...payloads.alertmanager, alerts: [] })).toMatchObject({ task: null, created: false });
    expect((await post("src", { alerts: [{ labels: {} }] })).body.errors).toMatchObject([
      { pointer: "/alerts/0/status" },
    ]);
    expect(await tasks()).toEqual([]);
  });

  test("an alert that cannot be taken takes none of the others with it into the database", async () => {
    const { post, tasks } = await mapped("alertmanager");
    const [down] = payloads.alertmanager.alerts;
    expect((await post("src", { alerts: [down, { ...down, status: 5 }] })).status).toBe(422);
    expect(await tasks()).toEqual([]);
  });
});

describe("Grafana", () => {
  test("an alert of Grafana is a task with its panel, runbook and values", async () => {
    const { take } = await mapped("grafana", { severity: "warning" });
    const { task, message } = await take(payloads.grafana);
    expect(task).toMatchObject({
      ...{ title: "Memory is nearly full in us-1", severity: "warning", dedupeKey: "c6eadffa33fcdf37" },
      externalUrl: "https://grafana.example.org/d/abc?viewPanel=2",
    });
    expect(task.body).toContain("Runbook: https://runbooks.example.org/memory");
    expect(message.payload.payload.values).toEqual({ B: 44.23943737541908, C: 1 });
    const resolved = {
      ...payloads.grafana,
      alerts: payloads.grafana.alerts.map((alert) => ({ ...alert, status: "resolved" })),
    };
    expect((await take(resolved)).task.status).toBe("done");
  });
});

describe("GitHub", () => {
  const as = (kind: string) => ({ "x-github-event": kind });

  test("an issue of GitHub is a task until it is closed", async () => {
    const { take } = await mapped("github");
    const { task, message } = await take(payloads.githubIssue, as("issues"));
    expect(task).toMatchObject({
      ...{ title: "octo-org/octo-repo#7: Spelling error in the README file", dedupeKey: "issue:300029405#7" },
      ...{ externalUrl: "https://github.com/octo-org/octo-repo/issues/7", severity: "info" },
    });
    expect(message.payload.payload).toMatchObject({ event: "issues", number: 7, author: "octocat", labels: ["bug"] });
    expect(await take({ ...payloads.githubIssue, action: "labeled" }, as("issues"))).toMatchObject({ task: null });
    expect((await take({ ...payloads.githubIssue, action: "closed" }, as("issues"))).task.status).toBe("done");
    expect((await take({ ...payloads.githubIssue, action: "reopened" }, as("issues"))).created).toBe(true);
  });

  test("a pull request of GitHub is a task once it is no draft, until it is closed or merged", async () => {
    const { take } = await mapped("github");
    const draft = { ...payloads.githubPull, pull_request: { ...payloads.githubPull.pull_request, draft: true } };
    expect(await take(draft, as("pull_request"))).toMatchObject({ task: null });
    const ready = { ...payloads.githubPull, action: "ready_for_review" };
    expect((await take(ready, as("pull_request"))).task.dedupeKey).toBe("pull:300029405#12");
    expect((await take({ ...payloads.githubPull, action: "synchronize" }, as("pull_request"))).task.count).toBe(2);
    expect((await take({ ...payloads.githubPull, action: "closed" }, as("pull_request"))).task.status).toBe("done");
  });

  test("a workflow of GitHub is one task from its first failure on a branch to its next success", async () => {
    const { take } = await mapped("github");
    const run = (conclusion: string, more = {}) =>
      take(
        { ...payloads.githubRun, workflow_run: { ...payloads.githubRun.workflow_run, conclusion, ...more } },
        as("workflow_run"),
      );
    expect(await run("success")).toMatchObject({ task: null });
    const { task } = await run("failure");
    expect(task).toMatchObject({ title: "test failed on main in octo-org/octo-repo", severity: "error" });
    expect((await run("timed_out", { id: 289782452 })).task).toMatchObject({ id: task.id, count: 2 });
    expect((await run("failure", { head_branch: "other" })).task.id).not.toBe(task.id);
    expect(await run("cancelled")).toMatchObject({ task: null });
    expect((await run("success", { id: 289782453, run_number: 33 })).task).toMatchObject({
      id: task.id,
      status: "done",
    });
    expect((await run("failure", { id: 289782454, run_number: 35 })).created).toBe(true);
    // A slower one, begun before that.
    expect((await run("success", { id: 289782455, run_number: 34 })).task.status).toBe("open");
    expect((await run("success", { id: 289782454, run_number: 35, run_attempt: 2 })).task.status).toBe("done");
  });

  test("a security alert of GitHub has the severity of its advisory", async () => {
    const { take } = await mapped("github");
    const { task } = await take(payloads.githubDependabot, as("dependabot_alert"));
    expect(task).toMatchObject({
      title: "octo-org/octo-repo: semver: semver vulnerable to Regular Expression Denial of Service",
      severity: "warning",
    });
    const fixed = { ...payloads.githubDependabot, action: "fixed" };
    expect((await take(fixed, as("dependabot_alert"))).task.status).toBe("done");
  });

  test("news of GitHub of any other kind asks for no work", async () => {
    const { take, post, tasks } = await mapped("github");
    expect(await take(payloads.githubPing, as("ping"))).toMatchObject({ task: null, message: null, created: false });
    expect(await take({ ref: "refs/heads/main", commits: [] }, as("push"))).toMatchObject({ task: null });
    expect(await take(payloads.githubIssue)).toMatchObject({ task: null });
    expect(await take(payloads.githubIssue, as("constructor"))).toMatchObject({ task: null });
    expect((await post("src", { issue: { number: "7" } }, as("issues"))).body.errors[0].pointer).toBe("/issue/number");
    expect(await tasks()).toEqual([]);
  });
});

describe("Sentry", () => {
  const as = (resource: string, id?: string) => ({ "sentry-hook-resource": resource, ...(id && { "request-id": id }) });

  test("an issue of Sentry and the alerts about it are one task, until it is resolved", async () => {
    const { take, tasks } = await mapped("sentry");
    const { task, message } = await take(payloads.sentryIssue, as("issue"));
    expect(task).toMatchObject({
      ...{ title: "ReferenceError: heck is not defined", severity: "error", dedupeKey: "issue:1170820242" },
      externalUrl: "https://example.sentry.io/issues/1170820242/",
    });
    expect(message.payload.payload).toMatchObject({ shortId: "PYTHON-E", project: "shop" });
    const alerted = (await take(payloads.sentryEventAlert, as("event_alert"))).task;
    expect(alerted).toMatchObject({ id: task.id, count: 2, severity: "critical" });
    expect((await take({ ...payloads.sentryIssue, action: "assigned" }, as("issue"))).task).toBeNull();
    expect((await take({ ...payloads.sentryIssue, action: "resolved" }, as("issue"))).task.status).toBe("done");
    expect(await tasks()).toHaveLength(1);
  });

  test("a metric alert of Sentry goes on and off by its rule, with its action as severity", async () => {
    const { take } = await mapped("sentry");
    const { task } = await take(payloads.sentryMetric, as("metric_alert"));
    expect(task).toMatchObject({ title: "Critical: Too many errors", severity: "critical", dedupeKey: "metric:7" });
    const { metric_alert } = payloads.sentryMetric.data;
    const resolved = {
      ...payloads.sentryMetric,
      action: "resolved",
      data: { ...payloads.sentryMetric.data, metric_alert: { ...metric_alert, id: "5" } },
    };
    expect((await take(resolved, as("metric_alert"))).task).toMatchObject({ id: task.id, status: "done" });
  });

  test("a hook of Sentry that comes again under its Request-ID is one event; an installation asks for no work", async () => {
    const { take, post } = await mapped("sentry");
    await take(payloads.sentryIssue, as("issue", "a1"));
    expect((await post("src", payloads.sentryIssue, as("issue", "a1"))).headers.get("idempotent-replayed")).toBe(
      "true",
    );
    expect((await take(payloads.sentryIssue, as("issue", "a2"))).task.count).toBe(2);
    expect(await take({ action: "created", data: { installation: { uuid: "x" } } }, as("installation"))).toMatchObject({
      task: null,
    });
  });
});

describe("paths", () => {
  const paths = {
    ...{ items: "$.alerts", title: "{{name}} on {{$.host['short name']}}", body: "$.text", severity: "prio" },
    ...{ dedupeKey: "$.ids[0]", status: "state", externalUrl: "$.links.web", topic: "team" },
    ...{ severities: { Hoch: "critical" }, resolved: ["weg"] },
  };
  const alert = {
    ...{ name: "CPU", host: { "short name": "db-1" }, text: "High load", prio: "Hoch", ids: [17, 18], state: "da" },
    ...{ links: { web: "https://mon.example.org/17" }, team: "ops" },
  };

  test("paths lead to what a source says, item by item", async () => {
    const { take } = await mapped("paths", { paths });
    const { task, items } = await take({ alerts: [alert, { ...alert, ids: ["x"], prio: 3 }] });
    expect(task).toMatchObject({
      ...{ title: "CPU on db-1", body: "High load", severity: "critical", dedupeKey: "17", topic: "ops" },
      externalUrl: "https://mon.example.org/17",
    });
    expect(items[1].task.severity).toBe("info");
    expect((await take({ alerts: [{ ...alert, state: "Weg" }] })).task).toMatchObject({ id: task.id, status: "done" });
  });

  test("paths take a body that is a list, with items at its root or none", async () => {
    for (const items of ["$", undefined]) {
      const { take, tasks } = await mapped("paths", { paths: { ...paths, items } });
      const { task, tasks: made } = await take([alert, { ...alert, ids: ["x"] }]);
      expect(task).toMatchObject({ title: "CPU on db-1", dedupeKey: "17" });
      expect(made.map((each: { created: boolean }) => each.created)).toEqual([true, true]);
      expect(await take([])).toMatchObject({ task: null, tasks: [], skipped: 0 });
      expect(await tasks()).toHaveLength(2);
    }
    const { take } = await mapped("paths", { paths: { title: "$[1].name" } });
    expect((await take([{}, { name: "Second" }])).task.title).toBe("Second");
    const { post } = await mapped("github");
    expect((await post("src", [payloads.githubIssue], { "x-github-event": "issues" })).status).toBe(422);
  });

  test("paths may be as few as one, to the title", async () => {
    const { take } = await mapped("paths", { paths: { title: "build.name" } });
    expect((await take({ build: { name: " Nightly\n failed " } })).task).toMatchObject({
      title: "Nightly failed",
      dedupeKey: null,
    });
  });

  test("paths that lead nowhere are refused with what was looked for", async () => {
    const { post } = await mapped("paths", { paths });
    for (const body of [
      {},
      { alerts: {} },
      { alerts: [{}] },
      { alerts: [null] },
      { alerts: [{ ...alert, ids: [], state: "weg" }] },
    ])
      expect((await post("src", body)).status).toBe(422);
    const { post: plain } = await mapped("paths", { paths: { title: "__proto__.polluted" } });
    expect((await plain("src", { a: 1 })).status).toBe(422);
    expect((await plain("src", {})).body.detail).toContain("__proto__.polluted");
  });
});

describe("what others write", () => {
  test("what others write is made to fit: control characters, too long texts, odd addresses", async () => {
    const { take } = await mapped("alertmanager");
    const labels = { alertname: "x\u0000y\u001b[31m" };
    const annotations = { summary: `${"\u{1f600}".repeat(300)}`, description: "d".repeat(300_000) };
    const alert = { status: "firing", labels, annotations, generatorURL: "javascript:alert(1)" };
    const { task } = await take({ alerts: [alert] });
    expect(task.title).toBe("\u{1f600}".repeat(120));
    expect(task.externalUrl).toBeNull();
    expect(task.body).toHaveLength(256 * 1024);
    const bare = await take({ alerts: [{ ...alert, annotations: {} }] });
    expect(bare.task).toMatchObject({ title: "x y [31m", count: 2 });
  });
});
