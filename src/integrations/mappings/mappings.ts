import { GenericEvent } from "../schema.ts";
import type { IntegrationRow } from "../store.ts";
import { readAlerts } from "./alerts.ts";
import { readGithub } from "./github.ts";
import { readByPaths } from "./paths.ts";
import { type Delivery, type Report, readAs } from "./report.ts";
import { readSentry } from "./sentry.ts";

/** The events in a body, as its integration's mapping reads it; empty when it asks for no work. @throws Problem 422 */
export function readEvents(
  { mapping, paths }: Pick<IntegrationRow, "mapping" | "paths">,
  body: Record<string, unknown>,
  delivery: Delivery,
): Report[] {
  switch (mapping) {
    case "generic":
      return [readAs(GenericEvent, body)];
    case "alertmanager":
    case "grafana":
      return readAlerts(body, delivery);
    case "github":
      return readGithub(body, delivery);
    case "sentry":
      return readSentry(body, delivery);
    case "paths":
      return paths ? readByPaths(body, paths) : [];
  }
}
