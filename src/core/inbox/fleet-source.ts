import type { AgentFacts, Membership } from "../../identity/agents/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Source } from "../../kernel/log/follower.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { Claimant, Claimants } from "./claimants.ts";
import type { AgentReset, Inbox } from "./inbox.ts";
import { holdsAt } from "./stream.ts";

const PAGE = 256;

/** One agent whose inbox is in the stream. */
export interface Carried {
  agentId: string;
  epoch: number;
  cursor: number;
  /** Entries up to here are not for it in this stream. */
  since: number;
  /** Whether there was work for it when it came into the stream. */
  isOpen: boolean;
  memberships: Membership[];
  /** Targets that it belongs to now. */
  targets: Set<string>;
  claimant: Claimant;
}

interface How {
  /** Ids of the agents, the orchestrator's own among them: asked at each reload. */
  ids(): Iterable<string>;
  /** Place that was asked for; undefined for the stored cursors alone. */
  after: number | undefined;
  sayOpen(agentId: string): void;
  /** The agents may have changed. */
  changed(): void;
}

/** `withheld` is unknown before an entry is read. */
type Seen = Pick<LogEntry, "id" | "from" | "target"> & Partial<Pick<LogEntry, "withheld">>;

/** Entries for any of several agents: the union of their inboxes, each entry once. */
export function createFleetSource(base: Base, parts: { inbox: Inbox; claimants: Claimants }, how: How) {
  const { inbox, claimants } = parts;
  const { db } = base.kernel;
  const { directory } = base.identity;
  const carried = new Map<string, Carried>();
  /** Memberships by target, each with its agent. */
  let byTarget = new Map<string, { agent: Carried; member: Membership }[]>();

  /** Facts of those that are not deleted. */
  async function live(on: ReadTx): Promise<AgentFacts[]> {
    const found: AgentFacts[] = [];
    for (const id of how.ids()) {
      const facts = directory.facts(on, id);
      if (facts?.deletedAt === null) found.push(facts);
    }
    return found;
  }

  /** Reads the agents and their memberships anew. Answers those whom a new group gives work. */
  async function refresh(on: ReadTx, after: number): Promise<string[]> {
    const facts = await live(on);
    const opened: string[] = [];
    for (const id of new Set(carried.keys()).difference(new Set(facts.map((one) => one.id)))) drop(id);
    for (const one of facts) {
      const known = carried.get(one.id);
      const agent = known ?? newAgent(one);
      carried.set(one.id, Object.assign(agent, { epoch: one.epoch, cursor: one.cursor }));
      const fresh = await regroup(on, agent, after);
      const hasOpen = fresh.length > 0 && (await inbox.hasOpen(on, fresh));
      if (!known) agent.isOpen = hasOpen;
      else if (hasOpen) opened.push(one.id);
    }
    index();
    return opened;
  }

  function newAgent({ id: agentId, cursor, epoch }: AgentFacts): Carried {
    const claimant = { sayOpen: () => how.sayOpen(agentId) };
    // A client that has lost its place gets nothing again that an agent has acknowledged.
    const since = Math.max(how.after ?? 0, cursor);
    return { agentId, epoch, cursor, since, isOpen: false, memberships: [], targets: new Set(), claimant };
  }

  /** Reads the memberships of an agent. Answers the targets that it has gained. */
  async function regroup(on: ReadTx, agent: Carried, after: number): Promise<string[]> {
    agent.memberships = await directory.membershipsBeyond(on, agent.agentId, Math.max(after, agent.since));
    const now = new Set(agent.memberships.flatMap(({ target, untilId }) => (untilId === null ? [target] : [])));
    const fresh = [...now.difference(agent.targets)];
    claimants.remove(agent.targets, agent.claimant);
    claimants.add(now, agent.claimant);
    agent.targets = now;
    return fresh;
  }

  function index(): void {
    byTarget = new Map();
    for (const agent of carried.values())
      for (const member of agent.memberships) {
        const list = byTarget.get(member.target) ?? [];
        list.push({ agent, member });
        byTarget.set(member.target, list);
      }
  }

  function drop(agentId: string): void {
    const agent = carried.get(agentId);
    if (agent) claimants.remove(agent.targets, agent.claimant);
    carried.delete(agentId);
  }

  /** Agents whose mail an entry is. */
  function receivers(entry: Seen): Carried[] {
    const found = new Set<Carried>();
    for (const { agent, member } of byTarget.get(entry.target) ?? []) {
      const isOwn = entry.from === agent.agentId && entry.target !== agent.agentId;
      const isFor = !isOwn && entry.id > agent.since && !entry.withheld?.includes(agent.agentId);
      if (isFor && holdsAt(member, entry)) found.add(agent);
    }
    return [...found];
  }

  const source = {
    carried,
    receivers,
    refresh,
    /** Losses to retention in the last page. */
    lost: [] as readonly AgentReset[],
    keys: () => [...new Set([...carried.values()].flatMap(({ targets }) => [...targets]))],
    wants: (entry: LogEntry): boolean => receivers(entry).length > 0,
    page: (after: number) =>
      db.read(async (on) => {
        const { lost, ...page } = await inbox.union(on, {
          ...{ targets: [...byTarget.keys()], agents: [...carried.values()], after, limit: PAGE },
          wants: (entry) => receivers(entry).length > 0,
        });
        source.lost = lost;
        return { ...page, entries: page.entries.filter((entry) => receivers(entry).length > 0), reset: lost[0] };
      }),
    async reload(after: number): Promise<void> {
      const opened = await db.read((on) => refresh(on, after));
      how.changed();
      for (const agentId of opened) how.sayOpen(agentId);
    },
    close(): void {
      for (const id of [...carried.keys()]) drop(id);
    },
  };
  return source satisfies Source<LogEntry>;
}
