import type { Areas } from "../../core/core.ts";
import type { ApprovalRow } from "../../features/approvals/row.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { isQuiet } from "../../identity/people/quiet.ts";
import type { PersonRow } from "../../identity/people/row.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Conversation } from "../../protocol/posts.ts";
import type { Channels } from "../channels/channels.ts";
import type { Push } from "../push/push.ts";

/** A person, and the chat or the devices that ask them. */
export interface Reachable {
  person: PersonRow;
  chat: Conversation | "push";
  isQuiet: boolean;
}

/** The message that began the work. `from`: the chat that it came from. */
interface Beginning {
  messageId: MessageId;
  person: string | null;
  from: Conversation | undefined;
}

interface OriginOf {
  chat: Conversation | undefined;
  asker: string | null;
  began: Beginning | undefined;
}

/** A chat that is asked. `person` null: any guest there who may approve. */
export interface InChat {
  chat: Conversation;
  person: PersonRow | null;
}

/** Messages that are looked at, from what an agent works on back to what began it. */
const MAX_LOOKS = 50;

export type Ladder = ReturnType<typeof createLadder>;

/** People who may decide an approval, and where each is asked. */
export function createLadder(areas: Areas & { runs: Runs; channels: Channels; push: Push }) {
  const { kernel, identity, core, runs, channels, push } = areas;
  const { auth, people } = identity;
  const { places } = channels;

  const decides = (person: PersonRow | undefined): person is PersonRow =>
    person !== undefined && person.role !== "viewer";

  const byPush = async (on: ReadTx, { id }: PersonRow): Promise<"push" | undefined> =>
    (await push.reaches(on, id)) ? "push" : undefined;

  async function reach(on: ReadTx, person: PersonRow): Promise<Reachable | undefined> {
    for (const place of person.notify) {
      const chat = place === "push" ? await byPush(on, person) : await places.open(on, plain(place));
      if (chat) return { person, chat, isQuiet: isQuiet(person.quietHours, kernel.clock.now()) };
    }
    return undefined;
  }

  /** The message that began the work, by a person or from a chat; the nearest one before what the agent works on. */
  async function begunBy(on: ReadTx, id: number | null | undefined): Promise<Beginning | undefined> {
    for (let look = 0, at = id; at != null && look < MAX_LOOKS; look++) {
      const row = await core.messages.rows.byId(on, at as MessageId);
      const from = row && (await places.fromMessage(on, row.id));
      if (row && (from || row.person !== null)) return { messageId: row.id, person: row.person, from };
      at = row?.causedBy;
    }
    return undefined;
  }

  /** The chat that the work came from, and the person who asked for it there. */
  async function origin(on: ReadTx, row: ApprovalRow): Promise<OriginOf> {
    const run = row.runId === null ? undefined : await runs.book.byId(on, row.runId);
    // Approvals of agents say their own `meta`.
    const causedBy = row.kind === "spawn" ? row.meta?.causedBy : undefined;
    const began = await begunBy(on, run?.messageId ?? (typeof causedBy === "number" ? causedBy : null));
    const named = row.conversation ?? began?.from;
    const chat = named && (await places.open(on, named));
    return { chat, asker: run?.person ?? began?.person ?? null, began };
  }

  return {
    origin,
    reach,

    /**
     * Whom to ask in the chat that the work came from: the person who asked for it there, or whoever may approve there. Undefined
     * when nobody there may decide.
     */
    async inChat(on: ReadTx, { kind }: ApprovalRow, { chat, began }: OriginOf): Promise<InChat | undefined> {
      const now = chat && began?.from && (await places.open(on, began.from));
      if (!chat || now?.channelId !== chat.channelId || now.conversationId !== chat.conversationId) return undefined;
      const person = await people.live(on, began?.person ?? null);
      if (decides(person)) return { chat, person };
      const isGuest = began && kind !== "access" && (await places.hasApprover(on, now, began.messageId));
      return isGuest ? { chat, person: null } : undefined;
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
