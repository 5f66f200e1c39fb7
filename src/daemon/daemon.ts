import type { Fetch } from "../client/transport.ts";
import type { RunLink } from "../protocol/runs.ts";
import { createAcks } from "./acks.ts";
import { createApprovals } from "./approvals.ts";
import { createCommands } from "./commands/commands.ts";
import { type DaemonConfig, prefixOf } from "./config.ts";
import { DaemonError } from "./errors.ts";
import { createGit, type Git } from "./git/command.ts";
import { createObservations } from "./git/observations.ts";
import type { Tree } from "./git/worktree.ts";
import { createInbox } from "./inbox.ts";
import type { Journal } from "./journal/journal.ts";
import type { SessionRow } from "./journal/sessions.ts";
import { type NewTurn, type TurnRow, turnOf } from "./journal/turns.ts";
import { createHub, createLink } from "./link.ts";
import { heartbeats, reasonOf, register } from "./presence.ts";
import { createProbes } from "./probes.ts";
import { endLeftovers, goOn, learnAgents, type Processes, resumeTurns, waitForFormer } from "./recovery.ts";
import { createRelayNews } from "./relay-news.ts";
import type { Gate, Log, Observer, Runnable, Services } from "./services.ts";
import { createExpiry } from "./sessions/expiry.ts";
import { createLanes } from "./sessions/lanes.ts";
import { createLiveSessions, type LiveSessions } from "./sessions/live.ts";
import { createOpener } from "./sessions/open.ts";
import { createReporter } from "./sessions/reporter.ts";
import { createWorktrees, keptText } from "./sessions/worktrees.ts";
import { createCaps } from "./supervision/caps.ts";
import { type EffortOf, lookAround } from "./supervision/effort.ts";
import { createJumps } from "./supervision/jumps.ts";
import { createKeeper } from "./supervision/keeper.ts";
import { createLimits } from "./supervision/limits.ts";
import { createProfiles } from "./supervision/profiles.ts";
import { reconcile } from "./supervision/reconcile.ts";
import { createWatch } from "./supervision/watch.ts";
import type { DaemonTime } from "./time.ts";
import { createAnswers } from "./turns/answers.ts";
import { createCrashes } from "./turns/crashes.ts";
import { createNotes } from "./turns/notes.ts";
import { createSettle } from "./turns/settle.ts";
import { createTurns, type Turns } from "./turns/turns.ts";

export interface DaemonOptions {
  config: DaemonConfig;
  token: string;
  journal: Journal;
  providers: readonly Runnable[];
  time: DaemonTime;
  log: Log;
  fetch?: Fetch;
  git?: Git;
  /** Work that the machine saw a process do. */
  effortOf?: EffortOf;
  processes: Processes;
  environment: Readonly<Record<string, string | undefined>>;
  hostname: string;
  gates?: Gate[];
  observers?: Observer[];
}

export type Daemon = ReturnType<typeof createDaemon>;

/** Turns, letters and sessions that ended are kept for so long: answers and digests refer to them. */
const KEPT_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;

const defaultFetch: Fetch = (url, init) => fetch(url, init);

