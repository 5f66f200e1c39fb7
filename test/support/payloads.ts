/** Posts of the platforms, as their documentation shows them: shortened, with the names of all that a mapping may read. */

export const alertmanager = {
  receiver: "signalbox",
  status: "firing",
  alerts: [
    {
      status: "firing",
      labels: {
        alertname: "ProbeFailure",
        instance: "https://shop.example.org",
        job: "http_checks",
        severity: "critical",
      },
      annotations: { description: "Down for over 5m.", summary: "Probe failure: shop.example.org" },
      startsAt: "2026-03-01T11:58:45.828Z",
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "http://prometheus.example.org:9090/graph?g0.expr=probe_success+%3D%3D+0&g0.tab=1",
      fingerprint: "1a30ba71cca2921f",
    },
    {
      status: "firing",
      labels: { alertname: "DiskFilling", instance: "db-1", severity: "warning" },
      annotations: { description: "Full in 4 hours." },
      startsAt: "2026-03-01T11:50:00.000Z",
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "http://prometheus.example.org:9090/graph?g0.expr=disk&g0.tab=1",
      fingerprint: "7c90fffa33fcd001",
    },
  ],
  groupLabels: { team: "shop" },
  commonLabels: {},
  commonAnnotations: {},
  externalURL: "http://alertmanager.example.org:9093",
  version: "4",
  groupKey: '{}/{team="shop"}:{team="shop"}',
  truncatedAlerts: 0,
};

export const grafana = {
  receiver: "Signalbox",
  status: "firing",
  orgId: 1,
  alerts: [
    {
      status: "firing",
      labels: { alertname: "High memory usage", team: "blue", zone: "us-1" },
      annotations: {
        description: "The system has high memory usage",
        runbook_url: "https://runbooks.example.org/memory",
        summary: "Memory is nearly full in us-1",
      },
      startsAt: "2026-03-01T09:51:03.157076+02:00",
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "https://grafana.example.org/alerting/1afz29v7z/edit",
      fingerprint: "c6eadffa33fcdf37",
      silenceURL: "https://grafana.example.org/alerting/silence/new?matchers=zone%3Dus-1",
      dashboardURL: "",
      panelURL: "https://grafana.example.org/d/abc?viewPanel=2",
      values: { B: 44.23943737541908, C: 1 },
    },
  ],
  groupLabels: {},
  commonLabels: { team: "blue" },
  commonAnnotations: {},
  externalURL: "https://grafana.example.org/",
  version: "1",
  groupKey: "{}:{}",
  truncatedAlerts: 0,
  title: "[FIRING:1] (blue)",
  state: "alerting",
  message: "**Firing**",
};

const repository = {
  id: 300029405,
  name: "octo-repo",
  full_name: "octo-org/octo-repo",
  private: false,
  owner: { login: "octo-org", id: 41548062, type: "Organization" },
  html_url: "https://github.com/octo-org/octo-repo",
  description: null,
  default_branch: "main",
};
const sender = { login: "octocat", id: 15669918, type: "User", site_admin: false };

export const githubIssue = {
  action: "opened",
  issue: {
    id: 444500041,
    number: 7,
    title: "Spelling error in the README file",
    user: sender,
    labels: [{ id: 1362934389, name: "bug", color: "d73a4a", default: true }],
    state: "open",
    assignee: null,
    html_url: "https://github.com/octo-org/octo-repo/issues/7",
    body: "It looks like you accidentally spelled 'commit' with two 't's.",
    created_at: "2026-03-01T15:20:18Z",
  },
  repository,
  sender,
};

export const githubPull = {
  action: "opened",
  number: 12,
  pull_request: {
    id: 279147437,
    number: 12,
    state: "open",
    title: "Update the README",
    user: sender,
    body: "This is a pretty simple change.",
    html_url: "https://github.com/octo-org/octo-repo/pull/12",
    draft: false,
    merged: false,
    head: { label: "octocat:changes", ref: "changes", sha: "ec26c3e57ca3a959ca5aad62de7213c562f8c821" },
    base: { ref: "main" },
  },
  repository,
  sender,
};

export const githubRun = {
  action: "completed",
  workflow_run: {
    id: 289782451,
    name: "test",
    workflow_id: 2823525,
    display_title: "build(test): check the payload",
    run_number: 31,
    run_attempt: 1,
    event: "push",
    status: "completed",
    conclusion: "failure",
    head_branch: "main",
    head_sha: "3484a3fb816e0859fd6e1cea078d76385ff50625",
    html_url: "https://github.com/octo-org/octo-repo/actions/runs/289782451",
    actor: sender,
    pull_requests: [],
    created_at: "2026-03-01T16:33:24Z",
  },
  workflow: { id: 2823525, name: "test", path: ".github/workflows/test.yml", state: "active" },
  repository,
  sender,
};

export const githubDependabot = {
  action: "created",
  alert: {
    number: 20,
    state: "open",
    dependency: { package: { ecosystem: "npm", name: "semver" }, manifest_path: "package-lock.json", scope: "runtime" },
    security_advisory: {
      ghsa_id: "GHSA-c2qf-rxjj-qqgw",
      cve_id: "CVE-2022-25883",
      summary: "semver vulnerable to Regular Expression Denial of Service",
      severity: "medium",
    },
    html_url: "https://github.com/octo-org/octo-repo/security/dependabot/20",
    dismissed_at: null,
  },
  repository,
  sender,
};

export const githubPing = {
  zen: "Keep it logically awesome.",
  hook_id: 30,
  hook: { type: "Repository" },
  repository,
  sender,
};

const actor = { id: "sentry", name: "Sentry", type: "application" };
const installation = { uuid: "a8e5d37a-696c-4c54-adb5-b3f28d64c7de" };

export const sentryIssue = {
  action: "created",
  actor,
  installation,
  data: {
    issue: {
      id: "1170820242",
      shortId: "PYTHON-E",
      title: "ReferenceError: heck is not defined",
      culprit: "app in checkout",
      level: "error",
      status: "unresolved",
      substatus: "new",
      platform: "python",
      permalink: null,
      web_url: "https://example.sentry.io/issues/1170820242/",
      project: { id: "1", name: "shop", slug: "shop", platform: "python" },
      metadata: { type: "ReferenceError", value: "heck is not defined", filename: "/app.py" },
      count: "1",
      userCount: 0,
    },
  },
};

export const sentryEventAlert = {
  action: "triggered",
  actor,
  installation,
  data: {
    event: {
      event_id: "e4874d664c3540c1a32eab185f12c5ab",
      issue_id: "1170820242",
      title: "ReferenceError: heck is not defined",
      culprit: "app in checkout",
      level: "fatal",
      message: "",
      platform: "python",
      release: null,
      web_url: "https://example.sentry.io/issues/1170820242/events/e4874d664c3540c1a32eab185f12c5ab/",
      url: "https://sentry.io/api/0/projects/example/shop/events/e4874d664c3540c1a32eab185f12c5ab/",
      tags: [["environment", "production"]],
    },
    triggered_rule: "Very important alert rule",
  },
};

export const sentryMetric = {
  action: "critical",
  actor,
  installation,
  data: {
    description_text: "1000 events in the last 10 minutes\nFilter: level:error",
    description_title: "Critical: Too many errors",
    metric_alert: {
      id: "4",
      identifier: "1",
      title: "Sacred Marmot",
      status: 20,
      alert_rule: { id: "7", name: "Too many errors", aggregate: "count()", triggers: [], projects: ["shop"] },
    },
    web_url: "https://sentry.io/organizations/example/alerts/1/",
  },
};
