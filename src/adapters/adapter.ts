import { type LinkedAbort, linkedAbort } from "../client/abort.ts";
import { createBackoff } from "../client/backoff.ts";
import { type Client, type ClientOptions, createClient, RelayProblem } from "../client/client.ts";
import { systemTiming, type Timing } from "../client/timing.ts";
import type { Agent } from "../protocol/agents.ts";
import { type Account, faultOf, type Place, type Platform } from "./contract.ts";
import type { AdapterEvent } from "./events.ts";
import { createReader } from "./incoming.ts";
import { createOutbox } from "./outbox.ts";
import { untilAnswered } from "./patience.ts";
import { beatOf, createPulse } from "./pulse.ts";
import { createReadiness } from "./readiness.ts";
import { createReports } from "./reports.ts";
import type { Session } from "./session.ts";
import { awaitTurn, type HostProcess, isSuperseded, markOf, systemProcess } from "./standby.ts";
import { channelToken } from "./token.ts";

export interface AdapterOptions {
  platform: Platform;
  /** The relay. The token is the channel agent's, or an operator's, which creates one for the agent. */
  relay: Pick<ClientOptions, "url" | "token" | "fetch" | "timing">;
  /** Second half of the channel's id; by default the platform's id of the account. */
  accountId?: string | undefined;
  /** Name for people, and for `@name`. */
  displayName?: string | undefined;
  /** Target of unbound conversations, when the channel is new. */
  target?: string | undefined;
  /** Conversation for messages that name none. */
  home?: Place | undefined;
  /** Stops the adapter: no more reads and claims; it finishes its posts and then reports its end. */
  signal: AbortSignal;
  onEvent?: ((event: AdapterEvent) => void) | undefined;
  pace?: Partial<Pace> | undefined;
  /** Replaced by tests. */
  timing?: Timing | undefined;
  here?: HostProcess | undefined;
}

/** Times in milliseconds. */
interface Pace {
  /** Interval of the adapter's beat. */
  beatMs: number;
  /** Interval at which a waiting adapter polls the agent, and the time without a beat after which it takes over. */
  pollMs: number;
  deadMs: number;
  /** Interval at which the canary asks the platform whether its events still reach us. */
  probeMs: number;
  /** Time for which the relay holds a request for work. */
  claimSeconds: number;
}

const PACE: Pace = { beatMs: 10_000, pollMs: 5_000, deadMs: 40_000, probeMs: 60_000, claimSeconds: 30 };
/** Lease of a message; renewed at a third. */
const LEASE_SECONDS = 120;
/** Conversations served at the same time. */
const CONCURRENCY = 10;

/** Parts of one run of an adapter. */
interface Run {
  options: AdapterOptions;
  pace: Pace;
  timing: Timing;
  channelId: string;
  account: Account;
  here: HostProcess;
  /** A client for the channel's agent. With an instance, the relay refuses its calls once a newer instance has registered. */
  connect(instanceId?: string): Client;
  onEvent(event: AdapterEvent): void;
}

/**
 * Runs a channel until `signal` fires: waits for its turn, then reads the platform and posts to it.
 * @throws errors that waiting does not cure: a permanent `PlatformFault` (the platform refuses the account), `RelayProblem` (the
 * relay refuses the token, or an adapter of another kind has taken over)
 */
