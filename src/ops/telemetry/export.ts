import type { Areas } from "../../core/core.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { createEgress, EgressError } from "../../kernel/egress/egress.ts";
import { backoffMs, isAccepted, post, retryAfterMs } from "../../kernel/egress/post.ts";
import type { TelemetryOptions } from "./options.ts";
import { createSpans, requestOf } from "./spans.ts";

const TIMEOUT_MS = 15_000;
const FIRST_WAIT_MS = 5_000;
const MAX_WAIT_MS = 900_000;
/** Attempts for one run: about an hour. A run is not exported after them. */
const MAX_TRIES = 10;
/** Parts of a run that are looked at. */
const MAX_PARTS = 20_000;
const READ_AT_ONCE = 256;
/** Statuses that the protocol calls worth a retry. */
const TRY_AGAIN = [429, 502, 503, 504];

/** Sends the spans of one run as OTLP/HTTP JSON. The collector may have them twice, with the same ids. */
export function createExport({ kernel, runs }: Areas & { runs: Runs }, options: TelemetryOptions): OutsideWork {
  const { db, clock, logger } = kernel;
  const { endpoint = "", headers, hasContent } = options;
  const url = endpoint.replace(/\/+$/, "").replace(/(\/v1\/traces)?$/, "/v1/traces");
  // The operator chose this address, so it may be a private one; others stay closed.
  const egress = createEgress({ allow: [new URL(url).hostname.replace(/^\[|\]$/g, "")] });
  /** The collector is left alone until then: it has just failed. */
  let restUntil = 0;

  async function bodyOf(id: string): Promise<string | undefined> {
    const run = await db.read((on) => runs.book.byId(on, id));
    if (!run) return undefined;
    const spans = createSpans(run, { hasContent });
    const pause = createPauses();
    let place = 0;
    for (let seen = 0; seen < MAX_PARTS; seen += READ_AT_ONCE) {
      const rows = await db.read((on) => runs.partsAfter(on, id, place, READ_AT_ONCE));
      for (const row of rows) {
        spans.add(row);
        place = row.place;
        await pause();
      }
      if (rows.length < READ_AT_ONCE) break;
    }
    return requestOf(spans.all());
  }

  return async (row, signal) => {
    if (endpoint === "") return async () => null;
    const later = (atLeastMs = 0) => {
      const wait = Math.max(backoffMs(row.tries, FIRST_WAIT_MS, MAX_WAIT_MS), atLeastMs);
      return async () => (row.tries >= MAX_TRIES ? null : clock.now() + wait);
    };
    if (clock.now() < restUntil) return later();
    const body = await bodyOf(row.key);
    if (body === undefined) return async () => null;
    const answer = await post(egress, { url, body, headers: { ...headers }, signal, timeoutMs: TIMEOUT_MS });
    if (!(answer instanceof EgressError) && isAccepted(answer)) return async () => null;
    const reason = answer instanceof EgressError ? answer.message : `answered ${answer.status}`;
    logger.warn({ url, reason, run: row.key }, "The collector of telemetry took no spans");
    if (!(answer instanceof EgressError) && !TRY_AGAIN.includes(answer.status)) return async () => null;
    restUntil = clock.now() + FIRST_WAIT_MS;
    return later(answer instanceof EgressError ? 0 : retryAfterMs(answer));
  };
}
