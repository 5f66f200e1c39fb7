import type { Change, Roster } from "../../identity/agents/roster.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Connection, Connections } from "../../kernel/log/connections.ts";
import { Several, SharedMembers } from "../../kernel/log/outlet.ts";
import type { Presence, RosterAgent } from "../../protocol/agents.ts";

const MAX_IN_HELLO = 500;
/** Time that changes wait for others, which then go with them: a write to a stream costs 5 µs, and each further event in it 0.3 µs. */
const PRESENCE_EVERY_MS = 250;
/** The same while there are more changes than one round may carry. */
const STORM_EVERY_MS = 1000;
/** Bytes of one round of presence, of all streams together. */
const ROUND_BYTES = 32_000_000;
const PRESENCE_BYTES = 120;
/** Changes in one write: what a stream that is not read keeps in memory stays small. */
const MAX_TOLD = 500;
/** Writes in `PRESENCE_EVERY_MS` that tell at once of an agent that came or went: 10 ms of CPU. */
const WRITES_AT_ONCE = 2000;
/** State of a deleted agent. */
const GONE = { status: "offline", ready: false } as const;

export type RosterText = ReturnType<typeof createRosterText>;

/** The roster as streams carry it: whole in `hello`, then each change as `presence`. */
export function createRosterText(roster: Roster, connections: Connections, clock: Clock) {
  let text = new SharedMembers("");
  let madeAt = -1;
  const changed = new Map<string, Change>();
  /** Agents whose first connection opened, or last one closed, in this turn of the event loop. */
  const present = new Set<string>();
  let timer: (() => void) | undefined;
  /** Streams that had no room for their last changes, and what was to be told. */
  const full = { streams: new Set<Connection>(), changes: new Map<string, Change>() };
  let again: (() => void) | undefined;
  let spent = 0;
  let spentAt = clock.mono();

  /** Later changes of one agent replace earlier ones, and a storm of them is spread: presence is a state, not a log. */
  function flush(): void {
    timer = undefined;
    const most = Math.max(1, Math.floor(ROUND_BYTES / PRESENCE_BYTES / Math.max(1, connections.size())));
    tell(take(changed, Math.min(most, MAX_TOLD)), () => true);
    if (changed.size) timer = clock.after(STORM_EVERY_MS, flush);
  }

  const presenceOf = (change: Change): string => {
    const presence: Presence = { ...change, connections: connections.count(change.agentId) };
    return JSON.stringify(presence);
  };

  function tell(changes: readonly Change[], wanted: (connection: Connection) => boolean): void {
    const event = new Several("presence", changes.map(presenceOf));
    const hasStream = (connection: Connection) => connection.outlet !== undefined && wanted(connection);
    connections.broadcast(event, hasStream, (connection) => {
      full.streams.add(connection);
      for (const change of changes) full.changes.set(change.agentId, change);
      again ??= clock.after(STORM_EVERY_MS, tellAgain);
    });
  }

  /** Tells streams that had no room, once they have it, of all that any of them missed: an event twice says the same. */
  function tellAgain(): void {
    again = undefined;
    const streams = new Set([...full.streams].filter(connections.isOpen));
    const missed = take(full.changes, MAX_TOLD);
    if (streams.size === 0) full.changes.clear();
    if (full.changes.size) again = clock.after(STORM_EVERY_MS, tellAgain);
    else full.streams.clear();
    const changes = missed.map((change) => current(change.agentId) ?? { ...change, ...GONE });
    tell(changes, (connection) => streams.has(connection));
  }

  /** Whether there is room to tell every stream of one more change now. */
  function maySpend(): boolean {
    const now = clock.mono();
    spent = Math.max(0, spent - ((now - spentAt) / PRESENCE_EVERY_MS) * WRITES_AT_ONCE);
    spentAt = now;
    const cost = connections.size();
    if (spent + cost > WRITES_AT_ONCE) return false;
    spent += cost;
    return true;
  }

  function current(agentId: string): Change | undefined {
    const entry = roster.get(agentId);
    return entry && { agentId, status: entry.status, ready: entry.ready, epoch: entry.epoch };
  }

  /** An agent's own streams know that it is connected. */
  function tellPresent(): void {
    for (const agentId of present) {
      const change = current(agentId);
      if (!change) continue;
      if (maySpend()) tell([change], ({ countsFor }) => countsFor !== agentId);
      else note(change);
    }
    present.clear();
  }

  /** Keeps the place of an earlier change: in a storm, an agent that changes all the time is told of, too. */
  function note(change: Change): void {
    changed.set(change.agentId, change);
    timer ??= clock.after(PRESENCE_EVERY_MS, flush);
  }

  return {
    note,
    noteConnections(agentId: string): void {
      if (present.size === 0) setImmediate(tellPresent);
      present.add(agentId);
    },

    /** `"agents": [...], "agentsTotal": n`, as JSON; online ones first. Made once for each state of the roster. */
    members(): SharedMembers {
      if (madeAt === roster.version()) return text;
      madeAt = roster.version();
      const shown = [...roster.values()]
        .sort((a, b) => Number(a.status === "offline") - Number(b.status === "offline"))
        .slice(0, MAX_IN_HELLO)
        .map(({ lastSeenAt: _, unsaved: __, ...agent }): RosterAgent => agent);
      text = new SharedMembers(`"agents":${JSON.stringify(shown)},"agentsTotal":${roster.size()}`);
      return text;
    },
    stop(): void {
      timer?.();
      again?.();
    },
  };
}

/** Takes the oldest changes away. */
function take(changes: Map<string, Change>, most: number): Change[] {
  const taken = [...changes.values()].slice(0, most);
  for (const { agentId } of taken) changes.delete(agentId);
  return taken;
}
