import { z } from "zod";
import * as clean from "./clean.ts";
import { knownOf } from "./known.ts";
import { type Delivery, type ReadEvents, type Report, readAs, single, words } from "./report.ts";

const id = z.union([z.string(), z.number()]).transform(String);
const NameFields = z.looseObject({ id: id.nullish(), slug: words, name: words }).nullish();

const Issue = z.looseObject({
  id,
  shortId: words,
  title: words,
  culprit: words,
  level: words,
  permalink: words,
  web_url: words,
  status: words,
  substatus: words,
  platform: words,
  firstSeen: words,
  lastSeen: words,
  project: NameFields,
  metadata: z.looseObject({ type: words, value: words, filename: words }).nullish(),
});
const ErrorEvent = z.looseObject({
  event_id: words,
  datetime: words,
  issue_id: id.nullish(),
  title: words,
  culprit: words,
  level: words,
  message: words,
  web_url: words,
  platform: words,
  release: words,
  environment: words,
});
const MetricAlert = z.looseObject({
  id,
  title: words,
  identifier: id.nullish(),
  date_created: words,
  date_started: words,
  date_closed: words,
  alert_rule: z.looseObject({ id: id.nullish(), name: words }).nullish(),
});

/** Posts of Sentry's integration platform: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/ */
const Hook = z.looseObject({
  action: words,
  data: z.looseObject({
    issue: Issue.optional(),
    event: ErrorEvent.optional(),
    error: ErrorEvent.optional(),
    metric_alert: MetricAlert.optional(),
    triggered_rule: words,
    description_text: words,
    description_title: words,
    web_url: words,
  }),
});
type Hook = z.infer<typeof Hook>;

/** Members that the mapping reads. */
export const SENTRY = knownOf(Hook);

const OVER = new Set(["resolved", "archived", "ignored"]);
const OPEN = new Set(["created", "unresolved"]);

/** An issue is one task, whichever hook tells of it: `issue`, `event_alert` and `error` share its id. */
export const readSentry: ReadEvents = (body, delivery) => {
  const hook = readAs(Hook, body);
  return single(reportOf(hook, delivery));
};

function reportOf({ action, data }: Hook, { kind, at }: Delivery): Report | undefined {
  const { issue, metric_alert: metric } = data;
  if (metric && (kind ?? "metric_alert") === "metric_alert") return ofMetric(metric, data, action ?? "");
  if (issue && (kind ?? "issue") === "issue") return ofIssue(issue, action ?? "", at);
  const event = data.event ?? data.error;
  return event?.issue_id ? ofEvent(event, event.issue_id, data.triggered_rule, at) : undefined;
}

/** Place of an issue. Its end has the time of the hook, no earlier than it was last seen. */
function placeOf({ lastSeen, firstSeen }: z.infer<typeof Issue>, action: string, at: number | undefined) {
  const seen = clean.place(lastSeen ?? firstSeen);
  if (action === "created") return seen ?? at;
  // Hooks have whole seconds: an issue reopened in the second of its end is open.
  if (action === "unresolved") return at === undefined ? undefined : at + 1;
  return Math.max(at ?? 0, seen ?? 0) || undefined;
}

function ofIssue(issue: z.infer<typeof Issue>, action: string, at: number | undefined): Report | undefined {
  if (!OVER.has(action) && !OPEN.has(action)) return undefined;
  const { shortId, culprit, level, substatus, platform, project, metadata } = issue;
  return {
    title: clean.title(issue.title, metadata?.value, shortId, "An issue"),
    body: clean.body([metadata?.value, culprit && `In ${culprit}`].filter(Boolean).join("\n")),
    severity: clean.severity(level),
    dedupeKey: clean.key(`issue:${issue.id}`),
    status: OVER.has(action) ? "resolved" : "open",
    externalUrl: clean.url(issue.web_url, issue.permalink),
    asOf: placeOf(issue, action, at),
    afterEnd: action === "created" ? false : undefined,
    payload: clean.payload({
      action,
      issueId: issue.id,
      shortId,
      culprit,
      level,
      substatus,
      platform,
      project: project?.slug,
      metadata,
    }),
  };
}

function ofEvent(
  event: z.infer<typeof ErrorEvent>,
  issueId: string,
  rule: string | null | undefined,
  at: number | undefined,
): Report {
  const { culprit, level, platform, release, environment } = event;
  const said = [event.message, culprit && `In ${culprit}`, rule && `Alert rule: ${rule}`];
  return {
    title: clean.title(event.title, event.message),
    body: clean.body(said.filter(Boolean).join("\n")),
    severity: clean.severity(level),
    dedupeKey: clean.key(`issue:${issueId}`),
    status: "open",
    externalUrl: clean.url(event.web_url),
    asOf: clean.place(event.datetime) ?? at,
    payload: clean.payload({ issueId, eventId: event.event_id, culprit, level, platform, release, environment, rule }),
  };
}

function ofMetric(metric: z.infer<typeof MetricAlert>, data: Hook["data"], action: string): Report {
  return {
    title: clean.title(data.description_title, metric.title, metric.alert_rule?.name),
    body: clean.body(data.description_text),
    severity: clean.severity(action),
    // Each incident has an id of its own; the rule is what goes on and off.
    dedupeKey: clean.key(`metric:${metric.alert_rule?.id ?? metric.id}`),
    status: action === "resolved" ? "resolved" : "open",
    externalUrl: clean.url(data.web_url),
    asOf: placeOfMetric(metric, action === "resolved"),
    payload: clean.payload({ action, incidentId: metric.id, rule: metric.alert_rule?.name }),
  };
}

/** Each incident has a higher id than those before it, and ends once. */
function placeOfMetric({ id, ...dates }: z.infer<typeof MetricAlert>, isOver: boolean): number | undefined {
  const started = dates.date_started ?? dates.date_created;
  const at = isOver ? clean.latest(started, dates.date_closed) : clean.place(started);
  if (at !== undefined) return at;
  return /^\d{1,12}$/.test(id) ? Number(id) * 2 + (isOver ? 1 : 0) : undefined;
}
