import type { Membership } from "../../identity/agents/row.ts";
import { type Caller, standsFor } from "../../identity/auth/caller.ts";
import type { Connection } from "../../kernel/log/connections.ts";
import type { Source } from "../../kernel/log/follower.ts";
import { Encoded, type Outlet } from "../../kernel/log/outlet.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { Parents } from "../messages/parents.ts";
import type { Claimant, Claimants } from "./claimants.ts";
import type { Deliveries } from "./deliveries.ts";
import { follow } from "./follow.ts";
import type { Inbox } from "./inbox.ts";
import type { RosterText } from "./roster-text.ts";

const PAGE = 256;

/** An inbox connection that is open. */
export interface OpenInbox extends Connection {
  readonly agentId: string;
  readonly outlet: Outlet<LogEntry>;
  /** The agent's groups have changed, and with them its work and mail. */
  membershipsChanged(): void;
}

/** Entries handed to a connection, and not yet to the kernel. */
interface Unsettled {
  after: number;
  upTo: number;
  entries: number;
  /** Ids of messages that went along as parents. */
  parents: readonly number[];
  /** When the oldest of them was made. */
  oldestAt: number | undefined;
}

/** Streams of one agent's inbox, over SSE or WebSocket. */
export function createInboxStreams(
  base: Base,
  parts: { inbox: Inbox; parents: Parents; deliveries: Deliveries; rosterText: RosterText; claimants: Claimants },
) {
  const { connections, db } = base.kernel;
  const { directory } = base.identity;
  const { inbox, parents, deliveries, rosterText, claimants } = parts;
  const byAgent = new Map<string, Set<OpenInbox>>();

  /** Entries that one agent may see, decided in memory for fresh ones and by the database for stored ones. */
  function createSource(agentId: string, claimant: Claimant, withParents: boolean) {
    let members: Membership[] = [];
    let isFirst = true;
    const source = {
      stored: withParents,
      /** Parents in the last page that the agent had not been shown. */
      unseen: [] as readonly number[],
      targets: new Set<string>(),
      unindex: () => claimants.remove(source.targets, claimant),
      keys: () => [...source.targets],
      wants: (entry: LogEntry) =>
        (entry.from !== agentId || entry.target === agentId) && members.some((member) => holdsAt(member, entry)),
      async page(after: number) {
        return db.read(async (on) => {
          const { entries, upTo, reset } = await inbox.page(on, agentId, after, PAGE);
          if (!withParents) return { entries, upTo, reset };
          const joined = await parents.within(on, agentId, entries);
          source.unseen = joined.unseen;
          return { entries: joined.entries, upTo, reset };
        });
      },
      async reload(after: number) {
        const had = source.targets;
        const isOpen = await db.read(async (on) => {
          members = await directory.membershipsBeyond(on, agentId, after);
          source.unindex();
          source.targets = new Set(members.filter((m) => m.untilId === null).map((m) => m.target));
          claimants.add(source.targets, claimant);
          // `hello` told of what was open at the beginning.
          return !isFirst && inbox.hasOpen(on, [...source.targets.difference(had)]);
        });
        isFirst = false;
        if (isOpen) claimant.sayOpen();
      },
    };
    return source satisfies Source<LogEntry>;
  }

  /**
   * Opens a stream: `hello`, then everything after `after`, live. @throws Problem 503
   * `facts` come from Inbox.requireInbox in the caller's own read.
   */
  async function open(
    caller: Caller,
    facts: { id: string; epoch: number; cursor: number },
    outlet: Outlet<LogEntry>,
    { after, withParents = false }: { after?: number | undefined; withParents?: boolean } = {},
  ) {
    const agentId = facts.id;
    // An operator or viewer that watches is not the agent: its stream delivers nothing to the agent.
    const counts = standsFor(caller, agentId);
    const countsFor = counts ? agentId : null;
    await connections.makeRoom(countsFor);
    const source = createSource(agentId, { sayOpen }, withParents);
    const id = connections.newId();
    const receiver = { agentId, instanceId: caller.instanceId, connection: id, transport: outlet.transport };
    let unsettled: Unsettled | undefined;
    let owesOpen = false;

    const { follower, close, run } = follow(base, {
      ...{ source, outlet, position: after ?? facts.cursor },
      deliver(entries, { after: from, upTo }) {
        outlet.entries(entries);
        if (!counts) return;
        const {
          after,
          entries: before,
          parents,
          oldestAt,
        } = unsettled ?? { after: from, entries: 0, parents: [], oldestAt: undefined };
        unsettled = {
          ...{ after, upTo, entries: before + entries.length, parents: [...parents, ...source.unseen] },
          oldestAt: oldestAt ?? entries[0]?.lineage.createdAt,
        };
        noteIfSettled();
      },
      reset: (reset) => outlet.send(new Encoded("reset", JSON.stringify(reset))),
      settle: noteIfSettled,
      drained() {
        if (owesOpen) sayOpen();
      },
      closed() {
        source.unindex();
        leave();
        siblings.delete(connection);
        if (siblings.size === 0) byAgent.delete(agentId);
      },
    });

    function noteIfSettled(): void {
      if (!unsettled || !outlet.settled()) return;
      deliveries.note(receiver, unsettled, unsettled.entries, unsettled.oldestAt);
      deliveries.noteIds(receiver, unsettled.parents);
      unsettled = undefined;
    }
    /** Open work is a level: a client that accepts no data now is told when it does again. */
    function sayOpen(): void {
      owesOpen = !outlet.ready();
      if (!owesOpen) outlet.send(OPEN);
    }

    const connection: OpenInbox = {
      id,
      agentId,
      countsFor,
      instanceId: caller.instanceId,
      tokenId: caller.tokenId,
      outlet,
      close,
      membershipsChanged: () => follower.markStale(),
    };
    const leave = connections.add(connection);
    const siblings = byAgent.get(agentId) ?? new Set();
    byAgent.set(agentId, siblings.add(connection));
    outlet.send(await hello(facts));
    run();
    return connection;
  }

  async function hello(facts: { id: string; epoch: number; cursor: number }): Promise<Encoded> {
    const { head, floor, isOpen } = await db.read((on) => inbox.glance(on, facts.id));
    const { id: agentId, epoch, cursor } = facts;
    const about = JSON.stringify({ agentId, epoch, cursor, head, firstId: floor + 1, open: isOpen });
    return new Encoded("hello", about, rosterText.members());
  }

  return {
    open,
    membershipsChanged: (agentId: string) => {
      for (const connection of byAgent.get(agentId) ?? []) connection.membershipsChanged();
    },
  };
}

const OPEN = new Encoded("open", "{}");

/** Whether an entry was appended while a membership held. */
export const holdsAt = (member: Membership, entry: Pick<LogEntry, "id" | "target">): boolean =>
  member.target === entry.target &&
  member.sinceId < entry.id &&
  (member.untilId === null || entry.id <= member.untilId);
