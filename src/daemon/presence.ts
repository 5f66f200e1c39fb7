import manifest from "../../package.json" with { type: "json" };
import { createBackoff } from "../client/backoff.ts";
import { endsAgent, mayPass, RelayProblem, retryAfterOf } from "../client/errors.ts";
import { untilAnswered } from "../client/until-answered.ts";
import type { Caps } from "../protocol/caps.ts";
import type { Orchestrator } from "../protocol/orchestrators.ts";
import { DaemonError, Superseded } from "./errors.ts";
import type { Probes } from "./probes.ts";
import type { RelayNews } from "./relay-news.ts";
import type { Services } from "./services.ts";

const HEARTBEAT_MS = 30_000;

export interface Registering {
  instanceId: string;
  news: RelayNews;
  probes: Probes;
}

/** Registers the orchestrator. @returns the caps that the relay has for it @throws RelayProblem when the relay does not take it */
export async function register(services: Services, { instanceId, news, probes }: Registering): Promise<Caps | null> {
  const { config, link, time, life, hostname } = services;
  await probes.start();
  const registration = {
    ...{ hostname, providers: probes.registered(), baseDir: config.workspace, envKeys: config.envKeys },
    ...{ approvalMode: config.approvalMode, instanceId, version: manifest.version },
    ...(config.spawners && { spawners: config.spawners }),
  };
  const ask = () => link.box.orchestrators.register(config.id, registration, { retries: 0 });
  const registered = await untilAnswered(time, ask, life, (_, cause) => news.away(cause));
  news.back();
  return registered.caps;
}

interface Ears {
  probes: Probes;
  /** Called with each answer. */
  heard(box: Orchestrator): void;
  /** Called when the relay takes no more of this instance. */
  gone(cause: unknown): void;
}

/** Sends heartbeats until the daemon ends, and what its CLIs have told of themselves since. */
export async function heartbeats({ config, link, time, life }: Services, { probes, heard, gone }: Ears): Promise<void> {
  const backoff = createBackoff(time);
  let waitMs = HEARTBEAT_MS;
  while (!life.aborted) {
    try {
      await time.sleep(waitMs, life);
      heard(await link.box.orchestrators.heartbeat(config.id, {}, { signal: life, retries: 0 }));
      await probes.report();
      backoff.reset();
      waitMs = HEARTBEAT_MS;
    } catch (error) {
      if (life.aborted) return;
      if (!mayPass(error)) return gone(error);
      waitMs = Math.max(retryAfterOf(error), Math.min(HEARTBEAT_MS, backoff.delay()));
    }
  }
}

/** Whether a newer daemon of the same orchestrator has registered. */
export const isSuperseded = (error: unknown): boolean =>
  error instanceof Superseded || (error instanceof RelayProblem && error.code === "superseded");

const GONE = "The relay no longer takes this daemon for the orchestrator:";

/** Reason for which the relay takes no more calls of this daemon. */
export function reasonOf(cause: unknown): DaemonError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (isSuperseded(cause)) return new Superseded(`${GONE} ${text}`);
  if (endsAgent(cause)) return new DaemonError(`${GONE} ${text}`);
  return new DaemonError(text);
}
