import type { Areas } from "../../core/core.ts";
import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { Channel, ChannelAccess } from "../../protocol/channels.ts";
import type { Guest, ParsedGuest } from "../../protocol/guests.ts";
import { Problem } from "../../protocol/problem.ts";
import { type List, toTime } from "../../protocol/wire.ts";
import { knowsSenders } from "./access.ts";
import type { Moves } from "./moves.ts";
import { placeOf } from "./place.ts";
import type { Registry } from "./registry.ts";
import type { ChannelRow } from "./store.ts";
import { type GuestRow, MAX_GUESTS } from "./store-guests.ts";
import type { Stores } from "./stores.ts";

/** Access of a channel: its mode, and its guests. */
export function createGuests(
  { kernel, identity }: Areas,
  { store, guests }: Stores,
  { moves, registry }: { moves: Moves; registry: Registry },
) {
  const { clock } = kernel;
  const { activity, people } = identity;

  /** @throws Problem 422 where the channel or the person does not fit */
  async function check(on: ReadTx, channel: ChannelRow, { approves, personId }: ParsedGuest): Promise<void> {
    const needs = `needs senders that are known surely, and ${channel.id} is of kind webhook`;
    if (approves && !knowsSenders(channel)) throw Problem.invalid("/approves", needs);
    if (personId === undefined) return;
    if (!knowsSenders(channel)) throw Problem.invalid("/personId", needs);
    if (!(await people.live(on, personId))) throw Problem.invalid("/personId", `there is no person ${personId}`);
  }

  return {
    /** `PUT /v1/channels/{id}/access`. @throws Problem 403, 404 */
    async setAccess(tx: Tx, caller: Caller, id: string, mode: ChannelAccess): Promise<Channel> {
      requireOperator(caller);
      const row = await registry.require(tx, id);
      if (row.access !== mode) {
        await store.setAccess(tx, id, mode);
        await activity.record(tx, caller, "channel.access", id, { mode });
      }
      return registry.wire(tx, { ...row, access: mode });
    },

    /** `POST /v1/channels/{id}/guests`. @throws Problem 403, 404, 409, 422 */
    async add(tx: Tx, caller: Caller, id: string, draft: ParsedGuest): Promise<{ row: Guest; created: boolean }> {
      requireOperator(caller);
      const channel = await registry.require(tx, id);
      await check(tx, channel, draft);
      const { conversationId } = await moves.placeNow(tx, placeOf(id, draft));
      const seat = { channelId: id, conversationId, senderId: draft.senderId ?? "" };
      const known = await guests.at(tx, seat);
      if (!known && (await guests.count(tx, id)) >= MAX_GUESTS)
        throw new Problem("conflict", `${id} has ${MAX_GUESTS} guests, the most it may. Remove one first.`);
      const { approves, personId = null, name = null } = draft;
      const row: GuestRow = {
        ...{ id: known?.id ?? newId("gst", clock.now()), ...seat, approves, personId, name },
        ...{ origin: "set", createdAt: known?.createdAt ?? clock.now() },
      };
      await guests.put(tx, row);
      await activity.record(tx, caller, "guest.set", id, { ...wireGuest(row) });
      return { row: wireGuest(row), created: !known };
    },

    /** `DELETE /v1/channels/{id}/guests/{guestId}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, channelId: string, id: string): Promise<void> {
      requireOperator(caller);
      const row = await guests.byId(tx, id);
      if (row?.channelId !== channelId) throw new Problem("not-found", `${channelId} has no guest ${id}.`);
      await guests.remove(tx, id);
      await activity.record(tx, caller, "guest.removed", channelId, { ...wireGuest(row) });
    },

    /** `GET /v1/channels/{id}/guests`: for the channel's own agent, and people. @throws Problem 403, 404, 409 */
    async list(on: ReadTx, caller: Caller, id: string, query: PageQuery<string>): Promise<List<Guest>> {
      await registry.requireOwn(on, caller, id);
      return readList(
        query,
        (count, after) => guests.page(on, id, after, count),
        wireGuest,
        (row) => row.id,
      );
    },
  };
}

const wireGuest = ({ createdAt, conversationId, senderId, ...row }: GuestRow): Guest => ({
  ...row,
  ...{ conversationId: conversationId || null, senderId: senderId || null },
  createdAt: toTime(createdAt),
});
