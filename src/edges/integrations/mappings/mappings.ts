import type { Known } from "../../../kernel/http/sieve.ts";
import { GenericEvent } from "../../../protocol/integrations.ts";
import { Problem } from "../../../protocol/problem.ts";
import { fromTime } from "../../../protocol/wire.ts";
import type { IntegrationRow } from "../row.ts";
import { ALERTS, readAlerts } from "./alerts.ts";
import { GITHUB, readGithub } from "./github.ts";
import { knownByPaths, readByPaths } from "./paths.ts";
import { type Delivery, type Found, readAs, requireSmall, single } from "./report.ts";
import { readSentry, SENTRY } from "./sentry.ts";

/** The events in a body, as its integration's mapping reads it. @throws Problem 413, 422 */
export function readEvents(
  { mapping, paths }: Pick<IntegrationRow, "mapping" | "paths">,
  body: Record<string, unknown> | unknown[],
  delivery: Delivery,
): Found {
  if (Array.isArray(body) && mapping !== "paths") throw Problem.invalid("", "is not an object");
  switch (mapping) {
    case "generic":
      requireSmall(body);
      return readGeneric(body);
    case "alertmanager":
    case "grafana":
      return readAlerts(body, delivery);
    case "github":
      return readGithub(body, delivery);
    case "sentry":
      return readSentry(body, delivery);
    case "paths":
      return paths ? readByPaths(body, paths) : single(undefined);
  }
}

/** Members that a mapping reads of a delivery too large to parse; undefined for a generic one, which is refused. */
export function knownIn({ mapping, paths }: Pick<IntegrationRow, "mapping" | "paths">): Known | undefined {
  if (mapping === "paths") return paths ? knownByPaths(paths) : undefined;
  const known = { generic: undefined, alertmanager: ALERTS, grafana: ALERTS, github: GITHUB, sentry: SENTRY };
  return known[mapping];
}

function readGeneric(body: unknown): Found {
  const { occurredAt, ...event } = readAs(GenericEvent, body);
  return single({ ...event, asOf: occurredAt === undefined ? undefined : fromTime(occurredAt) });
}
