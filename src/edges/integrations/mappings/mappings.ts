import { GenericEvent } from "../../../protocol/integrations.ts";
import { Problem } from "../../../protocol/problem.ts";
import { fromTime } from "../../../protocol/wire.ts";
import type { IntegrationRow } from "../store.ts";
import { readAlerts } from "./alerts.ts";
import { readGithub } from "./github.ts";
import { readByPaths } from "./paths.ts";
import { type Delivery, type Found, readAs, requireSmall, single } from "./report.ts";
import { readSentry } from "./sentry.ts";

/** The events in a body, as its integration's mapping reads it. @throws Problem 413, 422 */
export function readEvents(
  { mapping, paths }: Pick<IntegrationRow, "mapping" | "paths">,
  body: Record<string, unknown> | unknown[],
  delivery: Delivery,
): Found {
  if (Array.isArray(body) && mapping !== "paths") throw Problem.invalid("", "is not an object");
  if (mapping !== "alertmanager" && mapping !== "grafana" && mapping !== "paths") requireSmall(body);
  switch (mapping) {
    case "generic":
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

function readGeneric(body: unknown): Found {
  const { occurredAt, ...event } = readAs(GenericEvent, body);
  return single({ ...event, asOf: occurredAt === undefined ? undefined : fromTime(occurredAt) });
}
