import type { AgentStore } from "../../identity/agents/store.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Reading } from "../../kernel/db/database.ts";
import type { RouteReport } from "../../protocol/bindings.ts";
import type { RoutedBy } from "../../protocol/messages.ts";
import { wireBinding } from "./bindings.ts";
import type { Moves } from "./moves.ts";
import { type BindingRow, byRank, type ChannelStore, levelOf, type Place } from "./store.ts";

/** Where one message of an event goes. `to` is undefined where the binding's target is nobody, and nobody stands in. */
export interface Way {
  binding: BindingRow;
  to: string | undefined;
  route: RoutedBy;
}

export type Routing = ReturnType<typeof createRouting>;

/** Which binding wins: exact thread, then its conversation, then the default; there by priority, then last update. */
export function createRouting(store: ChannelStore, agentStore: AgentStore, moves: Moves) {
  /** `gone`: nobody by that name; `away`: nobody of it is online. */
  async function stateOf(on: Reading, target: string): Promise<"there" | "away" | "gone"> {
    if (isGroup(target)) return (await agentStore.someoneOnline(on, target)) ? "there" : "away";
    const agent = await agentStore.byId(on, target);
    if (!agent || agent.deletedAt !== null || agent.kind === "channel" || agent.kind === "system") return "gone";
    // Nobody waits for the operator's presence.
    return agent.status === "offline" && agent.kind !== "user" ? "away" : "there";
  }

  async function wayOf(on: Reading, binding: BindingRow): Promise<Way> {
    const { target, fallback } = binding;
    const state = binding.endedAt === null ? await stateOf(on, target) : "gone";
    const bound: Way = { binding, to: target, route: { bindingId: binding.id, tier: "binding", requested: target } };
    if (state === "there") return bound;
    if (fallback !== null && (await stateOf(on, fallback)) !== "gone")
      return { binding, to: fallback, route: { bindingId: binding.id, tier: "fallback", requested: target } };
    // Who is away finds it when it comes back; a message is never given to somebody else by itself.
    return state === "away" ? bound : { ...bound, to: undefined };
  }

  async function decide(on: Reading, place: Place): Promise<{ ranked: BindingRow[]; ways: Way[] }> {
    const ranked = (await store.matching(on, await moves.placeNow(on, place))).sort(byRank);
    const [best] = ranked;
    if (!best) return { ranked, ways: [] };
    const level = ranked.filter((row) => levelOf(row) === levelOf(best));
    const used = best.mode === "broadcast" ? level.filter(({ mode }) => mode === "broadcast") : [best];
    const ways: Way[] = [];
    for (const binding of used) ways.push(await wayOf(on, binding));
    return { ranked, ways };
  }

  return {
    /** Where an event of this conversation goes now; none when nothing is bound. */
    ways: async (on: Reading, place: Place): Promise<Way[]> => (await decide(on, place)).ways,

    /** Every matching binding, those that count first, and what would become of an event. */
    async report(on: Reading, place: Place): Promise<RouteReport> {
      const { ranked, ways } = await decide(on, place);
      const items = ranked.map((row) => {
        const way = ways.find(({ binding }) => binding.id === row.id);
        const level = LEVELS[levelOf(row)];
        return { ...wireBinding(row), level, used: way !== undefined, goesTo: way?.to ?? null };
      });
      return { items, routed: ways.some(({ to }) => to !== undefined) };
    },
  };
}

const LEVELS = ["thread", "conversation", "default"] as const;
