import type { Entry } from "../../protocol/messages.ts";
import type { AgentLink } from "../link.ts";
import type { Services } from "../services.ts";
import type { Tell } from "../sessions/open.ts";
import { isQuestion } from "../sessions/places.ts";

/** Notes to the person of a turn beside its answer: in the same dialogue, as progress, so that the relay takes none for the answer. */
export function createNotes({ journal, link, log }: Services): Tell {
  return (turn, text) => {
    const { answerTo } = turn.plan;
    const letter = answerTo === undefined ? undefined : journal.letters.get(answerTo, turn.agentId);
    if (!letter) return;
    const key = { idempotencyKey: `note:${turn.id}:${text.length}` };
    send(link.of(turn.agentId), letter.entry, text, key).catch((error) =>
      log(`A note about message ${letter.entry.id} was not sent: ${error instanceof Error ? error.message : error}`),
    );
  };
}

/** Sends a note: the asker of a delegation gets a report of progress. */
function send({ client }: AgentLink, entry: Entry, text: string, key: { idempotencyKey: string }): Promise<unknown> {
  const { id: replyTo, from: to, kind, payload } = entry;
  const delegationId = kind === "request" && !isQuestion(entry) ? payload?.delegationId : undefined;
  if (typeof delegationId === "string") return client.delegations.progress(delegationId, { text }, key);
  return client.messages.send({ to, replyTo, body: text, payload: { progress: true }, ...key });
}
