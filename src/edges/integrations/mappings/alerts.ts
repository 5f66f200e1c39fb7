import { z } from "zod";
import * as clean from "./clean.ts";
import { knownOf, withEvents } from "./known.ts";
import { labels, type ReadEvents, type Report, readAs, several, words } from "./report.ts";

const Alert = z.looseObject({
  status: z.string(),
  labels,
  annotations: labels,
  startsAt: words,
  endsAt: words,
  generatorURL: words,
  fingerprint: words,
  // Grafana's own.
  silenceURL: words,
  dashboardURL: words,
  panelURL: words,
  valueString: words,
  values: z.record(z.string(), z.unknown()).nullish(),
});
type Alert = z.infer<typeof Alert>;

/** Posts of Prometheus' Alertmanager (version 4), and of Grafana's alerting in the same form. */
const Group = z.looseObject({
  receiver: words,
  groupKey: words,
  externalURL: words,
  alerts: z.array(z.unknown()),
  /** Alerts beyond its `max_alerts`. */
  truncatedAlerts: z.int().nonnegative().nullish().catch(null),
});
type Group = z.infer<typeof Group>;
const AlertList = z.object({ alerts: z.array(Alert) });

/** Members that the mapping reads. */
export const ALERTS = withEvents(knownOf(Group), "alerts", knownOf(Alert));

/** Each alert is an event of its own, known by its fingerprint: that of its labels. */
export const readAlerts: ReadEvents = (body) => {
  const group = readAs(Group, body);
  const found = several(
    group.alerts,
    (alerts) => readAs(AlertList, { alerts }).alerts.map((alert) => reportOf(alert, group)),
    nameOf,
  );
  return { ...found, truncated: group.truncatedAlerts ?? 0 };
};

function reportOf(alert: Alert, group: Group): Report {
  const { annotations, startsAt, endsAt } = alert;
  const isOver = alert.status === "resolved";
  return {
    title: clean.title(annotations.summary, annotations.title, alert.labels.alertname),
    body: clean.body(bodyOf(alert)),
    severity: clean.severity(alert.labels.severity ?? alert.labels.priority ?? alert.labels.level),
    dedupeKey: clean.key(alert.fingerprint || JSON.stringify(Object.entries(alert.labels).sort())),
    status: isOver ? "resolved" : "open",
    externalUrl: clean.url(alert.panelURL, alert.dashboardURL, alert.generatorURL, group.externalURL),
    asOf: isOver ? clean.latest(startsAt, endsAt) : clean.place(startsAt),
    payload: factsOf(alert, clean.line(group.receiver, 255)),
  };
}

/** Fields of an alert that was skipped, and so not checked. */
function nameOf(alert: unknown): string | undefined {
  const { labels: named, fingerprint } = NameFields.safeParse(alert).data ?? {};
  return [named?.alertname, named?.instance, fingerprint].filter(Boolean).join(" ");
}
const NameFields = z.looseObject({ labels, fingerprint: words });

/** Annotations for people, then the labels. */
function bodyOf({ annotations, labels: named }: Alert): string {
  const said = [annotations.description, annotations.message].filter(Boolean);
  const listed = Object.entries(named).map(([name, value]) => `${name}: ${value}`);
  const more = annotations.runbook_url ? [`Runbook: ${annotations.runbook_url}`] : [];
  return [...said, ...more, listed.join("\n")].filter(Boolean).join("\n\n");
}

function factsOf(alert: Alert, receiver: string | undefined) {
  const { fingerprint, startsAt, endsAt, silenceURL, valueString, values } = alert;
  const { labels: named, annotations } = alert;
  return clean.payload({
    receiver,
    fingerprint,
    startsAt,
    endsAt,
    labels: named,
    annotations,
    silenceURL,
    valueString,
    values,
  });
}
