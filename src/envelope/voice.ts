import type { AgentKind } from "../agents/schema.ts";

/** What kind of sender speaks. */
export type Speaker = "person" | "agent" | "channel" | "integration" | "relay";

/**
 * How far its word goes. `operator`: a person with an operator's token. `peer`: an agent of this relay. `outside`: whoever
 * can write into a chat or trigger an integration, and agents of other machines that are called from here. `relay`: the relay's own report, which may quote any of the others.
 * None of them is the user of the model that reads it.
 */
export type Trust = "operator" | "peer" | "outside" | "relay";

export interface Voice {
  id: string;
  speaker: Speaker;
  trust: Trust;
}

/** Who is speaking in a message: decided by what the relay knows of its sender, never by what the message says. */
export function voiceOf(
  said: { from: string; kind: string },
  kindOf: (id: string) => AgentKind | undefined,
  isElsewhere: (id: string) => boolean = () => false,
): Voice {
  const { from: id } = said;
  // A channel agent that is gone is still told by its id: provider:account.
  const kind = kindOf(id) ?? (id.includes(":") ? "channel" : "provider");
  if (kind === "user") return { id, speaker: "person", trust: "operator" };
  if (kind === "channel") return { id, speaker: "channel", trust: "outside" };
  if (kind !== "system") return { id, speaker: "agent", trust: isElsewhere(id) ? "outside" : "peer" };
  // An integration's events are tasks in the name of `system`; whatever else `system` says is the relay's report.
  return said.kind === "task"
    ? { id, speaker: "integration", trust: "outside" }
    : { id, speaker: "relay", trust: "relay" };
}
