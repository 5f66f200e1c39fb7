import type { Areas } from "../../core/core.ts";
import type { PersonRow } from "../../identity/people/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Place } from "./place.ts";
import type { ChannelRow } from "./store.ts";
import type { Stores } from "./stores.ts";
import { PROVIDER as WEBHOOK } from "./webhook.ts";

/** How the sender of an event stands to its channel. */
export interface Standing {
  /** An agent may get what it writes. */
  isHeard: boolean;
  /** Whether the guest may answer approvals by button. */
  approves: boolean;
  /** Person that writes from this account. */
  person: PersonRow | undefined;
}

/** Sender as the platform says it. */
export interface Sender {
  id: string;
  isBot?: boolean | undefined;
}

export type Access = ReturnType<typeof createAccess>;

/** Whether the adapters of a channel tell surely who has written. */
export const knowsSenders = ({ provider }: Pick<ChannelRow, "provider">): boolean => provider !== WEBHOOK;

/** Decides which senders a channel hears: everyone where it is open, else its guests alone. */
export function createAccess({ identity }: Areas, { store, guests }: Stores) {
  const { people } = identity;

  /** A chat that an operator bound by its id is a guest, and a thread bound by its id is. */
  const isBound = async (on: ReadTx, place: Place): Promise<boolean> =>
    (await store.matching(on, place)).some(
      ({ origin, conversationId }) =>
        origin === "set" && conversationId !== "" && conversationId === place.conversationId,
    );

  return {
    /** Standing of a sender at a place under its current id, by the rows as they are now. */
    async of(on: ReadTx, channel: ChannelRow, place: Place, sender: Sender): Promise<Standing> {
      const { channelId, conversationId } = place;
      const rows = await guests.matching(on, { channelId, conversationId, senderId: sender.id });
      const own = rows.filter(({ senderId }) => senderId !== "");
      const isKnown = knowsSenders(channel) && !sender.isBot;
      const named = own.find(({ personId }) => personId !== null)?.personId ?? null;
      const person = isKnown
        ? ((await people.bySender(on, { channelId, senderId: sender.id })) ?? (await people.live(on, named)))
        : undefined;
      const isGuest =
        rows.length > 0 || (person !== undefined && person.role !== "viewer") || (await isBound(on, place));
      return {
        isHeard: channel.access === "open" || isGuest,
        approves: isKnown && own.some(({ approves }) => approves),
        person,
      };
    },
  };
}
