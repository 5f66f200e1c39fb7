import { randomInt } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import { DAY_MS, HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { ParsedEvent } from "../../protocol/channels.ts";
import type { Conversation } from "../../protocol/posts.ts";
import { createChatPosts } from "./chat-post.ts";
import { conversationAt, type Place } from "./place.ts";
import type { ChannelRow } from "./store.ts";
import { MAX_GUESTS, type PairingRow } from "./store-guests.ts";
import type { Stores } from "./stores.ts";

/** Characters that nobody mistakes for each other. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARACTERS = 8;
/** Approvals of kind access that wait in one channel. */
const MAX_WAITING = 20;
const MAX_NAME = 100;
const ALLOW = "allow";
const DENY = "deny";

export type Pairing = ReturnType<typeof createPairing>;

/** The way in for strangers: a code in their private chat, and an approval that shows the same code to whoever decides. */
export function createPairing(
  { kernel, core, approvals }: Areas & { approvals: Approvals },
  { guests, store }: Stores,
) {
  const { clock } = kernel;
  const say = createChatPosts(core);

  const sayTo = (tx: Tx, chat: Conversation, body: string) => say(tx, chat, { body, expiresAt: clock.now() + HOUR_MS });

  /** Asks for the stranger to be let in. Nothing is told that cannot be decided, and nothing is asked that was not told. */
  async function begin(tx: Tx, channel: ChannelRow, place: Place, sender: ParsedEvent["sender"]): Promise<void> {
    const code = newCode();
    const { channelId, conversationId } = place;
    const chat = conversationAt(place);
    const body = `I do not know you here yet. Show this code to the operator: ${code}. It is good for an hour, and you are told when you are let in.`;
    if ((await sayTo(tx, chat, body)) === undefined) return;
    const name = plainly(sender.name);
    const row = await approvals.raise(tx, {
      ...{ agentId: channel.id, kind: "access", title: `Code ${code}: let ${name} into ${channel.id}` },
      subject: { type: "access", code, sender: `${name}, account ${plainly(sender.id)}` },
      options: [
        { id: ALLOW, label: "Let in", decision: "allow" },
        { id: DENY, label: "Keep out", decision: "deny" },
      ],
      ...{ default: DENY, oneTap: true, expiresInSeconds: HOUR_MS / 1000 },
      meta: { conversationId, senderId: sender.id },
    });
    const seat = { channelId, conversationId, senderId: sender.id };
    await guests.putPairing(tx, { ...seat, name, approvalId: row.id, createdAt: clock.now() });
  }

  async function letIn(tx: Tx, { channelId, conversationId, senderId, name }: PairingRow): Promise<void> {
    const seat = { channelId, conversationId, senderId };
    if (await guests.at(tx, seat)) return;
    const now = clock.now();
    const row = { ...seat, approves: false, personId: null, name, origin: "paired" as const, createdAt: now };
    await guests.put(tx, { id: newId("gst", now), ...row });
    await sayTo(tx, { channelId, conversationId }, "You are let in. Write again what you want to say.");
  }

  return {
    /** Tells a stranger a code, once a day, where the sender and nobody else reads it. */
    async offer(tx: Tx, channel: ChannelRow, place: Place, event: ParsedEvent): Promise<void> {
      if (!event.private || event.sender.isBot || channel.direction === "inbound") return;
      const before = await guests.pairing(tx, { channelId: channel.id, senderId: event.sender.id });
      if (before && before.createdAt > clock.now() - DAY_MS) return;
      if ((await approvals.waitingOf(tx, channel.id, MAX_WAITING)) >= MAX_WAITING) return;
      if ((await guests.count(tx, channel.id)) < MAX_GUESTS) await begin(tx, channel, place, event.sender);
    },

    /** Follows an approval of kind access to its end. */
    async followApproval(tx: Tx, _: Approval, row: ApprovalRow, before: ApprovalRow | undefined): Promise<void> {
      if (row.kind !== "access" || before?.state !== "pending" || row.state !== "answered") return;
      const pairing = await guests.pairingOf(tx, row.id);
      const isThere = pairing && (await store.byId(tx, pairing.channelId));
      if (isThere && row.option === ALLOW) await letIn(tx, pairing);
      await approvals.applied(tx, row, isThere ? { ok: true } : { ok: false, error: `${row.agentId} is gone` });
    },
  };
}

/** A name that a stranger chose, as one short line that shows what it is. */
const plainly = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, MAX_NAME)
    .toWellFormed();

const newCode = (): string =>
  Array.from({ length: CODE_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
