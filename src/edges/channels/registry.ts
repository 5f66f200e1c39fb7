import type { NameBook } from "../../core/messages/addressing.ts";
import type { ActivityService } from "../../identity/activity/service.ts";
import type { Roster } from "../../identity/agents/roster.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import type { AgentRow, AgentStore } from "../../identity/agents/store.ts";
import { type Caller, readingAs, requireOperator } from "../../identity/auth/caller.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Reading, Tx } from "../../kernel/db/database.ts";
import { readPage } from "../../kernel/pages.ts";
import type { Channel } from "../../protocol/channels.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { type Bindings, wireBinding } from "./bindings.ts";
import { type ChannelRow, type ChannelStore, placeOf } from "./store.ts";
import type { WebhookStore } from "./store-webhook.ts";

export interface RegistryParts {
  agents: AgentService;
  agentStore: AgentStore;
  roster: Roster;
  activity: ActivityService;
  store: ChannelStore;
  bindings: Bindings;
  hooks: WebhookStore;
  clock: Clock;
}

/** Of channels that go by one name so many are named to whoever has to choose. */
const MAX_NAMESAKES = 5;

export type Registry = ReturnType<typeof createRegistry>;

/** The channels there are: made, changed and removed with their agents; and the names they go by. */
export function createRegistry({ agents, agentStore, roster, activity, store, bindings, hooks }: RegistryParts) {
  agents.onRegistered(async (tx, _caller, agent, before) => {
    if (agent.kind === "channel") await follow(tx, agent, before);
  });
  // As if its registration repeated: what was bound has ended.
  agents.onRestored(async (tx, agent) => {
    if (agent.kind === "channel") await follow(tx, agent, agent);
  });

  /** The channel is what its agent says of itself. */
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
      ready: agent.ready,
      isDefault: known?.isDefault ?? false,
      defaultsSet: known?.defaultsSet ?? false,
      createdAt: known?.createdAt ?? agent.createdAt,
    };
    if (!Bun.deepEquals(row, known)) await store.put(tx, row);
    if (!before || before.channel?.target !== said.target) await bindings.register(tx, row, said.target);
  }

  /** @throws Problem 404 */
  async function require(on: Reading, id: string): Promise<ChannelRow> {
    const row = await store.byId(on, id);
    if (row) return row;
    // Only a channel agent's id has a colon.
    const channels = [...roster.ids()].filter((known) => known.includes(":"));
    const suggestions = agents.suggest(id, channels);
    throw new Problem("not-found", `There is no channel ${id}.`, { suggestions });
  }

  async function wire(on: Reading, row: ChannelRow): Promise<Channel> {
    const agent = await agentStore.byId(on, row.id);
    if (!agent) throw new Error(`channel ${row.id} has no agent`);
    const { nameKey: _, defaultsSet: __, createdAt, ...shown } = row;
    const defaults = await store.bindingsAt(on, placeOf(row.id, {}));
    return {
      ...shown,
      agentId: row.id,
      // The relay needs no reminding that it is there itself.
      status: (await hooks.byId(on, row.id)) ? "online" : agent.status,
      capabilities: agent.capabilities,
      bindings: defaults.map(wireBinding),
      tags: agent.tags,
      meta: agent.meta,
      lastSeenAt: toTime(Math.max(agent.lastSeenAt, roster.get(row.id)?.lastSeenAt ?? 0)),
      createdAt: toTime(createdAt),
    };
  }

  /** Every agent may know which channels there are. @throws Problem 403, 409 */
  async function requireLooker(on: Reading, caller: Caller): Promise<void> {
    const reader = readingAs(caller);
    if (reader !== null) await agents.requireActor(on, caller, reader);
  }

  /** `@default` is the one that an operator chose, else the oldest; any other name is a display name, in any case. */
  const names: NameBook = {
    async find(on, name) {
      const key = nameKey(name);
      if (key === "default") return (await store.chosen(on)) ?? store.oldest(on);
      const [id, ...others] = await store.named(on, key, MAX_NAMESAKES);
      if (others.length === 0) return id;
      throw new Problem("unknown-target", `Several channels are called @${name}: name one by its id.`, {
        errors: [{ pointer: "/to", message: "is the name of several channels" }],
        suggestions: [id ?? "", ...others],
      });
    },
    names: async (on) => ["default", ...(await store.names(on))],
  };

  return {
    names,
    require,
    follow,

    async get(on: Reading, caller: Caller, id: string): Promise<Channel> {
      await requireLooker(on, caller);
      return wire(on, await require(on, id));
    },

    /** Ready ones first, then by name; `page` is the id of the last one seen. */
    async list(on: Reading, caller: Caller, page: string | undefined, limit: number): Promise<List<Channel>> {
      await requireLooker(on, caller);
      const after = page === undefined ? undefined : await store.byId(on, page);
      if (page !== undefined && !after) throw Problem.invalid("page", `there is no channel ${page} any more`);
      const { items, more } = await readPage(
        limit,
        (count, last: ChannelRow | undefined) => store.page(on, last ?? after, count),
        (row) => wire(on, row),
      );
      return { items, nextPage: more ? (items.at(-1)?.id ?? null) : null };
    },

    /** Makes it `@default`; or, with `no`, lets the oldest be it again. Operators alone. @throws Problem 403, 404 */
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

    /** Channel agents that were registered before there were channels. */
    async adopt(tx: Tx): Promise<void> {
      if (!(await store.isEmpty(tx))) return;
      for (const agent of await agentStore.all(tx)) if (agent.kind === "channel") await follow(tx, agent, undefined);
    },
  };
}

const nameKey = (name: string): string => name.trim().toLowerCase();
