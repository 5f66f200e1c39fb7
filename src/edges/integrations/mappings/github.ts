import { z } from "zod";
import { PullPost } from "../../pulls/news.ts";
import * as clean from "./clean.ts";
import { knownOf, together } from "./known.ts";
import { type ReadEvents, type Report, readAs, single, words } from "./report.ts";

const Person = z.looseObject({ login: words }).nullish();
/** An id beyond 2^53 comes as its text. */
const Id = z.union([z.int(), z.string()]);
const IssueOrPull = z.looseObject({
  id: Id.nullish(),
  number: z.int(),
  state: words,
  title: words,
  body: words,
  html_url: words,
  created_at: words,
  updated_at: words,
  closed_at: words,
  user: Person,
  draft: z.boolean().nullish(),
  merged: z.boolean().nullish(),
  labels: z.array(z.looseObject({ name: words })).nullish(),
  head: z.looseObject({ ref: words, sha: words }).nullish(),
});
const WorkflowRun = z.looseObject({
  id: Id,
  workflow_id: Id,
  name: words,
  display_title: words,
  conclusion: words,
  event: words,
  head_branch: words,
  /** null: the fork is gone. */
  head_repository: z.looseObject({ id: Id.nullish(), full_name: words }).nullish(),
  head_sha: words,
  html_url: words,
  run_number: z.int().nullish(),
  run_attempt: z.int().nullish(),
  actor: Person,
});
const Rule = z.looseObject({ description: words, severity: words, security_severity_level: words, name: words });
const Alert = z.looseObject({
  number: z.int(),
  state: words,
  created_at: words,
  updated_at: words,
  fixed_at: words,
  dismissed_at: words,
  resolved_at: words,
  html_url: words,
  secret_type_display_name: words,
  rule: Rule.nullish(),
  security_advisory: z.looseObject({ summary: words, severity: words, ghsa_id: words }).nullish(),
  dependency: z.looseObject({ package: z.looseObject({ name: words, ecosystem: words }).nullish() }).nullish(),
});

/** Posts of GitHub: https://docs.github.com/webhooks/webhook-events-and-payloads */
const Hook = z.looseObject({
  action: words,
  repository: z.looseObject({ id: Id.nullish(), full_name: words, html_url: words }).nullish(),
  sender: Person,
  issue: IssueOrPull.optional(),
  pull_request: IssueOrPull.optional(),
  workflow_run: WorkflowRun.optional(),
  alert: Alert.optional(),
});
type Hook = z.infer<typeof Hook>;

/** A repository: `key` stays when it is renamed or moved. */
interface Repo {
  id: number | string | undefined;
  name: string;
  key: string;
}
type Read = (hook: Hook, repo: Repo) => Report | undefined;

const ALERTS = ["dependabot_alert", "code_scanning_alert", "secret_scanning_alert"];

/** By the name of the event, as `X-GitHub-Event` has it. Any other (`ping`, `push`, ...) asks for no work. */
const READERS: Record<string, Read> = {
  issues: ({ action, issue }, repo) => (issue ? ofIssueOrPull("issue", action, issue, repo) : undefined),
  pull_request: ({ action, pull_request: pull }, repo) =>
    pull ? ofIssueOrPull("pull", action, pull, repo) : undefined,
  workflow_run: ({ workflow_run: run, action }, repo) => (run && action === "completed" ? ofRun(run, repo) : undefined),
  ...Object.fromEntries(
    ALERTS.map((kind): [string, Read] => [
      kind,
      ({ alert, action }, repo) => alert && ofAlert(kind, action, alert, repo),
    ]),
  ),
};

/** Members that the mapping reads. */
export const GITHUB = together(knownOf(Hook), knownOf(PullPost));

export const readGithub: ReadEvents = (body, { kind }) => {
  const reader = kind !== undefined && Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (!reader) return single(undefined);
  const hook = readAs(Hook, body);
  const { id, full_name: name } = hook.repository ?? {};
  const report = reader(hook, { id: id ?? undefined, name: name ?? "", key: String(id ?? name ?? "") });
  return single(report);
};

/** Actions that are reported; others (labels, assignees) are not. */
const OPENS = new Set(["opened", "reopened", "edited", "ready_for_review", "synchronize"]);
/** Actions among these that reopen a closed item. */
const REOPENS = new Set(["reopened", "ready_for_review"]);
const ENDS = new Set(["closed", "deleted", "transferred", "converted_to_draft"]);

