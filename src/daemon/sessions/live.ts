import { untilAnswered } from "../../client/until-answered.ts";
import type { Exit, NativeSession, OpenTask } from "../../harness/providers/provider.ts";
import { SESSION_LEASE_SECONDS } from "../../protocol/sessions.ts";
import type { SessionRow } from "../journal/sessions.ts";
import { isKept, toolsBy } from "../profiles.ts";
import { environmentOf, runnableOf, type Services } from "../services.ts";
import { roomsFor } from "../supervision/gauges.ts";
import { answerSchema } from "../turns/answer.ts";
import { createSessionEvents } from "./events.ts";
import { createSessionLeases } from "./leases.ts";
import { openNative, originOf } from "./origins.ts";
import type { Reporter } from "./reporter.ts";
import { createRooms } from "./rooms.ts";
import { relayTools } from "./tools.ts";
import type { Worktrees } from "./worktrees.ts";

/** A session whose process runs, or starts. */
interface Live {
  id: string;
  agentId: string;
  native?: NativeSession;
  opening: Promise<NativeSession>;
  /** Its CLI was told to go on with a turn that was cut off. */
  continues: boolean;
  fence?: number;
  /** Ends renewals and the wait for its retirement. */
  life: AbortController;
  idle: AbortController;
  /** Ends its wait for a room. */
  room: AbortController;
  /** Turns that work in it. */
  uses: number;
  lastUse: number;
  isClosing: boolean;
  /** A person asked for its end. */
  byPerson: boolean;
}

/** End of a process. `row`: its session before it. */
export interface Ended {
  row: SessionRow;
  exit: Exit;
  by: "itself" | "daemon" | "person";
}

interface Close {
  graceMs?: number;
  byPerson?: boolean;
  /** Its turn was stopped: a process that waits for a room does not begin. */
  isStopped?: boolean;
}

export type LiveSessions = ReturnType<typeof createLiveSessions>;

