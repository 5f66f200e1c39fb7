import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startWithSources } from "../../support/integration.ts";
import * as payloads from "../../support/payloads.ts";

type Step = [body: unknown, headers?: Record<string, string>];

/** A source with a mapping, and what posts to it make of tasks. */
async function world(mapping: string, more: Record<string, unknown> = {}, config = {}) {
  const relay = await startWithSources(config);
  await relay.source("src", { mapping, ...more });
  return {
    ...relay,
    async take(...[body, headers]: Step) {
      const answer = await relay.post("src", body, headers);
      if (answer.status > 201) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    tasks: async () => (await relay.ask("GET", "/v1/tasks?limit=500")).body.items,
    told: async () =>
      (await relay.ask("GET", "/v1/agents/user/inbox?kind=system")).body.items.map(
        (item: { subject: string; payload: object }) => item,
      ),
  };
}

const minute = (n: number) => new Date(Date.parse("2026-03-01T12:00:00Z") + n * 60_000).toISOString();
const HOUR = 3_600_000;

/** One incident in the words of each source: opened in one minute, over in another. */
interface Telling {
  opened(at: number): Step;
  over(at: number): Step;
  /** Open again after an end. */
  again(at: number): Step;
}

const github = (kind: string) => ({ "x-github-event": kind });
const issue = (action: string, at: number, state: string): Step => [
  { ...payloads.githubIssue, action, issue: { ...payloads.githubIssue.issue, state, updated_at: minute(at) } },
  github("issues"),
];
const pull = (action: string, at: number, state: string, more = {}): Step => [
  {
    ...payloads.githubPull,
    action,
    pull_request: { ...payloads.githubPull.pull_request, state, updated_at: minute(at), ...more },
  },
  github("pull_request"),
];
const run = (conclusion: string, n: number, more: Record<string, unknown> = {}): Step => [
  {
    ...payloads.githubRun,
    workflow_run: { ...payloads.githubRun.workflow_run, conclusion, run_number: n + 1, ...more },
  },
  github("workflow_run"),
];
const advisory = (action: string, at: number): Step => [
  {
    ...payloads.githubDependabot,
    action,
    alert: { ...payloads.githubDependabot.alert, updated_at: minute(at) },
  },
  github("dependabot_alert"),
];
const alert = (body: { alerts: object[] }, status: string, from: number, to?: number): Step => [
  {
    ...body,
    alerts: [
      {
        ...body.alerts[0],
        ...{ status, startsAt: minute(from), endsAt: to === undefined ? "0001-01-01T00:00:00Z" : minute(to) },
      },
    ],
  },
];
const sentry = (action: string, at: number): Step => [
  { ...payloads.sentryIssue, action },
  { "sentry-hook-resource": "issue", "sentry-hook-timestamp": String(Date.parse(minute(at)) / 1000) },
];
const metric = (action: string, from: number, to?: number): Step => {
  const dates = { date_started: minute(from), date_closed: to === undefined ? null : minute(to) };
  const { data } = payloads.sentryMetric;
  return [
    { ...payloads.sentryMetric, action, data: { ...data, metric_alert: { ...data.metric_alert, ...dates } } },
    { "sentry-hook-resource": "metric_alert" },
  ];
};
const generic = (status: string, at: number): Step => [
  { title: "Disk full", dedupeKey: "disk", status, occurredAt: minute(at) },
];
const byPaths = (state: string, at: number): Step => [
  { name: "Disk", id: 7, state, when: Date.parse(minute(at)) / 1000 },
];

const TELLINGS: [mapping: string, what: string, Telling, more?: Record<string, unknown>][] = [
  [
    "github",
    "an issue",
    {
      opened: (at) => issue("opened", at, "open"),
      over: (at) => issue("closed", at, "closed"),
      again: (at) => issue("reopened", at, "open"),
    },
  ],
  [
    "github",
    "a pull request",
    {
      opened: (at) => pull("opened", at, "open"),
      over: (at) => pull("closed", at, "closed", { merged: true }),
      again: (at) => pull("reopened", at, "open"),
    },
  ],
  [
    "github",
    "a workflow",
    { opened: (at) => run("failure", at), over: (at) => run("success", at), again: (at) => run("failure", at) },
  ],
  [
    "github",
    "a Dependabot alert",
    {
      opened: (at) => advisory("created", at),
      over: (at) => advisory("fixed", at),
      again: (at) => advisory("reintroduced", at),
    },
  ],
  ...Object.entries({ alertmanager: payloads.alertmanager, grafana: payloads.grafana }).map(
    ([mapping, body]): [string, string, Telling] => [
      mapping,
      "an alert",
      {
        opened: (at) => alert(body, "firing", at),
        over: (at) => alert(body, "resolved", 0, at),
        again: (at) => alert(body, "firing", at),
      },
    ],
  ),
  [
    "sentry",
    "an issue",
    {
      opened: (at) => sentry("created", at),
      over: (at) => sentry("resolved", at),
      again: (at) => sentry("unresolved", at),
    },
  ],
  [
    "sentry",
    "a metric alert",
    {
      opened: (at) => metric("critical", at),
      over: (at) => metric("resolved", 0, at),
      again: (at) => metric("critical", at),
    },
  ],
  [
    "generic",
    "an event",
    {
      opened: (at) => generic("open", at),
      over: (at) => generic("resolved", at),
      again: (at) => generic("open", at),
    },
  ],
  [
    "paths",
    "an event",
    { opened: (at) => byPaths("down", at), over: (at) => byPaths("ok", at), again: (at) => byPaths("down", at) },
    { paths: { title: "name", dedupeKey: "id", status: "state", occurredAt: "when" } },
  ],
];

describe.each(TELLINGS)("%s: of %s", (mapping, _, { opened, over, again }, more = {}) => {
  test("news older than what is known changes nothing, whether it opens or closes", async () => {
    const { take, tasks } = await world(mapping, more);
    const { task } = await take(...opened(1));
    expect((await take(...over(3))).task).toMatchObject({ id: task.id, status: "done" });
    for (const old of [opened(1), again(2), again(1)]) {
      const answer = await take(...old);
      expect([answer.created, answer.task.status, answer.task.count]).toEqual([false, "done", 1]);
    }
    expect(await take(...again(5))).toMatchObject({ created: true, task: { id: task.id, status: "open", count: 2 } });
    for (const old of [over(3), over(4), again(2)])
      expect((await take(...old)).task).toMatchObject({ status: "open", count: 2 });
    expect((await take(...over(6))).task.status).toBe("done");
    expect(await tasks()).toHaveLength(1);
  });

  test("an end that comes before its beginning is remembered, over a restart, until retention", async () => {
    const { take, tasks, restart, pass, config } = await world(mapping, more, { retentionDays: 1 });
    expect(await take(...over(3))).toMatchObject({ task: null, created: false });
    await restart();
    expect(await take(...opened(1))).toMatchObject({ task: null, created: false, skipped: 0 });
    expect(await tasks()).toEqual([]);
    const kept = () => {
      const file = new Database(join(config.dataDir, "signalbox.db"), { readonly: true });
      const { n } = file.query("select count(*) as n from source_ends").get() as { n: number };
      file.close();
      return n;
    };
    expect(kept()).toBe(1);
    for (const hours of [25, 1]) await pass(hours * 3_600_000);
    expect(kept()).toBe(0);
    expect(await take(...again(5))).toMatchObject({ created: true });
  });

  test("somebody here who calls a task done is no end of its source's", async () => {
    const { take, ask } = await world(mapping, more);
    const { task } = await take(...opened(1));
    await ask("POST", `/v1/tasks/${task.id}/status`, { status: "done" });
    expect(await take(...again(2))).toMatchObject({ created: true, task: { id: task.id } });
  });
});

const IN_SECONDS = ["an issue", "a pull request", "a Dependabot alert"];
test.each(TELLINGS.filter(([, what]) => IN_SECONDS.includes(what)))(
  "%s: of %s that opens again in the second of its end it is known that it is open",
  async (mapping, _, { opened, over, again }) => {
    for (const late of [over(3), again(3)]) {
      const { take, tasks } = await world(mapping);
      for (const step of [opened(1), over(3), again(3), late, opened(1)]) await take(...step);
      expect(await tasks()).toMatchObject([{ status: "open" }]);
    }
  },
);

describe("GitHub", () => {
  test("an edit of what is closed at GitHub does not open it again; of what is open it says what is new", async () => {
    const { take } = await world("github");
    const { task } = await take(...pull("opened", 1, "open"));
    await take(...pull("closed", 3, "closed"));
    for (const edit of [pull("edited", 4, "closed"), pull("synchronize", 5, "open"), pull("edited", 2, "open")])
      expect((await take(...edit)).task).toMatchObject({ id: task.id, status: "done", count: 1 });
    await take(...pull("reopened", 6, "open"));
    expect((await take(...pull("synchronize", 7, "open"))).task).toMatchObject({ status: "open", count: 3 });
    // Without times, too.
    const other = await world("github");
    await other.take(payloads.githubIssue, github("issues"));
    await other.take({ ...payloads.githubIssue, action: "closed" }, github("issues"));
    const edited = await other.take({ ...payloads.githubIssue, action: "edited" }, github("issues"));
    expect(edited.task.status).toBe("done");
  });

  test("an alert of GitHub that was dismissed is not opened by one more branch that it appears in", async () => {
    const code = (action: string, at: number, state: string): Step => [
      {
        ...payloads.githubDependabot,
        action,
        alert: { number: 4, state, rule: { description: "SQL injection" }, updated_at: minute(at) },
      },
      github("code_scanning_alert"),
    ];
    const { take } = await world("github");
    const { task } = await take(...code("created", 1, "open"));
    await take(...code("closed_by_user", 2, "dismissed"));
    expect((await take(...code("appeared_in_branch", 3, "dismissed"))).task).toMatchObject({
      ...{ id: task.id, status: "done", count: 1 },
    });
    expect(await take(...code("reopened_by_user", 4, "open"))).toMatchObject({ created: true });
  });

  test("closed comes before opened at GitHub also where neither says when", async () => {
    const { take, tasks } = await world("github");
    expect((await take({ ...payloads.githubIssue, action: "closed" }, github("issues"))).task).toBeNull();
    expect((await take(payloads.githubIssue, github("issues"))).task).toBeNull();
    expect(await tasks()).toEqual([]);
    expect((await take({ ...payloads.githubIssue, action: "reopened" }, github("issues"))).created).toBe(true);
  });

  test("a repository of GitHub that is renamed or moved is the same one", async () => {
    const { take } = await world("github");
    const renamed = { repository: { ...payloads.githubIssue.repository, name: "new", full_name: "new-org/new" } };
    for (const [body, kind, end] of [
      [payloads.githubIssue, "issues", "closed"],
      [payloads.githubPull, "pull_request", "closed"],
      [payloads.githubDependabot, "dependabot_alert", "fixed"],
    ] as const) {
      const { task } = await take(body, github(kind));
      const closed = await take({ ...body, ...renamed, action: end }, github(kind));
      expect(closed.task).toMatchObject({ id: task.id, status: "done" });
    }
    const { task } = await take(...run("failure", 1));
    const [body, headers] = run("success", 2);
    expect((await take({ ...(body as object), ...renamed }, headers)).task).toMatchObject({
      id: task.id,
      status: "done",
    });
  });

  test("repositories of GitHub whose ids differ beyond 2^53 are two", async () => {
    const { post, tasks } = await world("github");
    const text = JSON.stringify(payloads.githubIssue);
    for (const id of ["9007199254740993", "9007199254740992"]) {
      const answer = await post("src", text.replace("300029405", id), github("issues"));
      expect([answer.status, answer.body.task?.dedupeKey]).toEqual([201, `issue:${id}#7`]);
    }
    expect(await tasks()).toHaveLength(2);
  });

  test("a task of a pull request keeps its id and the branch it comes from", async () => {
    const { take, task: look } = await world("github");
    const { task, message } = await take(payloads.githubPull, github("pull_request"));
    const { id, head } = payloads.githubPull.pull_request;
    const facts = { id, number: 12, head: { ref: head.ref, sha: head.sha }, repositoryId: 300029405 };
    expect(message.payload.payload).toMatchObject(facts);
    expect((await look(task.id)).payload).toMatchObject(facts);
  });

  test("a run of a fork on a branch of the same name neither closes nor counts a failure", async () => {
    const { take } = await world("github");
    const own = { head_repository: { id: payloads.githubRun.repository.id, full_name: "octo-org/octo-repo" } };
    const { task } = await take(...run("failure", 1, own));
    for (const head_repository of [{ id: 77, full_name: "someone/octo-repo" }, null]) {
      expect((await take(...run("success", 2, { head_repository }))).task).toBeNull();
      const failed = (await take(...run("failure", 3, { head_repository }))).task;
      expect(failed).toMatchObject({ status: "open", count: 1 });
      expect(failed.id).not.toBe(task.id);
    }
    expect((await take(...run("success", 4))).task).toMatchObject({ id: task.id, status: "done" });
  });
});

describe("an alert", () => {
  test("an alert that is resolved without saying when is over for the same start", async () => {
    const { take } = await world("alertmanager");
    await take(...alert(payloads.alertmanager, "firing", 1));
    await take(...alert(payloads.alertmanager, "resolved", 1));
    expect(await take(...alert(payloads.alertmanager, "firing", 1))).toMatchObject({
      created: false,
      task: { status: "done" },
    });
  });
});

describe("a delivery of too many", () => {
  const many = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, n) => ({
      status: "firing",
      labels: { alertname: `Alert${n}` },
      ...{ fingerprint: `f${n}`, startsAt: minute(1), ...more },
    }));

  test.each([
    ["alertmanager", {}, (alerts: object[]) => ({ alerts })],
    ["grafana", {}, (alerts: object[]) => ({ alerts })],
    ["paths", { paths: { title: "labels.alertname", dedupeKey: "fingerprint" } }, (alerts: object[]) => alerts],
  ] as const)(
    "a delivery of too many is taken as far as it fits, and the operator is told what was left out: %s",
    async (mapping, more, wrap) => {
      const { take, tasks, told } = await world(mapping, more);
      const answer = await take(wrap(many(1003)));
      expect([answer.tasks.length, answer.skipped]).toEqual([1000, 3]);
      expect(await tasks()).toHaveLength(500);
      const [notice] = await told();
      expect(notice).toMatchObject({
        subject: "src: 3 events were left out",
        payload: { source: "src", taken: 1000, skipped: 3 },
      });
      for (const name of ["Alert1000", "Alert1001", "Alert1002"]) expect(notice.body).toContain(name);
      expect(notice.body).not.toContain("Alert999");
      // A later delivery brings the skipped events.
      expect(await take(wrap(many(1003).slice(1000)))).toMatchObject({ created: true, skipped: 0 });
    },
  );

  test("a delivery of too many or too much is taken up to 1 MiB of events, and always the first", async () => {
    const { take, told, clock } = await world("alertmanager");
    const large = { annotations: { description: "x".repeat(300_000) } };
    const answer = await take({ alerts: many(10, large) });
    expect([answer.tasks.length, answer.skipped]).toEqual([3, 7]);
    clock.advance(HOUR);
    const huge = { annotations: { description: "x".repeat(1_500_000) } };
    expect(await take({ alerts: many(2, huge).map((one, n) => ({ ...one, fingerprint: `h${n}` })) })).toMatchObject({
      created: true,
      skipped: 1,
    });
    expect((await told()).map((notice: { payload: { skipped: number } }) => notice.payload.skipped)).toEqual([7, 1]);
  });

  test("a delivery of too many that comes again and again is told of once an hour, for each source and reason", async () => {
    const { take, source, post, told, clock, restart } = await world("alertmanager");
    await source("other", { mapping: "alertmanager" });
    const large = { alerts: many(4, { annotations: { description: "x".repeat(600_000) } }) };
    const subjects = async () => (await told()).map(({ subject }: { subject: string }) => subject);
    const [mine, others] = ["src: 3 events were left out", "other: 3 events were left out"];
    for (let times = 0; times < 3; times++) expect(await take(large)).toMatchObject({ skipped: 3 });
    expect(await subjects()).toEqual([mine]);
    await post("other", large);
    await take({ alerts: many(2), truncatedAlerts: 7 });
    const own = "src: 7 events were left out by src itself";
    expect(await subjects()).toEqual([mine, others, own]);
    await restart();
    clock.advance(HOUR - 1);
    await take(large);
    expect(await subjects()).toEqual([mine, others, own]);
    clock.advance(1);
    await take(large);
    await take(large);
    expect(await subjects()).toEqual([mine, others, own, mine]);
  });

  test("a delivery that cannot even be read is refused, and the operator is told, but not of what anybody else sends", async () => {
    const { deliver, source, told, worker } = await world("alertmanager");
    const secret = await source("token", { mapping: "alertmanager", verify: "token" });
    // Nothing of it is read, but the token says whose it is.
    const large = { alerts: many(1), text: "x".repeat(26 * 1024 * 1024) };
    const refused = await deliver("token", large, { authorization: `Bearer ${secret}` });
    expect([refused.status, refused.body.code]).toEqual([413, "too-large"]);
    expect((await deliver("token", large, { authorization: "Bearer of-somebody-else" })).status).toBe(401);
    expect((await deliver("token", large, { authorization: `Bearer ${worker.token}` })).status).toBe(403);
    expect(await told()).toMatchObject([{ subject: "token: a delivery was refused", payload: { source: "token" } }]);
  });

  test("a delivery that the source itself has cut is taken, and the operator is told", async () => {
    const { take, told } = await world("alertmanager");
    expect(await take({ alerts: many(2), truncatedAlerts: 7 })).toMatchObject({ created: true, skipped: 0 });
    await take({ alerts: many(2), truncatedAlerts: 0 });
    expect(await told()).toMatchObject([
      { subject: "src: 7 events were left out by src itself", payload: { source: "src", truncated: 7 } },
    ]);
  });

  test("a delivery of too many says the same when it comes again under its key", async () => {
    const { post, source, told } = await world("alertmanager");
    await source("other", { mapping: "alertmanager" });
    const body = { alerts: many(1001) };
    const first = await post("other", body, { "idempotency-key": "k" });
    const again = await post("other", body, { "idempotency-key": "k" });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect([again.body.skipped, again.body.tasks.length]).toEqual([first.body.skipped, 1000]);
    expect(await told()).toHaveLength(1);
  });
});