function ofIssueOrPull(
  what: "issue" | "pull",
  action: string | null | undefined,
  it: z.infer<typeof IssueOrPull>,
  repo: Repo,
): Report | undefined {
  const opens = OPENS.has(action ?? "");
  const isOver = ENDS.has(action ?? "") || (opens && it.state === "closed");
  if (!isOver && (it.draft || !opens)) return undefined;
  const { id, number, html_url: url, user, head } = it;
  const reopens = !isOver && REOPENS.has(action ?? "");
  return {
    title: clean.title(`${repo.name}#${number}: ${it.title ?? ""}`),
    body: clean.body(it.body),
    dedupeKey: clean.key(`${what}:${repo.key}#${number}`),
    status: isOver ? "resolved" : "open",
    externalUrl: clean.url(url),
    asOf: isOver ? clean.latest(it.updated_at, it.closed_at) : clean.begin(it.updated_at ?? it.created_at, reopens),
    afterEnd: isOver || reopens ? undefined : false,
    payload: clean.payload({
      ...{ event: what === "pull" ? "pull_request" : "issues", action, repository: repo.name, repositoryId: repo.id },
      ...{ id, number, author: user?.login, labels: it.labels?.map(({ name }) => name), merged: it.merged },
      ...(head && { branch: head.ref, sha: head.sha, head: { ref: head.ref, sha: head.sha } }),
    }),
  };
}

const FAILED = new Set(["failure", "timed_out", "startup_failure"]);

/** A workflow on a branch is one task from its first failure to its next success. */
function ofRun(run: z.infer<typeof WorkflowRun>, repo: Repo): Report | undefined {
  const failed = FAILED.has(run.conclusion ?? "");
  if (!failed && run.conclusion !== "success") return undefined;
  const { name, head_branch: branch, head_sha: sha, conclusion, event } = run;
  const fork = forkOf(run, repo);
  const where = `${fork === undefined ? "" : `${fork.name}:`}${branch ?? "?"}`;
  return {
    title: clean.title(`${name || "Workflow"} ${failed ? "failed" : "succeeded"} on ${where} in ${repo.name}`),
    body: clean.body(
      `${run.display_title ?? ""}\nRun ${run.run_number ?? run.id} of ${name || "the workflow"}: ${conclusion}`.trim(),
    ),
    severity: "error",
    dedupeKey: clean.key(["workflow", repo.key, run.workflow_id, ...(fork ? [fork.key] : []), branch ?? ""].join(":")),
    status: failed ? "open" : "resolved",
    externalUrl: clean.url(run.html_url),
    // A slow run may end after its successor. In doubt an attempt has failed.
    asOf: run.run_number == null ? undefined : (run.run_number * 1000 + (run.run_attempt ?? 0)) * 2 + (failed ? 1 : 0),
    payload: clean.payload({
      ...{ event: "workflow_run", repository: repo.name, repositoryId: repo.id, workflow: name, branch, sha },
      ...{ conclusion, trigger: event, fork: fork?.name },
      ...{ runId: run.id, runNumber: run.run_number, runAttempt: run.run_attempt, actor: run.actor?.login },
    }),
  };
}

/** A fork's branches are its own, whatever they are called; undefined for a run of the repository's own. */
function forkOf({ head_repository: head }: z.infer<typeof WorkflowRun>, repo: Repo) {
  if (head === undefined) return undefined;
  if (head === null) return { name: "a deleted fork", key: "fork" };
  const isOwn = head.id == null || repo.id === undefined ? head.full_name === repo.name : head.id === repo.id;
  return isOwn ? undefined : { name: head.full_name ?? "a fork", key: String(head.id ?? head.full_name ?? "fork") };
}

const ALERT_OPENS = new Set([
  "created",
  "reopened",
  "reintroduced",
  "reopened_by_user",
  "appeared_in_branch",
  "auto_reopened",
]);
const ALERT_ENDS = new Set(["fixed", "dismissed", "auto_dismissed", "closed_by_user", "resolved", "revoked"]);
/** States of an alert that is over: it may appear in one more branch all the same. */
const ALERT_OVER = new Set(["fixed", "dismissed", "auto_dismissed", "resolved"]);

function ofAlert(kind: string, action: string | null | undefined, alert: z.infer<typeof Alert>, repo: Repo) {
  const opens = ALERT_OPENS.has(action ?? "");
  const isOver = ALERT_ENDS.has(action ?? "") || (opens && ALERT_OVER.has(alert.state ?? ""));
  if (!isOver && !opens) return undefined;
  const { number, rule, security_advisory: advisory } = alert;
  const name = alert.dependency?.package?.name;
  const what = advisory?.summary ?? rule?.description ?? rule?.name ?? alert.secret_type_display_name ?? kind;
  return {
    title: clean.title(`${repo.name}: ${name ? `${name}: ` : ""}${what}`),
    severity:
      clean.severity(advisory?.severity ?? rule?.security_severity_level ?? rule?.severity) ?? ("error" as const),
    dedupeKey: clean.key(`${kind}:${repo.key}#${number}`),
    status: isOver ? ("resolved" as const) : ("open" as const),
    externalUrl: clean.url(alert.html_url),
    asOf: isOver
      ? clean.latest(alert.updated_at, alert.fixed_at, alert.dismissed_at, alert.resolved_at)
      : clean.begin(alert.updated_at ?? alert.created_at, action !== "created"),
    afterEnd: action === "created" ? (false as const) : undefined,
    payload: clean.payload({
      event: kind,
      action,
      repository: repo.name,
      repositoryId: repo.id,
      number,
      package: name,
      advisory: advisory?.ghsa_id,
    }),
  };
}