/** Processes of sessions: each is started under the session's lease, retired when idle, and resumed on demand. */
export function createLiveSessions(services: Services, reporter: Reporter, ready: Worktrees["ready"]) {
  const { config, journal, link, time, log, life } = services;
  const lives = new Map<string, Live>();
  /** Leases on their way back to the relay. */
  const returning = new Set<Promise<void>>();
  /** Turns that were cut off and open their session, once they may begin. */
  const reserved = new Map<string, Promise<void>>();
  const endings: ((ended: Ended) => void)[] = [];
  const rooms = createRooms((agentId) => retireOldest(agentId));

  const events = createSessionEvents(services, reporter);
  const leases = createSessionLeases(services, fenced);

  /** Begins the process of a session. @throws SessionMissing, SessionBusy, HarnessError, RelayProblem */
  async function start(live: Live, asked: SessionRow, continueTurn: boolean): Promise<NativeSession> {
    const entering = AbortSignal.any([life, live.room.signal]);
    await rooms.enter(live.id, asked.agentId, () => roomsFor(services, asked), entering);
    const row = await ready(asked);
    journal.write(() => journal.sessions.change(row.id, { state: "starting" }));
    await reporter.report(row.id);
    const { fence } = await untilAnswered(
      time,
      () => link.box.sessions.lease(row.id, { seenDead: row.pid === null, leaseSeconds: SESSION_LEASE_SECONDS }),
      life,
    );
    journal.write(() => journal.sessions.change(row.id, { fence }));
    const { provider, config: own } = runnableOf(services, row.provider);
    const task: OpenTask = {
      origin: originOf(row, provider.capabilities.presetId, continueTurn),
      ...{ sessionId: row.id, cwd: row.cwd, model: row.model, systemPrompt: row.systemPrompt },
      environment: environmentOf(services, own),
      mcp: await relayTools(services, row),
      tools: toolsBy(services, row),
      schema: own.structured && provider.capabilities.structured ? answerSchema() : null,
      unattended: own.unattended,
      on: (event) => events.hear(row.id, event),
      signal: live.life.signal,
    };
    const native = await openNative(provider, task, log);
    const { pid, startTicks } = native;
    live.native = native;
    journal.write(() => {
      // A CLI that goes on with a turn may be at work already.
      const isNew = journal.sessions.get(row.id)?.state === "starting";
      journal.sessions.change(row.id, { pid, startTicks, ...(isNew && { state: "idle" as const }) });
    });
    await reporter.report(row.id);
    live.fence = fence;
    void leases.keep({ id: row.id, fence, signal: live.life.signal });
    void native.exited.then((exit) => ended(live, exit));
    return native;
  }

  /** The lease is another's: this process may not write the dialogue. */
  async function fenced(id: string, error: unknown): Promise<void> {
    log(`Session ${id} lost its lease and is ended: ${error instanceof Error ? error.message : error}`);
    await close(id, { graceMs: 2_000 });
  }

  function ended(live: Live, exit: Exit): void {
    const { id } = live;
    live.life.abort();
    live.idle.abort();
    lives.delete(id);
    rooms.leave(id);
    if (!journal.isOpen) return;
    const before = journal.sessions.get(id);
    const row = journal.write(() => {
      const isOver = !before || before.state === "dead" || before.nativeId === null;
      const state = isOver ? ("dead" as const) : ("idle" as const);
      return journal.sessions.change(id, {
        pid: null,
        startTicks: null,
        state,
        ...(isOver && { endedAt: time.wall(), isMain: false }),
      });
    });
    const left = exit.left.length > 0 ? `${exit.left.length} of its processes did not end` : null;
    if (left) log(`Session ${id}: ${left}`, { pids: exit.left.map(({ pid }) => pid) });
    events.exited(id, exit);
    const by = live.byPerson ? "person" : live.isClosing ? "daemon" : "itself";
    if (before && !life.aborted) for (const listener of endings) listener({ row: before, exit, by });
    const returned = giveBack(row, left).finally(() => returning.delete(returned));
    returning.add(returned);
  }

  /** A session whose process did not begin waits for the next try, and may be written elsewhere. */
  function notBegun(id: string): void {
    const row = journal.isOpen ? journal.sessions.get(id) : undefined;
    if (!row || row.state === "dead") return;
    void giveBack(
      journal.write(() => journal.sessions.change(id, { state: "idle" })),
      null,
    );
  }

  const forgetFence = (id: string): SessionRow => journal.write(() => journal.sessions.change(id, { fence: null }));

  /** Reports the end of a process and frees the dialogue, unless something of it still runs. */
  async function giveBack(row: SessionRow, left: string | null): Promise<void> {
    if (!life.aborted) await reporter.report(row.id, { pid: null, runId: null, ...(left && { reason: left }) });
    const { fence } = row;
    if (fence === null || left) return;
    const once = () => link.box.sessions.release(row.id, fence, { retries: 0, timeoutMs: 3_000 });
    await (life.aborted ? once() : untilAnswered(time, once, life)).then(
      () => void (journal.isOpen && journal.sessions.get(row.id)?.fence === fence && forgetFence(row.id)),
      (error) => void (life.aborted || log(`The lease of session ${row.id} could not be released: ${error}`)),
    );
  }

  /** Ends the wait of a session for a room: its turn was stopped. */
  const leaveQueue = (id: string): void =>
    lives.get(id)?.room.abort(new Error("its turn was stopped while it waited for a room"));

  async function close(id: string, options?: Close): Promise<Exit | undefined> {
    const live = lives.get(id);
    if (!live) return undefined;
    live.isClosing = true;
    live.byPerson ||= options?.byPerson === true;
    if (options?.isStopped) leaveQueue(id);
    const native = await live.opening.catch(() => undefined);
    return native?.close(options);
  }

  /** Stops what a session works on: by its CLI, or with its process where the CLI cannot. */
  async function interrupt(id: string): Promise<void> {
    const native = lives.get(id)?.native;
    const provider = journal.sessions.get(id)?.provider ?? "";
    const canStop = services.providers.get(provider)?.provider.capabilities.interrupt === true;
    if (native && canStop) await native.interrupt().catch(() => undefined);
    else if (native) await close(id, { graceMs: 2_000 });
  }

  function isKeptLive({ id }: Live): boolean {
    const row = journal.sessions.get(id);
    return row !== undefined && isKept(services, row);
  }

  /** Whether nothing works in a process that has begun. */
  const isIdle = ({ uses, native }: Live): boolean => native !== undefined && uses === 0;

  /**
   * Frees a room, of one agent where it is named, by ending the process that was idle for longest, a kept one last.
   * @returns whether one will be free
   */
  function retireOldest(of: string | undefined): boolean {
    const idle = [...lives.values()].filter(
      (one) => isIdle(one) && !one.isClosing && (of === undefined || one.agentId === of),
    );
    const [oldest] = idle.sort((a, b) => Number(isKeptLive(a)) - Number(isKeptLive(b)) || a.lastUse - b.lastUse);
    if (oldest) void close(oldest.id);
    return oldest !== undefined;
  }

  async function retireLater(live: Live): Promise<void> {
    const { signal } = live.idle;
    try {
      do await time.sleep(config.idleMinutes * 60_000, signal);
      while (isKeptLive(live));
    } catch {
      return;
    }
    if (isIdle(live)) await close(live.id);
  }

  return {
    /**
     * The running process of a session; begins it where none runs. One caller begins it, the others wait for that. `continueTurn`: the
     * CLI goes on with a turn that was cut off, so its turn comes first, and replaces a process that another caller began meanwhile.
     */
    async open(row: SessionRow, continueTurn = false): Promise<NativeSession> {
      const turn = continueTurn ? undefined : reserved.get(row.id);
      if (turn) {
        await turn;
        return this.open(journal.sessions.get(row.id) ?? row);
      }
      const known = lives.get(row.id);
      const isFit = known && (!continueTurn || known.continues || known.uses > 0);
      if (isFit && !known.isClosing && known.native?.isRunning !== false) return known.opening;
      if (known) {
        if (!isFit) void close(known.id);
        // Its end is written down once nothing of it is left.
        await (await known.opening.catch(() => undefined))?.exited;
        return this.open(journal.sessions.get(row.id) ?? row, continueTurn);
      }
      const live: Live = {
        ...{ id: row.id, agentId: row.agentId, life: new AbortController(), idle: new AbortController() },
        room: new AbortController(),
        ...{ uses: 0, lastUse: time.now(), isClosing: false, byPerson: false, continues: continueTurn },
        opening: Promise.reject(new Error("not begun")),
      };
      live.opening.catch(() => undefined);
      lives.set(row.id, live);
      live.opening = start(live, row, continueTurn).catch((error) => {
        lives.delete(row.id);
        rooms.leave(row.id);
        live.life.abort();
        notBegun(row.id);
        throw error;
      });
      return live.opening;
    },

    /** Keeps a session for the turn that opens it, until `begun` settles. */
    reserve(id: string, begun: Promise<void>): void {
      const own = Promise.all([reserved.get(id), begun]).then(
        () => void (reserved.get(id) === own && reserved.delete(id)),
      );
      reserved.set(id, own);
    },
    /** The wait for the turn that a session is kept for. */
    reservation: (id: string): Promise<void> | undefined => reserved.get(id),

    /** Keeps a session from being retired until the returned function is called. */
    use(id: string): () => void {
      const live = lives.get(id);
      if (!live) return () => undefined;
      live.uses++;
      live.idle.abort();
      return () => {
        live.uses--;
        live.lastUse = time.now();
        if (live.uses > 0 || lives.get(id) !== live) return;
        live.idle = new AbortController();
        rooms.wake();
        void retireLater(live);
      };
    },

    /** Calls `listener` after the end of each process, while the daemon lives. */
    onEnd: (listener: (ended: Ended) => void): void => void endings.push(listener),
    /** Whether a process may begin without the end of another. */
    hasRoom: (row: SessionRow): boolean => rooms.hasRoom(row.agentId, roomsFor(services, row)),
    native: (id: string): NativeSession | undefined => lives.get(id)?.native,
    isLive: (id: string): boolean => lives.has(id),
    ids: (): string[] => [...lives.keys()],
    close,
    leaveQueue,
    interrupt,
    /** Asks the relay for the leases of all processes. Resolves when those whose dialogue another writes have ended. */
    async checkLeases(): Promise<void> {
      const leased = [...lives.values()].flatMap(({ id, fence, life: { signal } }) =>
        fence === undefined ? [] : [{ id, fence, signal }],
      );
      await Promise.all(leased.map(leases.check));
    },
    /** Resolves when the leases of all that has ended are back, or could not be given back. */
    closed: async (): Promise<void> => void (await Promise.allSettled([...returning])),
    setState: events.setState,
    listen: events.listen,
    /** Looks for rooms again: caps have changed. */
    wake: rooms.wake,
    /** Frees the lease of a session whose process was seen dead. */
    giveBack,
  };
}
