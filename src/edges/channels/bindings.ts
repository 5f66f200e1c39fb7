import type { Areas } from "../../core/core.ts";
import { formatTarget, isGroup, parseTarget } from "../../identity/agents/target.ts";
import { type Caller, readingAs, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Binding, BindingMode, ParsedBinding } from "../../protocol/bindings.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { Moves } from "./moves.ts";
import { type Place, placeOf } from "./place.ts";
import { type BindingFilter, type BindingRow, type ChannelRow, MAX_BINDINGS } from "./store.ts";
import type { Stores } from "./stores.ts";

export type Bindings = ReturnType<typeof createBindings>;

/** The rules that send conversations to targets: setting, removing and listing them. */
export function createBindings({ kernel, identity }: Areas, { store }: Stores, moves: Moves) {
  const { clock } = kernel;
  const { agents, directory, activity, orchestrators } = identity;

  /** The target in its written form, if a binding may name it. @throws Problem 422 */
  async function requireTarget(tx: Tx, text: string, pointer: string): Promise<string> {
    const target = parseTarget(text);
    if (!target) throw unknown(text, pointer);
    if (target.kind === "channel") throw Problem.invalid(pointer, "a conversation cannot go to a channel");
    if (target.kind === "provider") {
      const provider = await orchestrators.providers.find(tx, target, pointer);
      await orchestrators.providers.ensure(tx, provider);
      return provider.agentId;
    }
    if (target.kind === "agent") {
      const facts = directory.facts(tx, target.id);
      if (!facts || facts.deletedAt !== null) throw unknown(text, pointer);
      if (facts.kind === "channel" || facts.kind === "system")
        throw Problem.invalid(pointer, `a conversation cannot go to a ${facts.kind} agent`);
    }
    return formatTarget(target);
  }

  /** Ids of the agents. @throws Problem 422 */
  async function requireAlso(tx: Tx, also: readonly string[], target: string): Promise<string[]> {
    const ids: string[] = [];
    for (const [index, named] of also.entries()) {
      const pointer = `/also/${index}`;
      const id = await requireTarget(tx, named, pointer);
      if (id === target) throw Problem.invalid(pointer, "is the target itself");
      if (isGroup(id)) throw Problem.invalid(pointer, "is a group: name one agent");
      if (!ids.includes(id)) ids.push(id);
    }
    return ids;
  }

  const unknown = (name: string, pointer: string) =>
    new Problem("unknown-target", `There is no agent ${name}.`, {
      errors: [{ pointer, message: "is not a registered agent or a group" }],
      suggestions: agents.suggest(name),
    });

  /** @throws Problem 422 where the mode does not fit the target */
  function checkMode(mode: BindingMode, target: string): void {
    if (mode === "exclusive" && isGroup(target))
      throw Problem.invalid("/mode", `${target} is a group: claimable (one of them) or broadcast (all of them)`);
    if (mode === "broadcast" && !isGroup(target))
      throw Problem.invalid("/mode", `${target} is one agent: exclusive or claimable`);
  }

  function checkRoom(there: readonly BindingRow[]): void {
    if (there.length >= MAX_BINDINGS)
      throw new Problem("conflict", `A conversation has at most ${MAX_BINDINGS} bindings.`);
  }

  /** Notes that an operator has set or cleared the default: registering leaves it alone from then on. */
  async function noteOperator(tx: Tx, place: Place): Promise<void> {
    if (place.conversationId === "") await store.noteDefaultsSet(tx, place.channelId);
  }

  async function insert(tx: Tx, place: Place, binding: BindingChoice): Promise<BindingRow> {
    const now = clock.now();
    const made = { id: newId("bnd", now), createdAt: now, updatedAt: now, endedAt: null };
    const row: BindingRow = { ...place, ...binding, ...made };
    await store.putBinding(tx, row);
    return row;
  }

  /** Target that a channel agent names: it may be registered later, but for a provider of an orchestrator. @throws Problem 422 */
  async function registeredTarget(tx: Tx, said: string): Promise<string> {
    const parsed = parseTarget(said);
    if (parsed?.kind === "provider") return requireTarget(tx, said, "/channel/target");
    if (parsed?.kind === "agent" || parsed?.kind === "group") return formatTarget(parsed);
    throw Problem.invalid("/channel/target", "is not an agent's id, a group, or orchestrator:<id>/<provider>");
  }

  return {
    /** Sets the default binding that a channel agent names when it registers, in place of the one it named before. */
    async register(tx: Tx, channel: ChannelRow, said: string | undefined): Promise<void> {
      if (channel.defaultsSet) return;
      const place = placeOf(channel.id, {});
      const target = said === undefined ? undefined : await registeredTarget(tx, said);
      const before = await store.bindingsAt(tx, place);
      for (const row of before) if (row.target !== target) await store.removeBinding(tx, row.id);
      if (target === undefined || before.some((row) => row.target === target)) return;
      await insert(tx, place, {
        target,
        mode: modeFor(target),
        priority: 0,
        fallback: null,
        topics: "none",
        also: [],
        origin: "registered",
      });
    },

    /** `PUT /v1/channels/{id}/bindings`: changes the binding of the same place and target, if any. @throws Problem 403, 409, 422 */
    async set(tx: Tx, caller: Caller, channel: ChannelRow, draft: ParsedBinding) {
      requireOperator(caller);
      const target = await requireTarget(tx, draft.target, "/target");
      const fallback = draft.fallback == null ? null : await requireTarget(tx, draft.fallback, "/fallback");
      if (fallback === target) throw Problem.invalid("/fallback", "is the target itself");
      const mode = draft.mode ?? modeFor(target);
      checkMode(mode, target);
      const place = await moves.placeNow(tx, placeOf(channel.id, draft));
      const there = await store.bindingsAt(tx, place);
      const known = there.find((row) => row.target === target);
      const also = await requireAlso(tx, draft.also ?? known?.also ?? [], target);
      const topics = draft.topics ?? known?.topics ?? "none";
      const chosen: BindingChoice = { target, mode, priority: draft.priority, fallback, topics, also, origin: "set" };
      if (!known) checkRoom(there);
      const row = known
        ? { ...known, ...chosen, updatedAt: clock.now(), endedAt: null }
        : await insert(tx, place, chosen);
      if (known) await store.putBinding(tx, row);
      await noteOperator(tx, place);
      await activity.record(tx, caller, "binding.set", channel.id, { ...wireBinding(row) });
      return { row, created: !known };
    },

    /** @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, channelId: AgentId, id: string): Promise<void> {
      requireOperator(caller);
      const row = await store.binding(tx, id);
      if (row?.channelId !== channelId) throw new Problem("not-found", `${channelId} has no binding ${id}.`);
      await store.removeBinding(tx, id);
      await noteOperator(tx, row);
      await activity.record(tx, caller, "binding.removed", channelId, { ...wireBinding(row) });
    },

    /** Operators and viewers see all bindings; an agent sees those of its own channel and those that send to it. */
    async list(on: ReadTx, caller: Caller, filter: BindingFilter, page: string | undefined, limit: number) {
      const reader = readingAs(caller);
      let seenBy: BindingFilter["seenBy"];
      if (reader !== null) {
        await agents.requireActor(on, caller, reader);
        seenBy = { targets: directory.targetsNow(on, reader), channelId: reader };
      }
      const { channelId, conversationId: named } = filter;
      const isOne = channelId !== undefined && named !== undefined;
      const conversationId = isOne ? await moves.now(on, channelId, named) : named;
      const { rows, reached } = await store.bindingPage(on, { ...filter, conversationId, seenBy }, page, limit + 1);
      const items = rows.slice(0, limit).map(wireBinding);
      const list: List<Binding> = { items, nextPage: rows.length > limit ? (items.at(-1)?.id ?? null) : reached };
      return list;
    },
  };
}

type BindingChoice = Pick<BindingRow, "target" | "mode" | "priority" | "fallback" | "topics" | "also" | "origin">;

const modeFor = (target: string): BindingMode =>
  target === "broadcast" ? "broadcast" : isGroup(target) ? "claimable" : "exclusive";

export function wireBinding(row: BindingRow): Binding {
  const { id, channelId, conversationId, threadId, target, mode, priority, fallback, topics, also, origin } = row;
  return {
    ...{ id, channelId, conversationId: conversationId || null, threadId: threadId || null },
    ...{ target, mode, priority, fallback, topics, also, origin },
    createdAt: toTime(row.createdAt),
    updatedAt: toTime(row.updatedAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}
