import type { AgentKind } from "../../protocol/agents.ts";
import type { Message } from "../../protocol/messages.ts";

/** Kind of sender. */
export type Speaker = "person" | "agent" | "channel" | "integration" | "relay";

/**
 * Reach of a speaker's word. `operator`: a person with an operator's token. `peer`: an agent of this relay. `outside`: writers
 * of a chat, triggers of an integration, and agents of other machines that are called from here. `relay`: the relay's own
 * report, which may quote any of the others. None of them is the user of the model that reads it.
 */
export type Trust = "operator" | "peer" | "outside" | "relay";

export interface Voice {
  id: string;
  speaker: Speaker;
  trust: Trust;
}

/** Speaker of a message, by the relay's own knowledge of the sender, never by the message's content. */
export function voiceOf(
  said: Pick<Message, "from" | "source">,
  kindOf: (id: string) => AgentKind | undefined,
  isElsewhere: (id: string) => boolean = () => false,
): Voice {
  const { from: id, source } = said;
  if (source === "relay") return { id, speaker: "relay", trust: "relay" };
  if (source === "integration") return { id, speaker: "integration", trust: "outside" };
  if (source === "channel") return { id, speaker: "channel", trust: "outside" };
  // A schedule speaks as its owner would.
  if (source === "person" || kindOf(id) === "user") return { id, speaker: "person", trust: "operator" };
  return { id, speaker: "agent", trust: isElsewhere(id) ? "outside" : "peer" };
}