/** Runs agents for one orchestrator of a relay. */
export function createDaemon(options: DaemonOptions) {
  const { config, journal, time, log, token } = options;
  const life = new AbortController();
  const instanceId = crypto.randomUUID();
  const link = createLink({
    url: config.relay,
    token,
    instanceId,
    fetch: options.fetch ?? defaultFetch,
    time,
    journal,
    life: life.signal,
  });
  const hub = createHub();
  const news = createRelayNews(log);
  /** Resolves, and lets no turn begin, once the daemon stops. */
  const draining = new AbortController();
  const services: Services = {
    ...{ config, journal, link, hub, time, log, life: life.signal },
    providers: new Map(options.providers.map((one) => [one.config.name, one])),
    gates: [...(options.gates ?? []), beforeStop],
    stops: [],
    observers: [...(options.observers ?? [])],
    ...{ environment: options.environment, hostname: options.hostname, git: options.git ?? createGit() },
  };
  const ended = Promise.withResolvers<DaemonError | undefined>();
  const probes = createProbes(services);
  const acks = createAcks(services);
  const reporter = createReporter(services);
  const observations = createObservations(services);
  const isBusy = (id: string): boolean =>
    live.isLive(id) || turns.in(id) !== undefined || live.reservation(id) !== undefined;
  const worktrees = createWorktrees(services, { isBusy, kept });
  const expire = createExpiry(services, { reporter, worktrees, isBusy });
  const live: LiveSessions = createLiveSessions(services, reporter, worktrees.ready);
  const settle = createSettle(services, { later: add, observations, reporter });
  const tell = createNotes(services);
  const openFor = createOpener(services, live, reporter, tell);
  const limits = createLimits(services, { live, reporter, tell });
  const caps = createCaps(services, () => turns.all(), live.wake);
  const turns: Turns = createTurns(services, {
    live,
    reporter,
    settle,
    worktrees,
    observations,
    limits,
    caps,
    crashes: createCrashes(services, tell),
    openFor,
    again: (turn) => lanes.offer(turn),
    paused: (turn) => goOn(services, turns, turn, lanes.offer),
    over,
    reached: acks.nudge,
  });
  const lanes = createLanes(services, { turns, live, reporter });
  const answers = createAnswers(services, {
    tell: (id, text) => void turns.get(id)?.tell?.(text),
    begin: (turn) => lanes.offer(turn),
    reached: acks.nudge,
  });
  const isWaiting = (id: string) => lanes.has(id) || answers.has(id);
  const approvals = createApprovals(services, { live, turns });
  const commands = createCommands({ services, live, turns, lanes, reporter, approvals, worktrees, add });
  const jumps = createJumps(services, { live, turns });
  const profiles = createProfiles(services, { turns, live });
  services.stops.push(commands.isHeld, profiles.isStopped);
  services.gates.push(jumps.gate, commands.gate, profiles.gate, limits.gate, caps.gate);
  services.observers.push(approvals.observe, observations.observe, limits.observe, caps.observe);
  const keeper = createKeeper(services, { live, turns, reporter, openFor, gate: beforeBegin });
  live.onEnd(keeper.ended);
  live.onEnd(({ row }) => void worktrees.ended(row));
  live.onEnd(() => void expire());
  const { effortOf } = options;
  const look = effortOf ? async () => effortOf : lookAround;
  const watch = createWatch(services, { turns, live, reporter, look });
  services.observers.push(watch.observe);
  const parts = { live, reporter, turns, processes: options.processes, offer: answers.offer };
  const inbox = createInbox(services, {
    add,
    offer: (list) => {
      for (const turn of list) answers.offer(turn);
    },
    command: (entry) => commands.accept(entry),
    runCommands: () => commands.run(),
    approval(control) {
      approvals.heard(control);
      caps.heard(control);
    },
    limit: limits.heard,
    profiles: () => void changed(),
  });

  /** Gate that lets nothing begin while the daemon stops. */
  function beforeStop(_: TurnRow, signal: AbortSignal): Promise<void> {
    if (!draining.signal.aborted) return Promise.resolve();
    return new Promise((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
    );
  }

  /** Gate for processes that begin without a turn. */
  async function beforeBegin(turn: TurnRow, signal: AbortSignal): Promise<void> {
    await beforeStop(turn, signal);
    await commands.gate(turn, signal);
  }

  /** Follows the profiles of the relay. */
  async function changed(): Promise<void> {
    await profiles.load();
    caps.changed();
    keeper.look();
  }

  /** Puts turns into the journal, in the open write. */
  function add(list: readonly NewTurn[]): TurnRow[] {
    return list.map((turn) => journal.turns.save(turnOf(turn, time.wall())));
  }

  function over(turn: TurnRow, following: TurnRow[]): void {
    acks.nudge();
    approvals.over(turn.id);
    answers.over(turn);
    for (const next of following) lanes.offer(next);
    const session = turn.sessionId === null ? undefined : journal.sessions.get(turn.sessionId);
    if (session) void turns.get(turn.id)?.done.then(() => worktrees.ended(session));
  }

  /** Says of a session that its worktree stays: in its links, and in its reason once it has ended. */
  function kept(session: SessionRow, tree: Tree, why: string): void {
    const reason = session.state === "dead" ? { reason: keptText(tree, why) } : {};
    const isIt = ({ kind, ref }: RunLink): boolean => kind === "branch" && ref === tree.branch;
    const links = observations.linksOf(session);
    const branch = links.find(isIt) ?? { kind: "branch", ref: tree.branch, url: null, evidence: "git" };
    const kept = [...links.filter((link) => !isIt(link)), { ...branch, state: "kept in its worktree" }];
    void reporter.report(session.id, reason, { links: kept });
  }

  async function enrollAll(): Promise<void> {
    for (const { config: own } of options.providers) await link.agent(`${prefixOf(config)}${own.name}`, own.name);
    for (const { id, provider } of journal.agents.all())
      if (services.providers.has(provider)) await link.agent(id, provider);
  }

  /** Forgets what ended long ago, at the start and once a day. */
  async function pruneDaily(): Promise<void> {
    while (!life.signal.aborted) {
      journal.prune(time.wall(), KEPT_MS);
      await expire();
      await worktrees.sweep();
      await time.sleep(DAY_MS, life.signal).catch(() => undefined);
    }
  }

  async function follow(): Promise<void> {
    let wasAway = false;
    const stream = link.box.orchestrators.follow({
      ...{ id: config.id, after: journal.position(), signal: life.signal },
      onEvent(event) {
        // Messages about a change may have expired meanwhile.
        if (event.type === "hello" && wasAway) void changed();
        wasAway = event.type === "reconnecting" || event.type === "bye";
        if (event.type === "reconnecting") news.away(event.cause);
        else if (event.type === "hello") news.back();
      },
    });
    for await (const { for: agents, message } of stream) {
      inbox.receive(agents, message);
      acks.nudge();
    }
  }

  /** Ends everything at once: turns go on after the next start. */
  async function halt(reason: DaemonError | undefined): Promise<void> {
    if (life.signal.aborted) return;
    life.abort(reason ?? new DaemonError("The daemon stops"));
    await Promise.all(live.ids().map((id) => live.close(id)));
    await live.closed();
    ended.resolve(reason);
  }

  return {
    services,
    live,
    turns,
    limits,
    /** Carries out the commands that the journal has. */
    runCommands: commands.run,
    /** Registers, recovers what an earlier process left, and begins to follow. @throws DaemonError, RelayProblem */
    async start(): Promise<void> {
      caps.allow(await register(services, { instanceId, news, probes }));
      await enrollAll();
      await learnAgents(services);
      await endLeftovers(services, parts);
      await waitForFormer(services, parts);
      void pruneDaily();
      await limits.load();
      await profiles.load();
      caps.load();
      await approvals.takeOver();
      resumeTurns(services, parts);
      commands.run();
      keeper.look();
      const gone = (cause: unknown) => void (life.signal.aborted || halt(reasonOf(cause)));
      follow().catch(gone);
      void heartbeats(services, { probes, gone, heard: ({ caps: now }) => caps.allow(now) });
      void watch.watch();
      void jumps.watch();
      void reconcile(services, { turns, offer: answers.offer, isWaiting, keep: keeper.look });
      acks.nudge();
    },
    /** Lets running turns end for so long, then ends all processes. What was cut off goes on after the next start. */
    async stop(graceMs: number): Promise<void> {
      draining.abort();
      const patience = new AbortController();
      const late = time.sleep(graceMs, patience.signal).catch(() => undefined);
      const working = turns.all().filter(({ isWaiting }) => !isWaiting);
      if (graceMs > 0) await Promise.race([Promise.all(working.map(({ done }) => done)), late]);
      patience.abort();
      await halt(undefined);
      await link.box.orchestrators
        .patch(config.id, { status: "offline" }, { retries: 0, timeoutMs: 3_000 })
        .catch(() => undefined);
    },
    /** Leaves everything as it is, as a crash does. For tests. */
    abandon(): void {
      life.abort(new DaemonError("abandoned"));
      journal.close();
    },
    /** Settles when the daemon has ended, with the reason where it did so by itself. */
    ended: ended.promise,
  };
}
