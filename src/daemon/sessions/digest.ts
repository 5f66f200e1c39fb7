import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { withLinks } from "../../protocol/link-text.ts";
import { counted } from "../counted.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { quote } from "../turns/quote.ts";
import { progressOf } from "./progress.ts";

const MESSAGES = 12;
const TOKENS = 600;
/** Results of turns that no message has told. */
const RESULTS = 3;
const RESULT_CHARS = 1500;

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

/** Words for a session that takes a turn over from another provider: folder, dialogue, results and links so far. */
export async function takeOverNote(
  services: Services,
  turn: TurnRow,
  of: SessionRow | undefined,
  from: string,
): Promise<string> {
  const { agentId, sessionKey, plan, messageId } = turn;
  const before = services.journal.turns.newest(agentId, sessionKey, MESSAGES).filter(({ id }) => id !== turn.id);
  const results = before.filter(({ answerId, end }) => answerId === null && end?.text).slice(0, RESULTS);
  const links = withLinks(
    "",
    before.toReversed().flatMap(({ end }) => end?.observed?.links ?? []),
  );
  return [
    `You take over this work from ${from}, whose account is limited. Its folder is ${of?.cwd ?? services.config.workspace}.`,
    await begunNote(services, turn),
    await digestOf(services, agentId, plan.feedTo ?? sessionKey, messageId),
    ...results
      .toReversed()
      .map(({ runId, end }) =>
        quote(`Result of ${runId ?? "a turn before"}`, (end?.text ?? "").slice(0, RESULT_CHARS)),
      ),
    links && quote("Links so far", links),
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** Progress of a turn in hand; empty for one that has not begun. */
async function begunNote(services: Services, { agentId, runId, sentAt }: TurnRow): Promise<string> {
  if (sentAt === null || runId === null) return "";
  const { tools, said } = await progressOf(services, agentId, runId).catch((error) => {
    if (!(error instanceof RelayProblem)) throw error;
    return { tools: 0, said: "" };
  });
  const begun = `It has begun: ${counted(tools, "call")} of tools. Look at what is there before you do anything again.`;
  return [begun, said && quote("It said last", said)].filter(Boolean).join("\n");
}
