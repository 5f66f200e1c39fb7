import { words } from "../../protocol/shape.ts";

/** Commands that the relay itself carries out in chats. */
const CHAT_COMMANDS = words("sessions peek kill bg stop clear agents model ask approve hold");
export type ChatVerb = (typeof CHAT_COMMANDS)[number];

/** A command as a person typed it, with the rest of the line. */
export interface ChatLine {
  verb: ChatVerb;
  rest: string;
}

/** A message for another agent than the bound one, by its id or as `orchestrator:<id>/<provider>`. */
export interface Aside {
  name: string;
  text: string;
}

const ASIDE = /^@?((?:orchestrator:[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)[:,]?\s+([\s\S]+)$/i;
const VERBS: ReadonlySet<string> = new Set(CHAT_COMMANDS);

/** The command of a text; undefined for any other text. */
export function chatLineOf(text: string): ChatLine | undefined {
  const [, verb = "", rest = ""] = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? [];
  const name = verb.toLowerCase();
  return VERBS.has(name) ? { verb: name as ChatVerb, rest: rest.trim() } : undefined;
}

/** The agent and the text of a leading `@agent`, or of what follows `/ask`. */
export function asideOf(text: string): Aside | undefined {
  const [, name, said] = ASIDE.exec(text.trim()) ?? [];
  return name === undefined || said === undefined ? undefined : { name: name.toLowerCase(), text: said.trim() };
}
