import type { Roster } from "../agents/roster.ts";
import type { Clock } from "../clock.ts";
import type { Connections } from "../log/connections.ts";
import { Encoded, SharedMembers } from "../log/outlet.ts";

const MAX_IN_HELLO = 500;
const PRESENCE_EVERY_MS = 250;
/** What one round of presence may cost: bytes times streams. */
const PRESENCE_BUDGET = 4_000_000;
const PRESENCE_BYTES = 120;

export type RosterText = ReturnType<typeof createRosterText>;

/** The roster as streams carry it: whole in `hello`, then each change as `presence`. */
export function createRosterText(roster: Roster, connections: Connections, clock: Clock) {
  let text = new SharedMembers("");
  let madeAt = -1;
  const changed = new Map<string, string>();
  let timer: (() => void) | undefined;

  /** Later changes of one agent replace earlier ones, and a storm of them is spread: presence is a state, not a log. */
  function flush(): void {
    timer = undefined;
    const most = Math.max(1, Math.floor(PRESENCE_BUDGET / PRESENCE_BYTES / Math.max(1, connections.size())));
    let sent = 0;
    for (const [agentId, json] of changed) {
      if (sent++ === most) break;
      changed.delete(agentId);
      connections.broadcast(new Encoded("presence", json), (connection) => connection.outlet !== undefined);
    }
    if (changed.size) timer = clock.after(PRESENCE_EVERY_MS, flush);
  }

  roster.onChange((change) => {
    changed.delete(change.agentId);
    changed.set(change.agentId, JSON.stringify(change));
    timer ??= clock.after(PRESENCE_EVERY_MS, flush);
  });

  return {
    /** `"agents": [...], "agentsTotal": n`, as JSON; online ones first. Made once for each state of the roster. */
    members(): SharedMembers {
      if (madeAt === roster.version()) return text;
      madeAt = roster.version();
      const shown = [...roster.values()]
        .sort((a, b) => Number(a.status === "offline") - Number(b.status === "offline"))
        .slice(0, MAX_IN_HELLO)
        .map(({ id, name, kind, status, ready, reach, epoch }) => ({ id, name, kind, status, ready, reach, epoch }));
      text = new SharedMembers(`"agents":${JSON.stringify(shown)},"agentsTotal":${roster.size()}`);
      return text;
    },
    stop: () => timer?.(),
  };
}
