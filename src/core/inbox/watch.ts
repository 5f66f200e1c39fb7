import type { Membership } from "../../identity/agents/row.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Follower, Source } from "../../kernel/log/follower.ts";
import { EVERYTHING } from "../../kernel/log/log.ts";
import { Encoded, type Outlet } from "../../kernel/log/outlet.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Access } from "../messages/access.ts";
import { holdingJson, type LogEntry } from "../messages/entry.ts";
import type { Filter } from "../messages/filter.ts";
import type { Lists } from "../messages/lists.ts";
import type { WorkRow } from "../work/row.ts";
import type { Deliveries } from "./deliveries.ts";
import { follow } from "./follow.ts";

const PAGE = 256;

interface Watched {
  filter: Filter;
  /** Session whose changes alone are watched. */
  session?: string | undefined;
}

interface Watcher extends Watched {
  /** The agent it reads for; null reads everything. */
  reader: string | null;
  outlet: Outlet<LogEntry>;
  follower: Follower<LogEntry>;
}

/** Streams of everything that a caller may read, for people who watch. */
export function createWatchStreams(base: Base, parts: { lists: Lists; access: Access; deliveries: Deliveries }) {
  const { connections, db, headOf, onError } = base.kernel;
  const { log } = base;
  const { directory } = base.identity;
  const { messages: store } = base.rows;
  const { lists, access, deliveries } = parts;
  const watchers = new Set<Watcher>();
  /** Changes of work are sent one after the other: each needs a query first. */
  let told: Promise<void> = Promise.resolve();

  function createSource(reader: string | null, { filter, session }: Watched): Source<LogEntry> {
    let members: Membership[] = [];
    const belonged = (target: string, at: number) =>
      members.some((m) => m.target === target && m.sinceId < at && (m.untilId ?? at) >= at);
    const mayRead = (entry: LogEntry) =>
      reader === null || belonged(entry.target, entry.id) || (entry.from === reader && belonged(reader, entry.id));
    return {
      keys: () => [EVERYTHING],
      wants: (entry) => session === undefined && matches(filter, entry) && mayRead(entry),
      async page(after) {
        if (session !== undefined) return { entries: [], upTo: await db.read(async (on) => headOf(on)) };
        // The head as of this read: the log may have grown meanwhile.
        const { page, head } = await db.read(async (on) => ({
          head: headOf(on),
          page: await lists.after(on, reader, filter, after, PAGE),
        }));
        return { entries: page.items.map((item) => item.entry), upTo: page.next ?? head };
      },
      async reload(after) {
        if (reader !== null) members = await db.read((on) => directory.membershipsBeyond(on, reader, after));
      },
    };
  }

  /** @throws Problem 403 for a session that the caller might not read */
  async function open(
    caller: Caller,
    watched: Watched,
    outlet: Outlet<LogEntry>,
    after: number | undefined,
  ): Promise<void> {
    const { reader, floor } = await db.read(async (on) => ({
      reader: await lists.readerOf(on, caller),
      floor: await store.floor(on),
    }));
    const { filter, session } = watched;
    if (session !== undefined && reader !== null)
      throw new Problem("forbidden", "Those who read everything watch a session: operators, members and viewers.");
    await connections.makeRoom(reader);
    const { instanceId, tokenId } = caller;
    const id = connections.newId();
    const isWhole = !isFiltered(filter);
    /** Entries handed to the connection, and not yet to the kernel. */
    const unnoted: { after: number; upTo: number }[] = [];
    const { follower, close, run } = follow(base, {
      ...{ source: createSource(reader, watched), outlet, position: after ?? log.head() },
      deliver(entries, { after, upTo }) {
        outlet.entries(entries);
        if (reader === null) return;
        // Without a filter these are all entries for the reader up to there.
        unnoted.push(...(isWhole ? [{ after, upTo }] : entries.map(({ id }) => ({ after: id - 1, upTo: id }))));
        noteIfSettled();
      },
      reset: () => undefined,
      settle: noteIfSettled,
      closed() {
        leave();
        watchers.delete(watcher);
      },
    });
    function noteIfSettled(): void {
      if (reader === null || !outlet.settled()) return;
      const to = { agentId: reader, instanceId, connection: id, transport: "stream" } as const;
      for (const span of unnoted.splice(0)) deliveries.note(to, span, 1);
    }
    const watcher: Watcher = { reader, filter, session, outlet, follower };
    const leave = connections.add({ id, agentId: null, countsFor: reader, instanceId, tokenId, outlet, close });
    watchers.add(watcher);
    outlet.send(new Encoded("hello", JSON.stringify({ head: log.head(), firstId: floor + 1 })));
    run();
  }

  /** Sends an event about a message to the watchers that may read it. */
  async function tell(messageId: number, events: readonly Encoded[], state?: WorkRow["state"]): Promise<void> {
    const row = await db.read((on) => store.byId(on, messageId));
    if (!row) return;
    for (const { reader, filter, session, outlet } of [...watchers]) {
      if (session !== undefined) continue;
      if (filter.state !== undefined && filter.state !== state) continue;
      const shown = {
        from: row.fromId,
        target: row.target,
        kind: row.kind,
        topic: row.topic,
        threadId: row.threadId ?? row.id,
      };
      if (!matches({ ...filter, state: undefined }, shown)) continue;
      if (reader !== null && !(await db.read((on) => access.mayRead(on, reader, row)))) continue;
      for (const event of events) if (outlet.ready()) outlet.send(event);
    }
  }

  /**
   * Sends events of one name about a message, in the order of the calls. A watcher that cannot keep up misses some.
   * `state`: the state that its work is in now.
   */
  function about(
    messageId: number,
    event: string,
    json: string | readonly string[] | (() => string),
    state?: WorkRow["state"],
  ): void {
    if (watchers.size === 0) return;
    const events = [typeof json === "function" ? json() : json].flat().map((one) => new Encoded(event, one));
    told = told.then(() => tell(messageId, events, state)).catch(onError);
  }

  /**
   * Sends an event that is about no message to the watchers that read everything, and filter nothing. `session`: those that
   * watch it alone get it too.
   */
  function toAll(event: string, json: () => string, session?: string): void {
    if (watchers.size === 0) return;
    const one = new Encoded(event, json());
    for (const { reader, filter, session: only, outlet } of watchers) {
      const isMeant = only === undefined ? !isFiltered(filter) : only === session;
      if (reader === null && isMeant && outlet.ready()) outlet.send(one);
    }
  }

  return {
    open,
    about,
    toAll,
    workChanged(work: WorkRow): void {
      const { messageId, state } = work;
      const json = () => `{"messageId":${messageId},"state":"${state}","claim":${holdingJson(work)}}`;
      about(messageId, "work", json, state);
    },
    isWatched: (): boolean => watchers.size > 0,
    membershipsChanged(agentId: string): void {
      for (const { reader, follower } of watchers) if (reader === agentId) follower.markStale();
    },
  };
}

const isFiltered = (filter: Filter): boolean => Object.values(filter).some((wanted) => wanted !== undefined);

/** A fresh entry against a filter. Work is open when it is appended. */
function matches(
  filter: Filter,
  entry: Pick<LogEntry, "from" | "target" | "kind" | "topic" | "threadId"> & { claimable?: boolean },
): boolean {
  const { from, to, agent, thread, topic, kind, state } = filter;
  return (
    (from === undefined || entry.from === from) &&
    (to === undefined || entry.target === to) &&
    (agent === undefined || entry.from === agent || entry.target === agent) &&
    (thread === undefined || entry.threadId === thread) &&
    (topic === undefined || entry.topic === topic) &&
    (kind === undefined || entry.kind === kind) &&
    (state === undefined || (state === "open" && entry.claimable === true))
  );
}
