import { type Client, everyItem } from "../client/client.ts";
import type { Session } from "../protocol/sessions.ts";
import { EXIT, Stop } from "./exit.ts";
import { safeLine } from "./screen.ts";

/** Sessions that a complaint names. */
const NAMED = 8;

export const SESSION = "<session>";
export const ABOUT_SESSION = "the session's id (ses_…), its name, or its agent";

/**
 * Finds a session by its id, or a live one by its name or its agent. Of an agent's sessions the main one is meant.
 * @throws Stop for a word that names none, or several
 */
export async function sessionOf(client: Client, word: string): Promise<Session> {
  if (/^ses_[a-z0-9]+$/.test(word)) return client.sessions.get(word);
  const live = everyItem((page) => client.sessions.list({ live: "true", limit: 500, page }));
  const meant: Session[] = [];
  for await (const session of live)
    if (session.lane !== "peek" && (session.name === word || session.agentId === word)) meant.push(session);
  const mains = meant.filter(({ agentId, lane }) => agentId === word && lane === "main");
  const [only, other] = mains.length === 1 ? mains : meant;
  if (only && !other) return only;
  throw new Stop(EXIT.problem, only ? severalText(word, meant) : NONE(word));
}

const NONE = (word: string): string =>
  `No live session has the name or the agent ${word}. signalbox sessions list shows all of them.`;

function severalText(word: string, meant: Session[]): string {
  const some = meant.slice(0, NAMED).map(({ id, name, state }) => `${id} (${name ?? "-"}, ${state})`);
  const more = meant.length > NAMED ? `, and ${meant.length - NAMED} more` : "";
  return safeLine(`${word} names ${meant.length} sessions. Name one by its id: ${some.join(", ")}${more}`);
}
