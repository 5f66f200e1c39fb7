import { type Caller, standsFor } from "../../identity/auth/caller.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { WorkRow } from "../work/row.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Inbox, InboxPage } from "./inbox.ts";
import type { Settled } from "./settled.ts";

/** One poll of an inbox: a page, the state of the work in it, and the reader's cursor. */
export interface Poll {
  page: InboxPage;
  states: Map<number, WorkRow>;
  /** Ids of the entries that need no further action of the agent. */
  settled: ReadonlySet<number>;
  /** Id after which it began. */
  after: number;
  /** Id after which the next poll begins. */
  next: number;
  cursor: number;
  /** There is work to claim. */
  open: boolean;
  /** There is something to tell, so the caller need not wait. */
  found: boolean;
}

/** Entries that one answer hands over: all there are in (after, upTo]. */
export interface PolledRange {
  after: number;
  upTo: number;
  entries: number;
  by: "poll" | "mcp" | "digest";
  /** When the oldest of them was made. */
  oldestAt?: number | undefined;
}

export type Polls = ReturnType<typeof createPolls>;

/** Polls of an inbox, by routes and tools. */
export function createPolls(base: Base, parts: { inbox: Inbox; settled: Settled; deliveries: Deliveries }) {
  const { work: works } = base.rows;
  const { inbox, settled, deliveries } = parts;
  const states = (on: ReadTx, entries: readonly LogEntry[]): Promise<Map<number, WorkRow>> => {
    const ids = entries.filter((entry) => entry.claimable).map((entry) => entry.id);
    return works.byIds(on, ids);
  };

  return {
    /** Targets whose entries a wait listens for. @throws Problem 403, 404, 409, 410 */
    async targets(on: ReadTx, caller: Caller, agentId: string): Promise<string[]> {
      await inbox.requireInbox(on, caller, agentId);
      return (await inbox.page(on, agentId, Number.MAX_SAFE_INTEGER, 1)).targetsNow;
    },

    states,

    /** @throws Problem 403, 404, 409, 410, 422 */
    async at(on: ReadTx, caller: Caller, agentId: string, from: number | undefined, limit: number): Promise<Poll> {
      const facts = await inbox.requireInbox(on, caller, agentId, from);
      const after = from ?? facts.cursor;
      const page = await inbox.page(on, agentId, after, limit);
      const found = await states(on, page.entries);
      return {
        page,
        states: found,
        settled: await settled.among(on, agentId, page.entries, found),
        after,
        next: Math.max(after, page.upTo),
        cursor: facts.cursor,
        open: await inbox.hasOpen(on, page.targetsNow),
        found: page.entries.length > 0 || page.reset !== undefined,
      };
    },

    /**
     * Notes that everything for the agent in (after, upTo] goes out with this answer. The client may have left, so it is
     * "offered", not more.
     */
    offered(caller: Caller, agentId: string, { after, upTo, entries, by: transport, oldestAt }: PolledRange): void {
      if (!standsFor(caller, agentId)) return;
      const connection = `${transport}:${agentId}:${caller.instanceId ?? ""}`;
      deliveries.note(
        { agentId, instanceId: caller.instanceId, connection, transport },
        { after, upTo },
        entries,
        oldestAt,
      );
    },
  };
}
