import type { Areas } from "../../core/core.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { createChatPosts } from "./chat-post.ts";
import type { Place } from "./place.ts";
import type { Routing } from "./routing.ts";
import type { Stores } from "./stores.ts";

/** Members of a bound group that are looked at. */
const MAX_MEMBERS = 50;

/** Chats, as commands see them. */
export function createChats({ kernel, identity, core }: Areas, { chats }: Stores, routing: Routing) {
  const { directory } = identity;

  return {
    say: createChatPosts(core),
    model: chats.model,
    clearModel: chats.clearModel,
    setModel: (tx: Tx, { channelId, conversationId, threadId }: Place, model: string, person: string | null) =>
      chats.setModel(tx, { channelId, conversationId, threadId, model, person, at: kernel.clock.now() }),

    /** Agents that get the events of a place, and those that its binding names beside them. */
    async bound(on: ReadTx, place: Place): Promise<{ agents: string[]; also: string[] }> {
      const found = await routing.destinations(on, place);
      const agents = new Set<string>();
      for (const { to } of found) {
        if (to === undefined) continue;
        if (!isGroup(to)) agents.add(to);
        else
          for (const { id } of await directory.membersAt(on, to, kernel.headOf(on) + 1, "", MAX_MEMBERS))
            agents.add(id);
      }
      return { agents: [...agents], also: [...new Set(found.flatMap(({ binding }) => binding.also))] };
    },
  };
}
