import type { NameBook } from "../../core/messages/draft.ts";
import { Problem } from "../../protocol/problem.ts";
import { createChannelStore } from "./store.ts";

/** Most channels of one name that a refusal lists. */
const MAX_NAMESAKES = 5;

/** Names compare without regard to case. */
export const nameKey = (name: string): string => name.trim().toLowerCase();

/** Book of channel names. `@default` is the operator's choice, else the oldest channel; other names are display names. */
export function createNames(): NameBook {
  const store = createChannelStore();
  return {
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
}
