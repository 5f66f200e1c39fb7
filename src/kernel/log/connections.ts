import type { AgentId, InstanceId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";
import type { Hooks } from "../hooks.ts";
import { Encoded, type Outlet } from "./outlet.ts";
import { stuckPeers as askKernel, type StuckPeers } from "./peers.ts";

export type ByeReason = "superseded" | "restarting" | "too-slow" | "replaced" | "revoked";

/** One open connection: a stream, a socket, or a parked poll. */
export interface Connection {
  readonly id: string;
  /** Whose inbox it reads; null for those who watch everything. */
  readonly agentId: string | null;
  /** The agent that opened it, as far as that is to be counted: who only looks on takes no place of the agent's. */
  readonly countsFor: string | null;
  readonly instanceId: string | null;
  readonly tokenId: string;
  /** Not there for a parked poll. */
  readonly outlet?: Outlet;
  /** Speaks another protocol: events of ours mean nothing there. */
  readonly isForeign?: boolean;
  /** Ends it, saying why and, on a stream, where to resume. */
  close(reason: ByeReason): void;
}

const MAX_PER_AGENT = 8;
const MAX_PARKED = 256;
const KEEP_ALIVE_MS = 15_000;
/** A client that takes nothing for this long is told where to resume, and closed. */
const MAX_STALL_MS = 30_000;
/** A client that took none of the bytes handed to the kernel has vanished, or stopped reading. */
const MAX_SILENCE_MS = 60_000;
const SLICE = 256;

export type Connections = ReturnType<typeof createConnections>;

/** Every open connection: how many an agent has, keeping them alive, and closing them. */
export function createConnections(clock: Clock, hooks: Hooks, stuckPeers: StuckPeers = askKernel) {
  /** Last progress of each connection on the monotonic clock; the oldest connection first. */
  const all = new Map<Connection, number>();
  const streams = new Map<string, number>();
  /** Calls that wait, by token. */
  const parked = new Map<string, number>();
  /** An agent has its first stream or socket, or has none left. */
  const present = hooks.event<[agentId: string]>("connections.present");
  const stalledSince = new WeakMap<Connection, number>();
  /** Since the start: a connection may be on its way while its token is revoked. */
  const revokedTokens = new Set<string>();
  let stopping = false;
  let made = 0;
  let cancelTimer: () => void = () => undefined;

  function countStream(agentId: string, by: 1 | -1): void {
    const had = streams.has(agentId);
    count(streams, agentId, by);
    if (had !== streams.has(agentId)) present.announce(agentId);
  }

  const streamOf = (connection: Connection) => (connection.outlet ? connection.countsFor : null);

  function keepAlive(): void {
    cancelTimer = clock.after(KEEP_ALIVE_MS, keepAlive);
    inSlices([...all.keys()], (connection) => {
      const { outlet } = connection;
      if (!outlet || !all.has(connection)) return;
      if (outlet.ready()) {
        stalledSince.delete(connection);
        outlet.keepAlive();
        return;
      }
      const since = stalledSince.get(connection) ?? clock.mono();
      stalledSince.set(connection, since);
      if (clock.mono() - since >= MAX_STALL_MS - KEEP_ALIVE_MS) connection.close("too-slow");
    });
    void look();
  }

  /** Sees who makes progress, and closes who has made none for too long. */
  async function look(): Promise<void> {
    const hasPeers = [...all.keys()].some(({ outlet }) => outlet?.peer !== undefined);
    const stuck = hasPeers ? await stuckPeers() : undefined;
    const now = clock.mono();
    for (const [connection, since] of [...all]) {
      const { outlet } = connection;
      if (!outlet) continue;
      const moves = outlet.moves() && !(outlet.peer !== undefined && stuck?.has(outlet.peer));
      if (moves) all.set(connection, now);
      else if (now - since >= MAX_SILENCE_MS) connection.close("too-slow");
    }
  }

  function closeWhere(matches: (connection: Connection) => boolean, reason: ByeReason): void {
    for (const connection of [...all.keys()]) if (matches(connection)) connection.close(reason);
  }

  return {
    newId: (): string => `con_${(++made).toString(36)}_${clock.now().toString(36)}`,

    /**
     * Makes room for one more stream of an agent, which is added next: of too many the one that made no progress for the
     * longest is closed, so that streams whose clients vanished lock nobody out. @throws Problem 503 when the relay is stopping
     */
    async makeRoom(agentId: string | null): Promise<void> {
      if (agentId !== null && (streams.get(agentId) ?? 0) >= MAX_PER_AGENT) {
        await look();
        const own = [...all].filter(([connection]) => streamOf(connection) === agentId);
        const surplus = Math.max(0, own.length - MAX_PER_AGENT + 1);
        const longest = own.toSorted(([, a], [, b]) => a - b).slice(0, surplus);
        for (const [connection] of longest) connection.close("replaced");
      }
      if (stopping) throw new Problem("stopping", "The relay is stopping.", { retryAfterSeconds: 1 });
    },
    /** @throws Problem 429 when a token has too many calls waiting. */
    checkParked(tokenId: string): void {
      if ((parked.get(tokenId) ?? 0) >= MAX_PARKED)
        throw new Problem("too-many-streams", `This token has ${MAX_PARKED} calls waiting already.`, {
          retryAfterSeconds: 5,
        });
    },
    /** @returns how to take it out again. */
    add(connection: Connection): () => void {
      all.set(connection, clock.mono());
      // Once whoever opens it has it whole.
      if (revokedTokens.has(connection.tokenId)) queueMicrotask(() => connection.close("revoked"));
      const agentId = streamOf(connection);
      if (agentId !== null) countStream(agentId, 1);
      if (!connection.outlet) count(parked, connection.tokenId, 1);
      return () => {
        if (!all.delete(connection)) return;
        if (agentId !== null) countStream(agentId, -1);
        if (!connection.outlet) count(parked, connection.tokenId, -1);
      };
    },
    present,
    /** Streams and sockets of an agent. */
    count: (agentId: string): number => streams.get(agentId) ?? 0,
    size: (): number => all.size,
    stopping: (): boolean => stopping,

    closeToken(tokenId: string): void {
      revokedTokens.add(tokenId);
      closeWhere((connection) => connection.tokenId === tokenId, "revoked");
    },
    closeAgent: (agentId: string) => closeWhere((connection) => connection.agentId === agentId, "revoked"),
    closeInstance: (agentId: AgentId, instanceId: InstanceId) =>
      closeWhere((c) => (c.agentId ?? c.countsFor) === agentId && c.instanceId === instanceId, "superseded"),
    closeAll(): void {
      stopping = true;
      closeWhere(() => true, "restarting");
    },

    /** Sends one event to all streams of ours that take it now, a few hundred in each turn of the event loop. */
    broadcast(event: Encoded, wanted: (connection: Connection) => boolean): void {
      inSlices(
        [...all.keys()].filter((connection) => !connection.isForeign && wanted(connection)),
        ({ outlet }) => {
          if (outlet?.ready()) outlet.send(event);
        },
      );
    },

    start: keepAlive,
    stop: () => cancelTimer(),
  };
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}

function inSlices<T>(items: T[], run: (item: T) => void, from = 0): void {
  const to = Math.min(from + SLICE, items.length);
  for (let i = from; i < to; i++) run(items[i] as T);
  if (to < items.length) setImmediate(inSlices, items, run, to);
}

/** The last event of a stream. */
export const byeEvent = (reason: ByeReason, resumeAfter: number): Encoded =>
  new Encoded("bye", JSON.stringify({ reason, resumeAfter }));
