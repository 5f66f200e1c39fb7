import type { Areas } from "../../core/core.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import type { PersonRow } from "../../identity/people/row.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { Channels } from "../channels/channels.ts";
import { isQuiet } from "./quiet.ts";

/** A person and the chat that asks them. */
export interface Reachable {
  person: PersonRow;
  chat: Conversation;
  isQuiet: boolean;
}

export type Ladder = ReturnType<typeof createLadder>;

/** People who may decide an approval, and where each is asked. */
export function createLadder({ kernel, identity, core, runs, channels }: Areas & { runs: Runs; channels: Channels }) {
  const { auth, people } = identity;
  const { places } = channels;

  const decides = (person: PersonRow | undefined): person is PersonRow =>
    person !== undefined && person.role !== "viewer";

  async function reach(on: ReadTx, person: PersonRow): Promise<Reachable | undefined> {
    for (const place of person.notify) {
      const chat = place === "push" ? undefined : await places.open(on, plain(place));
      if (chat) return { person, chat, isQuiet: isQuiet(person.quietHours, kernel.clock.now()) };
    }
    return undefined;
  }

  /** The chat that the work came from, and the person who asked for it there. */
  async function origin(
    on: ReadTx,
    row: ApprovalRow,
  ): Promise<{ chat: Conversation | undefined; asker: string | null }> {
    const run = row.runId === null ? undefined : await runs.book.byId(on, row.runId);
    const from = run?.messageId == null ? undefined : await places.fromMessage(on, run.messageId);
    const named = row.conversation ?? from;
    const chat = named && (await places.open(on, named));
    return { chat, asker: run?.person ?? null };
  }

  return {
    origin,
    reach,

    /** The person who asked for the work, when they wrote in this very chat and may decide. */
    async isThere(on: ReadTx, row: ApprovalRow, chat: Conversation): Promise<PersonRow | undefined> {
      const run = row.runId === null ? undefined : await runs.book.byId(on, row.runId);
      if (run?.messageId == null) return undefined;
      const from = await places.fromMessage(on, run.messageId);
      const now = from && (await places.open(on, from));
      if (now?.channelId !== chat.channelId || now.conversationId !== chat.conversationId) return undefined;
      const person = await people.live(on, core.messages.rows.personOf(on, run.messageId));
      return decides(person) ? person : undefined;
    },

    /**
     * People to ask, in order: the person who asked for the work, then that person's ladder. Work that no person asked for
     * goes to the operators.
     */
    async steps(on: ReadTx, asker: string | null): Promise<Reachable[]> {
      const first = await people.live(on, asker);
      const rest = first
        ? await Promise.all(first.ladder.map((id) => people.live(on, id)))
        : await people.operators(on);
      const found: Reachable[] = [];
      for (const person of [first, ...rest]) {
        const reached = decides(person) ? await reach(on, person) : undefined;
        if (reached) found.push(reached);
      }
      return found;
    },

    /** Whether an operator or a member has been here lately, by whatever token or sign-in: they see what waits. */
    isWatched: (on: ReadTx): Promise<boolean> => auth.personSince(on, kernel.clock.now() - DAY_MS),

    /** Person that decides by a press of this sender. */
    async decider(on: ReadTx, sender: { channelId: string; senderId: string }): Promise<PersonRow | undefined> {
      const person = await people.bySender(on, sender);
      return decides(person) ? person : undefined;
    },
  };
}

const plain = ({ channelId, conversationId, threadId }: PlaceOf): Conversation => ({
  ...{ channelId, conversationId },
  ...(threadId !== undefined && { threadId }),
});

type PlaceOf = { channelId: string; conversationId: string; threadId?: string | undefined };
