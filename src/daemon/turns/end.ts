import type { Exit, TurnResult } from "../../harness/providers/provider.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnEnd, TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import { isNews, isQuestion } from "../sessions/places.ts";
import { answerOf } from "./answer.ts";

/** End of a turn, before its way is decided. */
export type Ending = Omit<TurnEnd, "way">;

/** End of a turn by the result of its CLI. */
export function endOfResult({ outcome, errorCode, error, text, structured }: TurnResult): Ending {
  if (outcome === "ok") return { outcome, ...answerOf({ structured, text }) };
  return {
    outcome,
    ...(errorCode && { errorCode }),
    ...(error && { error }),
    text: outcome === "aborted" ? text : text.trim(),
  };
}

/** End of a turn whose process ended first. */
export function endOfExit({ code, signal, stderr }: Exit): Ending {
  const how = signal ? `by ${signal}` : `with code ${code}`;
  const last = stderr.trim().split("\n").slice(-3).join(" ");
  return { outcome: "error", errorCode: "crashed", error: `The CLI ended ${how}${last ? `: ${last}` : "."}`, text: "" };
}

export const failed = (error: unknown, errorCode: TurnEnd["errorCode"] = "crashed"): Ending => ({
  ...{ outcome: "error" as const, errorCode, text: "" },
  error: error instanceof Error ? error.message : String(error),
});

/** Way of an answer, decided in the write that stores the end: a demotion before it counts, one after it does not. */
export function wayOf(
  { journal }: Services,
  turn: TurnRow,
  session: SessionRow | undefined,
  end: Ending,
): TurnEnd["way"] {
  const letter = turn.messageId === null ? undefined : journal.letters.get(turn.messageId, turn.agentId)?.entry;
  if (letter && isQuestion(letter)) return end.outcome === "aborted" ? "none" : "reply";
  if (turn.kind === "run") return "result";
  if (turn.kind === "feed") return turn.plan.answerTo === undefined ? "none" : "reply";
  if (turn.plan.parentId !== undefined) return "result";
  if (turn.plan.feedTo !== undefined) return end.outcome === "aborted" || end.silent ? "none" : "feed";
  if (letter && (letter.claimable || letter.kind === "request")) return "result";
  if (turn.plan.tellTo !== undefined) return end.outcome === "aborted" ? "none" : "reply";
  if (turn.plan.answerTo === undefined || (end.outcome === "aborted" && end.text === "")) return "none";
  const demotedBy = session?.demotedBy ?? null;
  if (demotedBy === null || end.outcome !== "ok" || end.silent || (letter && isNews(letter))) return "reply";
  return journal.letters.countAfter(turn.agentId, turn.sessionKey, demotedBy) > 0 ? "feed" : "reply";
}
