import { z } from "zod";
import { MAX_EVENTS } from "../schema.ts";
import {
  asBody,
  asKey,
  asLine,
  asPayload,
  asPlace,
  asSeverity,
  asTitle,
  asUrl,
  labels,
  type ReadEvents,
  readAs,
  words,
} from "./report.ts";

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

/** What Prometheus' Alertmanager posts (version 4), and Grafana's alerting in the same form. */
const Group = z.looseObject({
  receiver: words,
  groupKey: words,
  externalURL: words,
  alerts: z.array(Alert).max(MAX_EVENTS, `holds more than ${MAX_EVENTS} alerts`),
});

/** Each alert is an event of its own, known by its fingerprint: that of its labels. */
export const readAlerts: ReadEvents = (body) => {
  const group = readAs(Group, body);
  return group.alerts.map((alert) => {
    const { annotations } = alert;
    const severity = asSeverity(alert.labels.severity ?? alert.labels.priority ?? alert.labels.level);
    return {
      title: asTitle(annotations.summary, annotations.title, alert.labels.alertname),
      body: asBody(bodyOf(alert)),
      severity,
      dedupeKey: asKey(alert.fingerprint || JSON.stringify(Object.entries(alert.labels).sort())),
      status: alert.status === "resolved" ? "resolved" : "open",
      externalUrl: asUrl(alert.panelURL, alert.dashboardURL, alert.generatorURL, group.externalURL),
      asOf: alert.status === "resolved" ? endOf(alert) : asPlace(alert.startsAt),
      payload: factsOf(alert, asLine(group.receiver, 255)),
    };
  });
};

/** What is written for people, then the labels. */
function bodyOf({ annotations, labels: named }: Alert): string {
  const said = [annotations.description, annotations.message].filter(Boolean);
  const listed = Object.entries(named).map(([name, value]) => `${name}: ${value}`);
  const more = annotations.runbook_url ? [`Runbook: ${annotations.runbook_url}`] : [];
  return [...said, ...more, listed.join("\n")].filter(Boolean).join("\n\n");
}

/** What has not ended has an end long ago. */
const endOf = ({ startsAt, endsAt }: Alert): number | undefined => {
  const [start, end] = [asPlace(startsAt), asPlace(endsAt)];
  return start === undefined || end === undefined ? (end ?? start) : Math.max(start, end);
};

function factsOf(alert: Alert, receiver: string | undefined) {
  const { fingerprint, startsAt, endsAt, silenceURL, valueString, values } = alert;
  const { labels: named, annotations } = alert;
  return asPayload({
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
