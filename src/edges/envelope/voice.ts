import type { AgentKind } from "../../protocol/agents.ts";
import type { Message } from "../../protocol/messages.ts";

/** Kind of sender. */
export type Speaker = "person" | "agent" | "channel" | "integration" | "relay";

/**
 * Reach of a speaker's word. `operator`: a person with that role, or with an operator's token of no person. `member`: any other
 * person. `peer`: an agent of this relay. `outside`: writers
 * of a chat, triggers of an integration, and agents of other machines that are called from here. `relay`: the relay's own
 * report, which may quote any of the others. None of them is the user of the model that reads it.
 */
export type Trust = "operator" | "member" | "peer" | "outside" | "relay";

export interface Voice {
  id: string;
  speaker: Speaker;
  trust: Trust;
}

/** Facts about senders, as the relay knows them. Those left out hold for none. */
export interface Senders {
  kindOf(id: string): AgentKind | undefined;
  /** Tells whether an agent is external. */
  isElsewhere?(id: string): boolean;
  /** Tells whether a person has the role `operator` now. */
  isOperator?(personId: string): boolean;
}

/** Speaker of a message, by the relay's own knowledge of the sender, never by the message's content. */
export function voiceOf(
  { from: id, source, person }: Pick<Message, "from" | "source" | "person">,
  { kindOf, isElsewhere, isOperator }: Senders,
): Voice {
  if (source === "relay") return { id, speaker: "relay", trust: "relay" };
  if (source === "integration") return { id, speaker: "integration", trust: "outside" };
  if (source === "channel" || kindOf(id) === "channel") return { id, speaker: "channel", trust: "outside" };
  // A schedule speaks as its owner would.
  if (source === "person" || kindOf(id) === "user")
    return { id, speaker: "person", trust: person === null || isOperator?.(person) ? "operator" : "member" };
  return { id, speaker: "agent", trust: isElsewhere?.(id) ? "outside" : "peer" };
}
