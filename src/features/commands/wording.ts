import type { Command } from "../../protocol/commands.ts";

/** Characters of a prompt that a sentence shows. */
const SHOWN = 200;

/** A command as one sentence for people. */
export function sentenceOf(command: Command, orchestratorId: string): string {
  switch (command.do) {
    case "spawn":
      return `Spawn ${command.agentId ?? command.provider} on ${orchestratorId}${said(command.prompt)}`;
    case "send":
      return `Tell ${command.sessionId}${said(command.text)}`;
    case "kill":
      return `Kill ${command.sessionId}${said(command.reason)}`;
    case "interrupt":
      return `Interrupt ${command.sessionId}.`;
    case "peek":
      return `Look at ${command.sessionId}.`;
    case "list":
      return `List the ${command.provider === undefined ? "" : `${command.provider} `}sessions that others began on ${orchestratorId}.`;
    case "adopt":
      return `Adopt the ${command.provider} session ${command.nativeId}.`;
    case "clear":
      return `Begin a new session of ${command.agentId}.`;
    case "hold":
      return `Hold: stop what runs (${command.holdId}).`;
    case "resume":
      return `Go on after ${command.holdId}.`;
    case "probe":
      return `Try whether ${command.provider} answers ${command.account} again.`;
  }
}

function said(text: string | undefined): string {
  if (text === undefined || text.trim() === "") return ".";
  const flat = text.trim();
  return flat.length > SHOWN ? `: ${flat.slice(0, SHOWN).toWellFormed()}…` : `: ${flat}`;
}
