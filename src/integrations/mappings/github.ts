import { z } from "zod";
import {
  asBody,
  asKey,
  asPayload,
  asPlace,
  asSeverity,
  asTitle,
  asUrl,
  type ReadEvents,
  type Report,
  readAs,
  words,
} from "./report.ts";

const Person = z.looseObject({ login: words }).nullish();
const Numbered = z.looseObject({
  number: z.int(),
  title: words,
  body: words,
  html_url: words,
  updated_at: words,
  user: Person,
  draft: z.boolean().nullish(),
  merged: z.boolean().nullish(),
  labels: z.array(z.looseObject({ name: words })).nullish(),
  head: z.looseObject({ ref: words, sha: words }).nullish(),
});
const WorkflowRun = z.looseObject({
  id: z.int(),
  workflow_id: z.int(),
  name: words,
  display_title: words,
  conclusion: words,
  event: words,
  head_branch: words,
  head_sha: words,
  html_url: words,
  run_number: z.int().nullish(),
  run_attempt: z.int().nullish(),
  actor: Person,
});
const Rule = z.looseObject({ description: words, severity: words, security_severity_level: words, name: words });
const Alert = z.looseObject({
  number: z.int(),
  html_url: words,
  secret_type_display_name: words,
  rule: Rule.nullish(),
  security_advisory: z.looseObject({ summary: words, severity: words, ghsa_id: words }).nullish(),
  dependency: z.looseObject({ package: z.looseObject({ name: words, ecosystem: words }).nullish() }).nullish(),
});

/** What GitHub posts: https://docs.github.com/webhooks/webhook-events-and-payloads */
const Hook = z.looseObject({
  action: words,
  repository: z.looseObject({ full_name: words, html_url: words }).nullish(),
  sender: Person,
  issue: Numbered.optional(),
  pull_request: Numbered.optional(),
  workflow_run: WorkflowRun.optional(),
  alert: Alert.optional(),
});
type Hook = z.infer<typeof Hook>;

type Read = (hook: Hook, repo: string) => Report | undefined;

const ALERTS = ["dependabot_alert", "code_scanning_alert", "secret_scanning_alert"];

/** By the name of the event, as `X-GitHub-Event` has it. Any other (`ping`, `push`, ...) asks for no work. */
const READERS: Record<string, Read> = {
  issues: ({ action, issue }, repo) => (issue ? ofNumbered("issue", action, issue, repo) : undefined),
  pull_request: ({ action, pull_request: pull }, repo) => (pull ? ofNumbered("pull", action, pull, repo) : undefined),
  workflow_run: ({ workflow_run: run, action }, repo) => (run && action === "completed" ? ofRun(run, repo) : undefined),
  ...Object.fromEntries(
    ALERTS.map((kind): [string, Read] => [
      kind,
      ({ alert, action }, repo) => alert && ofAlert(kind, action, alert, repo),
    ]),
  ),
};

export const readGithub: ReadEvents = (body, { kind }) => {
  const reader = kind !== undefined && Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (!reader) return [];
  const hook = readAs(Hook, body);
  const report = reader(hook, hook.repository?.full_name ?? "");
  return report ? [report] : [];
};

/** What makes it worth a look; what else happens to it (labels, assignees) is not told. */
const OPENS = new Set(["opened", "reopened", "edited", "ready_for_review", "synchronize"]);
const ENDS = new Set(["closed", "deleted", "transferred", "converted_to_draft"]);

function ofNumbered(
  what: "issue" | "pull",
  action: string | null | undefined,
  it: z.infer<typeof Numbered>,
  repo: string,
) {
  const isOver = ENDS.has(action ?? "");
  if (!isOver && (it.draft || !OPENS.has(action ?? ""))) return undefined;
  const { number, html_url: url, user, head } = it;
  return {
    title: asTitle(`${repo}#${number}: ${it.title ?? ""}`),
    body: asBody(it.body),
    dedupeKey: asKey(`${what}:${repo}#${number}`),
    status: isOver ? ("resolved" as const) : ("open" as const),
    externalUrl: asUrl(url),
    asOf: asPlace(it.updated_at),
    payload: asPayload({
      ...{ event: what === "pull" ? "pull_request" : "issues", action, repository: repo, number },
      ...{
        author: user?.login,
        labels: it.labels?.map(({ name }) => name),
        branch: head?.ref,
        sha: head?.sha,
        merged: it.merged,
      },
    }),
  };
}

const FAILED = new Set(["failure", "timed_out", "startup_failure"]);

/** A workflow on a branch is one task from its first failure to its next success. */
function ofRun(run: z.infer<typeof WorkflowRun>, repo: string): Report | undefined {
  const failed = FAILED.has(run.conclusion ?? "");
  if (!failed && run.conclusion !== "success") return undefined;
  const { name, head_branch: branch, head_sha: sha, conclusion, event } = run;
  return {
    title: asTitle(`${name || "Workflow"} ${failed ? "failed" : "succeeded"} on ${branch ?? "?"} in ${repo}`),
    body: asBody(
      `${run.display_title ?? ""}\nRun ${run.run_number ?? run.id} of ${name || "the workflow"}: ${conclusion}`.trim(),
    ),
    severity: "error",
    dedupeKey: asKey(`workflow:${repo}:${run.workflow_id}:${branch ?? ""}`),
    status: failed ? "open" : "resolved",
    externalUrl: asUrl(run.html_url),
    // A slow run may end after its successor.
    asOf: run.run_number == null ? undefined : run.run_number * 1000 + (run.run_attempt ?? 0),
    payload: asPayload({
      ...{ event: "workflow_run", repository: repo, workflow: name, branch, sha, conclusion, trigger: event },
      ...{ runId: run.id, runNumber: run.run_number, runAttempt: run.run_attempt, actor: run.actor?.login },
    }),
  };
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

function ofAlert(kind: string, action: string | null | undefined, alert: z.infer<typeof Alert>, repo: string) {
  const isOver = ALERT_ENDS.has(action ?? "");
  if (!isOver && !ALERT_OPENS.has(action ?? "")) return undefined;
  const { number, rule, security_advisory: advisory } = alert;
  const name = alert.dependency?.package?.name;
  const what = advisory?.summary ?? rule?.description ?? rule?.name ?? alert.secret_type_display_name ?? kind;
  return {
    title: asTitle(`${repo}: ${name ? `${name}: ` : ""}${what}`),
    severity: asSeverity(advisory?.severity ?? rule?.security_severity_level ?? rule?.severity) ?? ("error" as const),
    dedupeKey: asKey(`${kind}:${repo}#${number}`),
    status: isOver ? ("resolved" as const) : ("open" as const),
    externalUrl: asUrl(alert.html_url),
    payload: asPayload({ event: kind, action, repository: repo, number, package: name, advisory: advisory?.ghsa_id }),
  };
}
