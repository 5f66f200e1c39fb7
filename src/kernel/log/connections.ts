import type { AgentId, InstanceId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";
import type { Hooks } from "../hooks.ts";
import { Encoded, type Outlet, type Sent } from "./outlet.ts";
import { stuckPeers as askKernel, type StuckPeers } from "./peers.ts";

export type ByeReason = "superseded" | "restarting" | "too-slow" | "replaced" | "revoked";

/** One open connection: a stream, a socket, or a parked poll. */
export interface Connection {
  readonly id: string;
  /** Agent whose inbox it reads; `null` for a watcher of everything. */
  readonly agentId: string | null;
  /** Agent whose limit it counts for; `null` for an onlooker, who takes no place of the agent. */
  readonly countsFor: string | null;
  readonly instanceId: string | null;
  readonly tokenId: string;
  /** Missing for a parked poll. */
  readonly outlet?: Outlet;
  /** Speaks another protocol, in which events of the relay mean nothing. */
  readonly isForeign?: boolean;
  /** Closes it with a reason and, on a stream, the place to resume from. */
  close(reason: ByeReason): void;
}

const MAX_PER_AGENT = 8;
const MAX_PARKED = 256;
const KEEP_ALIVE_MS = 15_000;
/** Time after which a client that reads nothing is told where to resume, and closed. */
const MAX_STALL_MS = 30_000;
/** Time after which a client that confirmed no byte counts as vanished. */
const MAX_SILENCE_MS = 60_000;
const SLICE = 256;

export type Connections = ReturnType<typeof createConnections>;

/** Counts open connections, keeps them alive and closes them. */
export function createConnections(clock: Clock, hooks: Hooks, stuckPeers: StuckPeers = askKernel) {
  /** Last progress of each connection on the steady clock, oldest connection first. */
  const all = new Map<Connection, number>();
  const streams = new Map<string, number>();
  /** Waiting calls of each token. */
  const parked = new Map<string, number>();
  /** An agent opened its first stream or socket, or closed its last. */
  const present = hooks.event<[agentId: string]>("connections.present");
  const stalledSince = new WeakMap<Connection, number>();
  /** Tokens revoked since the start: a connection may be opening while its token is revoked. */
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

  /** Notes progress of each client, and closes those without any for too long. */
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
     * Makes room for one more stream of an agent. Above the limit it closes the stream without progress for the longest
     * time, so that vanished clients do not lock their agent out. @throws Problem 503 when the relay is stopping
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
        throw new Problem(
          "too-many-streams",
          `This token already has ${MAX_PARKED} calls waiting. Wait for one to end.`,
          {
            retryAfterSeconds: 5,
          },
        );
    },
    /** @returns a function that removes it. */
    add(connection: Connection): () => void {
      all.set(connection, clock.mono());
      // Later, once the caller has finished opening it.
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
    /** Counts an agent as connected whose mail another agent's stream carries. @returns a function that ends it */
    carry(agentId: string): () => void {
      countStream(agentId, 1);
      return () => countStream(agentId, -1);
    },
    present,
    /** Number of streams and sockets of an agent. */
    count: (agentId: string): number => streams.get(agentId) ?? 0,
    size: (): number => all.size,
    stopping: (): boolean => stopping,

    closeToken(tokenId: string): void {
      revokedTokens.add(tokenId);
      closeWhere((connection) => connection.tokenId === tokenId, "revoked");
    },
    /** Ends the streams of a token whose rights have changed; clients come back at once. */
    reopenToken: (tokenId: string) => closeWhere((connection) => connection.tokenId === tokenId, "restarting"),
    closeAgent: (agentId: string) => closeWhere((connection) => connection.agentId === agentId, "revoked"),
    closeInstance: (agentId: AgentId, instanceId: InstanceId) =>
      closeWhere((c) => (c.agentId ?? c.countsFor) === agentId && c.instanceId === instanceId, "superseded"),
    closeAll(): void {
      stopping = true;
      closeWhere(() => true, "restarting");
    },

    isOpen: (connection: Connection): boolean => all.has(connection),

    /**
     * Sends one event to all ready streams of the relay's own protocol, some hundreds in each turn of the event loop.
     * @param full is told of each that has no room now
     */
    broadcast(event: Sent, wanted: (connection: Connection) => boolean, full: (connection: Connection) => void): void {
      inSlices(
        [...all.keys()].filter((connection) => !connection.isForeign && wanted(connection)),
        (connection) => {
          if (connection.outlet?.ready()) connection.outlet.send(event);
          else full(connection);
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

/** Last event of a stream. */
export const byeEvent = (reason: ByeReason, resumeAfter: number): Encoded =>
  new Encoded("bye", JSON.stringify({ reason, resumeAfter }));
