import type { Run } from "../../protocol/runs.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";

/** Sources of messages that people write. */
const BY_PEOPLE: ReadonlySet<string> = new Set(["person", "channel"]);

/**
 * Whether a person follows the dialogue of a turn, and can say more there. Nobody follows schedules, what agents ask for, and work that any
 * agent may take.
 */
export function isWatched({ journal }: Pick<Services, "journal">, turn: TurnRow, run: Run | undefined): boolean {
  const { agentId, messageId, plan } = turn;
  const id = plan.answerTo ?? messageId;
  const letter = id === null ? undefined : journal.letters.get(id, agentId)?.entry;
  if (letter) return !letter.claimable && BY_PEOPLE.has(letter.source);
  if (turn.kind === "spawn") return plan.tellTo === "user";
  const requester = run?.requester;
  return requester != null && ("conversation" in requester || ("agentId" in requester && requester.agentId === "user"));
}
