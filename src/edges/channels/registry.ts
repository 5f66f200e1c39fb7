import type { Areas } from "../../core/core.ts";
import type { AgentRow } from "../../identity/agents/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import { actingAs, type Caller, readingAs, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readPage } from "../../kernel/pages.ts";
import type { Channel } from "../../protocol/channels.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type Bindings, wireBinding } from "./bindings.ts";
import { nameKey } from "./names.ts";
import { placeOf } from "./place.ts";
import type { ChannelRow } from "./store.ts";
import type { Stores } from "./stores.ts";

export type Registry = ReturnType<typeof createRegistry>;

/** Bindings, and members of a group, that are looked at for a warning. */
const MAX_LOOKED_AT = 100;

/** Channels that are not ready, of which deaf ones are looked for. */
const MAX_NOT_READY = 1000;

/** Channels: made, changed and deleted with their agents. */
export function createRegistry(
  { kernel, identity }: Areas,
  { store, webhooks, guests, chats }: Stores,
  bindings: Bindings,
) {
  const { clock } = kernel;
  const { agents, auth, directory, roster, activity } = identity;

  async function followAgent(tx: Tx, _: Caller, agent: AgentRow, before: AgentRow | undefined): Promise<void> {
    if (agent.kind === "channel") await follow(tx, agent, before);
  }

  /** A restored channel has no bindings: they ended with its agent. */
  async function restoreAgent(tx: Tx, agent: AgentRow): Promise<void> {
    if (agent.kind === "channel") await follow(tx, agent, agent);
  }

  /** Ends bindings to a deleted agent. A channel goes with its own agent. */
  async function dropAgent(tx: Tx, agentId: string): Promise<void> {
    await store.endBindingsTo(tx, agentId, clock.now());
    if (!(await store.byId(tx, agentId))) return;
    await store.remove(tx, agentId);
    await guests.drop(tx, agentId);
    await chats.drop(tx, agentId);
    await webhooks.remove(tx, agentId);
  }

  /** Stores the channel as its agent describes it. */
  async function follow(tx: Tx, agent: AgentRow, before: AgentRow | undefined): Promise<void> {
    const said = agent.channel;
    if (!said) return;
    const known = await store.byId(tx, agent.id);
    const row: ChannelRow = {
      id: agent.id,
      name: said.displayName ?? agent.name,
      nameKey: nameKey(said.displayName ?? agent.name),
      provider: said.provider,
      accountId: said.accountId,
      transport: said.transport ?? said.provider,
      direction: said.direction,
      topics: said.topics ?? [],
      access: known?.access ?? "listed",
      ready: agent.ready,
      isDefault: known?.isDefault ?? false,
      defaultsSet: known?.defaultsSet ?? false,
      createdAt: known?.createdAt ?? agent.createdAt,
    };
    if (!Bun.deepEquals(row, known)) await store.put(tx, row);
    if (!before || before.channel?.target !== said.target) await bindings.register(tx, row, said.target);
  }

  /** @throws Problem 404 */
  async function require(on: ReadTx, id: string): Promise<ChannelRow> {
    const row = await store.byId(on, id);
    if (row) return row;
    // Only a channel agent's id has a colon.
    const channels = [...roster.ids()].filter((known) => known.includes(":"));
    const suggestions = agents.suggest(id, channels);
    throw new Problem("not-found", `There is no channel ${id}.`, { suggestions });
  }

  /** Agents that run on a machine: an orchestrator has enrolled them, or they are the harness of a person. */
  async function onMachines(on: ReadTx, target: string): Promise<string[]> {
    const one = isGroup(target) ? undefined : await directory.byId(on, target);
    const members = one ? [one] : await directory.membersAt(on, target, kernel.headOf(on) + 1, "", MAX_LOOKED_AT);
    const found: string[] = [];
    for (const { id, rig } of members) if (rig !== null || (await auth.isManaged(on, id))) found.push(id);
    return found;
  }

  /** Warning for a channel that is open to everyone. */
  async function warningOf(on: ReadTx, id: string): Promise<string | null> {
    const { rows } = await store.bindingPage(on, { channelId: id }, undefined, MAX_LOOKED_AT);
    const targets = rows.flatMap(({ target, fallback }) => (fallback === null ? [target] : [target, fallback]));
    const found = new Set<string>();
    for (const target of new Set(targets)) for (const agent of await onMachines(on, target)) found.add(agent);
    if (found.size === 0) return null;
    return `Everyone who can write in ${id} gives orders to ${[...found].join(", ")}, which can run programs on a machine. Let in its guests alone: signalbox channel access ${id} listed`;
  }

  async function wire(on: ReadTx, row: ChannelRow): Promise<Channel> {
    const agent = await directory.byId(on, row.id);
    if (!agent) throw new Error(`channel ${row.id} has no agent`);
    const { nameKey: _, defaultsSet: __, access, createdAt, ...shown } = row;
    const defaults = await store.bindingsAt(on, placeOf(row.id, {}));
    return {
      ...shown,
      agentId: row.id,
      // The relay itself is their adapter.
      status: (await webhooks.byId(on, row.id)) ? "online" : agent.status,
      capabilities: agent.capabilities,
      access: { mode: access, warning: access === "open" ? await warningOf(on, row.id) : null },
      bindings: defaults.map(wireBinding),
      tags: agent.tags,
      meta: agent.meta,
      lastSeenAt: toTime(Math.max(agent.lastSeenAt, roster.get(row.id)?.lastSeenAt ?? 0)),
      createdAt: toTime(createdAt),
    };
  }

  /** Lets every agent pass. @throws Problem 403, 409 */
  async function requireReader(on: ReadTx, caller: Caller): Promise<void> {
    const reader = readingAs(caller);
    if (reader !== null) await agents.requireActor(on, caller, reader);
  }

  /** The channel, for its own agent and all-readers. @throws Problem 403, 404, 409 */
  async function requireOwn(on: ReadTx, caller: Caller, id: string): Promise<ChannelRow> {
    if (readingAs(caller) !== null) await agents.requireActor(on, caller, actingAs(caller, id));
    return require(on, id);
  }

  /** Channels whose adapter says that its platform does not reach it, with the reason. */
  async function deaf(on: ReadTx, limit: number): Promise<{ id: string; reason: string }[]> {
    const found: { id: string; reason: string }[] = [];
    for (const id of await store.notReady(on, MAX_NOT_READY)) {
      if (found.length === limit) break;
      const adapter = (await directory.byId(on, id))?.meta?.adapter as { deaf?: unknown } | undefined;
      if (typeof adapter?.deaf === "string") found.push({ id, reason: adapter.deaf });
    }
    return found;
  }

  return {
    require,
    requireOwn,
    deaf,
    wire,
    followAgent,
    restoreAgent,
    dropAgent,

    async get(on: ReadTx, caller: Caller, id: string): Promise<Channel> {
      await requireReader(on, caller);
      return wire(on, await require(on, id));
    },

    /** Ready ones first, then by name; `page` is the id of the last one seen. */
    async list(on: ReadTx, caller: Caller, page: string | undefined, limit: number): Promise<List<Channel>> {
      await requireReader(on, caller);
      const after = page === undefined ? undefined : await store.byId(on, page);
      if (page !== undefined && !after) throw Problem.invalid("page", `there is no channel ${page} any more`);
      const { items, last, more } = await readPage(
        limit,
        (count, row: ChannelRow | undefined) => store.page(on, row ?? after, count),
        (row) => wire(on, row),
      );
      return { items, nextPage: more ? (last?.id ?? null) : null };
    },

    /** Makes a channel `@default`; `no` makes the oldest the default again. Operators alone. @throws Problem 403, 404 */
    async choose(tx: Tx, caller: Caller, id: string, how: "yes" | "no"): Promise<Channel> {
      requireOperator(caller);
      const row = await require(tx, id);
      const isDefault = how === "yes";
      if (row.isDefault !== isDefault) {
        await store.choose(tx, isDefault ? id : undefined);
        await activity.record(tx, caller, "channel.default", id, { chosen: isDefault });
      }
      return wire(tx, { ...row, isDefault });
    },

    /** Makes channels of channel agents that were registered before channels existed. */
    async adopt(tx: Tx): Promise<void> {
      if (!(await store.isEmpty(tx))) return;
      for (const agent of await directory.all(tx)) if (agent.kind === "channel") await follow(tx, agent, undefined);
    },
  };
}
