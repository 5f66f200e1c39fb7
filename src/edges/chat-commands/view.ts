import type { Sessions } from "../../features/sessions/sessions.ts";
import { HOUR_MS } from "../../kernel/clock.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { Standing } from "../channels/access.ts";
import type { Channels } from "../channels/channels.ts";
import type { Place } from "../channels/place.ts";
import { nameOf } from "./texts.ts";

/** Sessions that somebody in a chat may see. */
export interface Seen {
  live: Session[];
  /** Ended within the hour, newest first. */
  ended: Session[];
}

export type View = ReturnType<typeof createView>;

/** Whether a guest approves, or the account is an operator's or a member's. */
export const mayDecide = ({ approves, person }: Standing): boolean =>
  approves || (person !== undefined && person.role !== "viewer");

/** Sessions as a chat sees them: those of its own conversation; for those who decide, all of the bound agents'. */
export function createView({ sessions, channels }: { sessions: Sessions; channels: Channels }) {
  const { places, chats } = channels;

  async function isHere(on: ReadTx, { place: of }: Session, place: Place): Promise<boolean> {
    if (of === null || of === "user" || !("conversation" in of)) return false;
    if (of.conversation.channelId !== place.channelId) return false;
    return (await places.open(on, of.conversation))?.conversationId === place.conversationId;
  }

  async function visible(on: ReadTx, all: readonly Session[], place: Place, standing: Standing): Promise<Session[]> {
    if (mayDecide(standing)) return [...all];
    const own: Session[] = [];
    for (const session of all) if (await isHere(on, session, place)) own.push(session);
    return own;
  }

  return {
    isHere,

    async seen(on: ReadTx, place: Place, standing: Standing, now: number): Promise<Seen> {
      const { agents, also } = await chats.bound(on, place);
      const found: Seen = { live: [], ended: [] };
      for (const id of new Set([...agents, ...also])) {
        const { live, ended } = await sessions.recentOf(on, id, now - HOUR_MS);
        found.live.push(...(await visible(on, live, place, standing)));
        found.ended.push(...(await visible(on, ended, place, standing)));
      }
      return found;
    },
  };
}

/** The session that a person names: by its name or id, or by a beginning that no other has; the only one without a name. */
export function named(live: readonly Session[], rest: string): Session | undefined {
  if (rest === "") return live.length === 1 ? live[0] : undefined;
  const wanted = rest.toLowerCase();
  const exact = live.find((one) => one.id === wanted || nameOf(one).toLowerCase() === wanted);
  const begun = live.filter((one) => nameOf(one).toLowerCase().startsWith(wanted));
  return exact ?? (begun.length === 1 ? begun[0] : undefined);
}
