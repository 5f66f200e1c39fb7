import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Services } from "../services.ts";

const MESSAGES = 12;
const TOKENS = 600;

/** The newest messages of a dialogue in envelopes, for a session that does not remember them. Empty where there are none. */
export async function digestOf(
  services: Services,
  agentId: string,
  sessionKey: string,
  before: number | null,
): Promise<string> {
  const { journal, link, time, life } = services;
  const letters = journal.letters.newest(agentId, sessionKey, MESSAGES).map(({ entry }) => entry.id);
  const answers = journal.turns.newest(agentId, sessionKey, MESSAGES).flatMap(({ answerId }) => answerId ?? []);
  const ids = [...letters, ...answers]
    .filter((id) => before === null || id < before)
    .sort((a, b) => a - b)
    .slice(-MESSAGES);
  const texts: string[] = [];
  for (const id of ids) {
    try {
      const letter = await untilAnswered(
        time,
        () => link.of(agentId).client.messages.letter(id, { budget: TOKENS }),
        life,
      );
      texts.push(letter.text);
    } catch (error) {
      // Retention may have deleted it.
      if (!(error instanceof RelayProblem)) throw error;
    }
  }
  return texts.length === 0 ? "" : ["The dialogue so far, its newest messages:", ...texts].join("\n");
}