export async function runAdapter(options: AdapterOptions): Promise<void> {
  const { signal } = options;
  try {
    const run = await begin(options);
    // After a takeover only the beat counts: another process may have our host name and process id.
    for (let here: HostProcess | undefined = run.here; !(await serveOnce(run, here)); here = undefined);
    run.onEvent({ type: "stopped", channelId: run.channelId });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function begin(options: AdapterOptions): Promise<Run> {
  const { platform, relay, signal, timing = systemTiming, here = systemProcess, onEvent = () => undefined } = options;
  const account = await signIn(platform, timing, signal, onEvent);
  const accountId = options.accountId ?? account.accountId;
  const channelId = `${platform.provider}:${accountId}`;
  const named = { ...account, accountId, name: options.displayName ?? account.name };
  const token = await untilAnswered(timing, signal, () => channelToken(relay, channelId, named.name));
  const connect = (instanceId?: string) => createClient({ ...relay, token, agentId: channelId, instanceId });
  return { options, pace: { ...PACE, ...options.pace }, timing, channelId, account: named, here, connect, onEvent };
}

/** Signs in; asks again while the platform does not answer, and gives up when it refuses. */
async function signIn(
  platform: Platform,
  timing: Timing,
  signal: AbortSignal,
  onEvent: Run["onEvent"],
): Promise<Account> {
  const backoff = createBackoff(timing);
  for (;;) {
    try {
      return await platform.identify(signal);
    } catch (error) {
      signal.throwIfAborted();
      const { failure, message, retryAfterSeconds = 0 } = faultOf(error);
      if (failure === "permanent") throw error;
      const text = `signing in failed, and is tried again: ${message}`;
      onEvent({ type: "note", channelId: platform.provider, text });
      await timing.sleep(backoff.delay(retryAfterSeconds * 1000), signal);
    }
  }
}

/** Waits for its turn and serves. @returns whether it is done; false when a newer adapter serves, which it waits for */
async function serveOnce(run: Run, here: HostProcess | undefined): Promise<boolean> {
  const { options, timing, pace, channelId, onEvent } = run;
  const { signal } = options;
  const onWait = () => onEvent({ type: "standby", channelId });
  await awaitTurn({ timing, ...pace, readAgent: () => readAgent(run), onWait, here }, signal);
  const life = linkedAbort(signal);
  try {
    await serve(run, life);
    return true;
  } catch (error) {
    if (!isSuperseded(error)) throw error;
    onEvent({ type: "superseded", channelId });
    // A newer adapter with a beat is missed when it ends, so wait for it. Without a beat the wait would never end.
    if (markOf(await untilAnswered(timing, signal, () => readAgent(run))) === undefined) throw error;
    return false;
  } finally {
    life.dispose();
  }
}

async function readAgent({ connect, channelId }: Run): Promise<Agent | undefined> {
  return connect()
    .agents.get(channelId)
    .catch((error) => {
      if (error instanceof RelayProblem && (error.status === 404 || error.status === 410)) return undefined;
      throw error;
    });
}

/** Resolves after a requested stop; rejects with any other reason of its end. */
async function serve(run: Run, life: LinkedAbort): Promise<void> {
  const { options, timing, pace, channelId, connect, onEvent } = run;
  const { platform, home, signal } = options;
  const { beatMs, probeMs } = pace;
  const instanceId = crypto.randomUUID();
  const client = connect(instanceId);
  const session: Session = { platform, client, channelId, timing, here: run.here, beatMs, probeMs, home, onEvent };
  const pulse = createPulse(session);
  const readiness = createReadiness((now) => {
    const { reason } = now;
    onEvent(reason === null ? { type: "ready", channelId } : { type: "not-ready", channelId, reason });
    pulse.tell(now);
  });
  await register(run, client, instanceId);
  onEvent({ type: "serving", channelId, instanceId });

  const deliver = createReports(session, life.signal);
  const reader = createReader(session, readiness, deliver);
  const handler = createOutbox(session, deliver);
  const work = { handler, resume: true, leaseSeconds: LEASE_SECONDS, concurrency: CONCURRENCY, signal: life.signal };
  const beating = linkedAbort();
  const beats = pulse.beat(beating.signal, readiness).catch((error) => life.abort(error));
  await Promise.all(
    [
      reader.read(life.signal),
      reader.watch(life.signal),
      client.work({ ...work, agentId: channelId, waitSeconds: pace.claimSeconds }),
    ].map((part: Promise<unknown>) => part.catch((error) => life.abort(error))),
  );
  beating.abort(undefined);
  await beats;
  if (!signal.aborted) {
    // After a final end no adapter has to wait for this one's beat.
    if (!isSuperseded(life.signal.reason)) await pulse.leave().catch(() => undefined);
    throw life.signal.reason;
  }
  await pulse.leave().catch(() => undefined);
}

async function register(run: Run, client: Client, instanceId: string): Promise<void> {
  const { options, timing, channelId, account, here } = run;
  const { target } = options;
  const before = await untilAnswered(timing, options.signal, () => readAgent(run));
  const channel = {
    displayName: account.name,
    ...(target !== undefined && { target }),
    ...before?.channel,
    ...(options.displayName !== undefined && { displayName: options.displayName }),
    provider: options.platform.provider,
    accountId: account.accountId,
  };
  await untilAnswered(timing, options.signal, () =>
    client.agents.register(channelId, {
      name: account.name,
      kind: "channel",
      instanceId,
      status: "online",
      ready: false,
      machine: here.host,
      channel,
      meta: { ...before?.meta, adapter: beatOf(here, 0, "it has just begun") },
    }),
  );
}
