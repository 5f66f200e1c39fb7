import type { Areas } from "../../core/core.ts";
import { isGroup, parseTarget } from "../../identity/agents/target.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { RouteReport } from "../../protocol/bindings.ts";
import type { RoutedBy } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { wireBinding } from "./bindings.ts";
import type { Moves } from "./moves.ts";
import type { Place } from "./place.ts";
import { type BindingRow, byRank, levelOf } from "./store.ts";
import type { Stores } from "./stores.ts";

/** Destination of one message of an event. `to` is undefined when neither target nor fallback exists. */
export interface Destination {
  binding: BindingRow;
  to: string | undefined;
  route: RoutedBy;
}

export type Routing = ReturnType<typeof createRouting>;

/** Ranks bindings: exact thread, then its conversation, then the default; there by priority, then last update. */
export function createRouting({ identity }: Areas, { store }: Stores, moves: Moves) {
  const { directory, orchestrators } = identity;

  /** `gone`: no such agent; `away`: no member is online. */
  async function stateOf(on: ReadTx, target: string): Promise<"there" | "away" | "gone"> {
    if (isGroup(target)) return (await directory.anyHere(on, target, "")) ? "there" : "away";
    const agent = await directory.byId(on, target);
    if (!agent || agent.deletedAt !== null || agent.kind === "channel" || agent.kind === "system") return "gone";
    // The operator counts as present.
    return agent.status === "offline" && agent.kind !== "user" ? "away" : "there";
  }

  /** Id of an agent that a chat names. */
  async function idOf(on: ReadTx, name: string): Promise<string> {
    const named = parseTarget(name);
    if (named?.kind !== "provider") return name;
    try {
      return (await orchestrators.providers.find(on, named)).agentId;
    } catch (error) {
      if (error instanceof Problem) return name;
      throw error;
    }
  }

  async function destinationOf(on: ReadTx, binding: BindingRow): Promise<Destination> {
    const { target, fallback } = binding;
    const state = binding.endedAt === null ? await stateOf(on, target) : "gone";
    const bound: Destination = {
      binding,
      to: target,
      route: { bindingId: binding.id, tier: "binding", requested: target },
    };
    if (state === "there") return bound;
    if (fallback !== null && (await stateOf(on, fallback)) !== "gone")
      return { binding, to: fallback, route: { bindingId: binding.id, tier: "fallback", requested: target } };
    // An agent that is away gets the message on its return: only a fallback reroutes.
    return state === "away" ? bound : { ...bound, to: undefined };
  }

  async function decide(on: ReadTx, place: Place): Promise<{ ranked: BindingRow[]; destinations: Destination[] }> {
    const ranked = (await store.matching(on, await moves.placeNow(on, place))).sort(byRank);
    const [best] = ranked;
    if (!best) return { ranked, destinations: [] };
    const level = ranked.filter((row) => levelOf(row) === levelOf(best));
    const used = best.mode === "broadcast" ? level.filter(({ mode }) => mode === "broadcast") : [best];
    const destinations: Destination[] = [];
    for (const binding of used) destinations.push(await destinationOf(on, binding));
    return { ranked, destinations };
  }

  return {
    /** Destinations of an event of this conversation now; none without a binding. */
    destinations: async (on: ReadTx, place: Place): Promise<Destination[]> => (await decide(on, place)).destinations,

    /** An agent that the binding of a place names beside its target, for one message. */
    async other(on: ReadTx, place: Place, name: string): Promise<Destination | undefined> {
      const agentId = await idOf(on, name);
      const { destinations } = await decide(on, place);
      const binding = destinations.map((one) => one.binding).find(({ also }) => also.includes(agentId));
      if (!binding || (await stateOf(on, agentId)) === "gone") return undefined;
      return { binding, to: agentId, route: { bindingId: binding.id, tier: "explicit", requested: name } };
    },

    /** Every matching binding, those that count first, and the destination of an event. */
    async report(on: ReadTx, place: Place): Promise<RouteReport> {
      const { ranked, destinations } = await decide(on, place);
      const items = ranked.map((row) => {
        const destination = destinations.find(({ binding }) => binding.id === row.id);
        const level = LEVELS[levelOf(row)];
        return { ...wireBinding(row), level, used: destination !== undefined, goesTo: destination?.to ?? null };
      });
      return { items, routed: destinations.some(({ to }) => to !== undefined) };
    },
  };
}

const LEVELS = ["thread", "conversation", "default"] as const;
