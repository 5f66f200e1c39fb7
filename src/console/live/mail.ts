import type { QueryClient } from "@tanstack/react-query";
import type { Explanation } from "../../protocol/explain.ts";
import type { InboxNews } from "../../protocol/inbox.ts";
import type { WatchedMessage } from "../../protocol/late.ts";
import { readAgain } from "./read-again.ts";

/** A message on its way, and the agents that it is for; none where they are not known. */
interface Shown {
  id: number;
  agents?: readonly (string | null)[];
}

/** Whether news of mail are about a message that is shown. */
const isAbout =
  ({ offered, acknowledged, inTurn, more }: InboxNews) =>
  ({ id, agents }: Shown): boolean => {
    const isFor = (agentId: string): boolean => agents?.includes(agentId) ?? true;
    return (
      more ||
      inTurn.includes(id) ||
      offered.some(({ agentId, after, upTo }) => after < id && id <= upTo && isFor(agentId)) ||
      acknowledged.some(({ agentId, upTo }) => id <= upTo && isFor(agentId))
    );
  };

/** Agents of a group are not known: every agent may be one. */
const watched = ({ id, to, agentId }: WatchedMessage): Shown =>
  to === "broadcast" || to.includes(":") ? { id } : { id, agents: [to, agentId] };

/** Reads again what is shown of messages that came further, and of no others. */
export function followMail(cache: QueryClient, news: InboxNews): void {
  const about = isAbout(news);
  readAgain(cache, ({ queryKey: [name, id], state: { data } }) => {
    if (name === "explain") {
      const agents = (data as Explanation | undefined)?.recipients.map(({ agentId }) => agentId);
      return about({ id: Number(id), ...(agents && { agents }) });
    }
    if (name !== "late") return false;
    // Nothing is known of a list that is on its way.
    return (data as { items: WatchedMessage[] } | undefined)?.items.some((one) => about(watched(one))) ?? true;
  });
}
