import { type Caller, hasEnrolled } from "../../identity/auth/caller.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import type { Connection } from "../../kernel/log/connections.ts";
import { Encoded, type Outlet } from "../../kernel/log/outlet.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { Claimants } from "./claimants.ts";
import type { Deliveries } from "./deliveries.ts";
import { createFleetNotes } from "./fleet-notes.ts";
import { type Carried, createFleetSource } from "./fleet-source.ts";
import { follow } from "./follow.ts";
import type { Inbox } from "./inbox.ts";

/** One stream of an orchestrator. */
interface OpenFleet {
  markStale(): void;
}

/** An orchestrator's own agent, as `Inbox.requireInbox` found it. */
interface Facts {
  id: string;
  epoch: number;
}

/** Streams of orchestrators: each carries the inboxes of its own agent and of all that it has enrolled. */
export function createFleetStreams(base: Base, parts: { inbox: Inbox; deliveries: Deliveries; claimants: Claimants }) {
  const { connections, db, headOf } = base.kernel;
  const { auth, presence } = base.identity;
  const { messages: store } = base.rows;
  const { deliveries } = parts;
  const byOrchestrator = new Map<string, Set<OpenFleet>>();

  /** Agents of an orchestrator: its own first. */
  function* agentsOf(caller: Caller, own: string): Generator<string> {
    yield own;
    for (const id of auth.enrolled.of(own)) if (caller.agentId !== own || hasEnrolled(caller, id)) yield id;
  }

  /** Opens a stream: `hello`, then everything after `after`, live. @throws Problem 503 */
  async function open(caller: Caller, { id: own, epoch }: Facts, outlet: Outlet<LogEntry>, after: number | undefined) {
    // An operator or viewer that watches is not the orchestrator: its stream delivers nothing.
    const counts = caller.agentId === own;
    const countsFor = counts ? own : null;
    await connections.makeRoom(countsFor);
    const id = connections.newId();
    const owesOpen = new Set<string>();
    const shown = new Map<string, () => void>();
    const source = createFleetSource(base, parts, {
      ...{ ids: () => agentsOf(caller, own), after, sayOpen, changed: tellAgents },
    });
    const notes = createFleetNotes(deliveries, (agentId) => ({
      ...{ agentId, instanceId: caller.instanceId, connection: `${id}:${agentId}`, transport: outlet.transport },
    }));

    const { ends, agents } = await db.read(async (on) => {
      await source.refresh(on, after ?? 0);
      return { ends: { head: headOf(on), firstId: (await store.floor(on)) + 1 }, agents: [...source.carried.values()] };
    });
    const position = Math.max(after ?? 0, Math.min(...agents.map(({ cursor }) => cursor), ends.head));
    const { follower, close, run } = follow(base, {
      ...{ source, outlet, position },
      deliver(entries, { upTo }) {
        outlet.entries(entries.map(addressed));
        if (!counts) return;
        notes.add(entries, source.receivers, upTo);
        notes.settle(outlet);
      },
      reset() {
        for (const lost of source.lost) outlet.send(new Encoded("reset", JSON.stringify(lost)));
      },
      settle: () => notes.settle(outlet),
      drained() {
        tellAgents();
        for (const agentId of owesOpen) sayOpen(agentId);
      },
      closed() {
        source.close();
        leave();
        for (const end of shown.values()) end();
        siblings.delete(stream);
        if (siblings.size === 0) byOrchestrator.delete(own);
      },
    });

    /** One serialised message for all of its agents that it is for. */
    function addressed(entry: LogEntry): LogEntry {
      const names = source.receivers(entry).map(({ agentId }) => agentId);
      const { sse: _, frame: __, ...shared } = entry;
      return { ...shared, json: `{"for":${JSON.stringify(names)},"message":${entry.json}}` };
    }

    /** Open work is a level: a client that accepts no data now is told when it does again. */
    function sayOpen(agentId: string): void {
      owesOpen.add(agentId);
      if (!outlet.ready()) return;
      owesOpen.delete(agentId);
      if (source.carried.has(agentId)) outlet.send(new Encoded("open", JSON.stringify({ agentId })));
    }

    /** Tells of agents that came and went. A client that accepts no data now is told when it does again. */
    function tellAgents(): void {
      if (!outlet.ready()) return;
      for (const [agentId, end] of shown) {
        if (source.carried.has(agentId)) continue;
        end();
        shown.delete(agentId);
        outlet.send(new Encoded("agent-gone", JSON.stringify({ agentId })));
      }
      for (const agent of source.carried.values())
        if (!shown.has(agent.agentId)) {
          show(agent);
          outlet.send(new Encoded("agent", JSON.stringify(wire(agent))));
        }
    }

    /** While the stream is open its agents count as connected. */
    function show({ agentId, since }: Carried): void {
      notes.begin(agentId, Math.max(since, position));
      shown.set(agentId, counts && agentId !== own ? connections.carry(agentId) : () => undefined);
      if (counts) presence.touch(agentId);
    }

    const stream: OpenFleet = { markStale: () => follower.markStale() };
    // The stream tells of the orchestrator's own agents alone: presence of all others is for inbox streams.
    const connection: Connection = {
      ...{ id, agentId: own, countsFor, instanceId: caller.instanceId, tokenId: caller.tokenId },
      ...{ outlet, isForeign: true, close },
    };
    const leave = connections.add(connection);
    const siblings = byOrchestrator.get(own) ?? new Set();
    byOrchestrator.set(own, siblings.add(stream));
    for (const agent of agents) show(agent);
    const about = { orchestratorId: orchestratorIdOf(own), epoch, ...ends, agents: agents.map(wire) };
    outlet.send(new Encoded("hello", JSON.stringify(about)));
    run();
  }

  const refresh = (own: string): void => {
    for (const stream of byOrchestrator.get(own) ?? []) stream.markStale();
  };

  return {
    open,
    /** An orchestrator has one agent more. */
    enrolled: refresh,
    /** The groups of an agent have changed; it was deleted, or restored. */
    membershipsChanged(agentId: string): void {
      refresh(agentId);
      for (const own of auth.enrolled.by(agentId)) refresh(own);
    },
  };
}

const wire = ({ agentId, cursor, epoch, isOpen }: Carried) => ({ agentId, cursor, epoch, open: isOpen });
