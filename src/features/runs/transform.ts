import type { EventData, EventStream } from "../../protocol/run-events.ts";
import type { RunOutcome } from "../../protocol/runs.ts";
import { errorText, isObject, toolError, toolOutput } from "./tool-output.ts";
import { type Part, Turn, type TurnState } from "./turn-state.ts";

interface Transformed {
  state: TurnState;
  parts: Part[];
}

/** One event of a runner, as far as it is shown. */
export type ShownEvent = { [S in EventStream]: { stream: S; data: EventData<S> } }[EventStream];

/** End of a turn. */
export interface TurnEnd {
  outcome: RunOutcome;
  /** Failure, in words. */
  error?: string | null | undefined;
  /** Reason of an abort. */
  reason?: string | null | undefined;
  /** Result: shown where the turn has shown no text of its own. */
  text?: string | null | undefined;
}

/** Characters of one delta of a long text. */
const DELTA = 32 * 1024;

/** Applies one event to an open turn: the parts that viewers get, and the state that the next event meets. */
export function transform(before: TurnState, { stream, data }: ShownEvent): Transformed {
  const turn = new Turn(before);
  (BY_STREAM[stream] as (turn: Turn, data: unknown) => void)(turn, data);
  return turn;
}

const asData =
  (type: string) =>
  (turn: Turn, data: unknown): void =>
    turn.show(type, { data });

const BY_STREAM: { [S in EventStream]: (turn: Turn, data: EventData<S>) => void } = {
  lifecycle,
  thinking: (turn, { delta }) => turn.think(delta),
  assistant,
  tool,
  status: (turn, { text }) => turn.status(text),
  compaction,
  usage: asData("data-usage"),
  input: asData("data-input"),
  diff: asData("data-diff"),
};

function lifecycle(turn: Turn, { phase, error }: EventData<"lifecycle">): void {
  const message = phase === "error" ? errorText(error) : undefined;
  if (phase === "start") turn.status("Preparing response...");
  else if (message !== undefined) turn.fail(message);
  else turn.closeBoth();
}

function assistant(turn: Turn, { delta, text, files = [], error }: EventData<"assistant">): void {
  if (delta) turn.say(delta);
  else if (text) turn.sayRest(text);
  for (const { fileId, name, mediaType = "application/octet-stream" } of files)
    turn.show("file", { url: `/v1/files/${fileId}`, mediaType, ...(name === undefined ? {} : { filename: name }) });
  const message = errorText(error);
  if (message !== undefined) turn.fail(message);
}

function tool(turn: Turn, { phase, toolCallId, name = "tool", args, result, isError }: EventData<"tool">): void {
  const input = isObject(args) ? args : {};
  if (phase === "start") {
    turn.closeBoth();
    turn.call(toolCallId, name, input);
    return;
  }
  const known = turn.opened(toolCallId);
  if (!known && turn.hasEnded(toolCallId)) return;
  const call = known ?? turn.call(toolCallId, name, input);
  if (phase === "update") turn.update(call, toolOutput(result));
  else if (isError) turn.failCall(call, toolError(result));
  else turn.result(call, toolOutput(result));
}

function compaction(turn: Turn, { phase, willRetry }: EventData<"compaction">): void {
  const { reasoning } = turn.state;
  turn.state.compacting = phase === "start";
  if (phase === "start") turn.status("Optimizing session context...");
  else if (reasoning?.status === undefined) return;
  else if (willRetry) turn.show("reasoning-delta", { id: reasoning.id, delta: "\nRetrying with compacted context..." });
  else turn.closeReasoning();
}

/** Beginning of a turn. Its id is the id of the message that a viewer makes of it. */
export const startOf = (turnId: string): Part[] => [{ type: "start", messageId: turnId }, { type: "start-step" }];

/** Ends a turn: closes all that is open, and says once how it ended. */
export function endTurn(before: TurnState, { outcome, error, reason, text }: TurnEnd): Transformed {
  const turn = new Turn(before);
  if (text && before.whole[0] === 0) for (const delta of deltasOf(text)) turn.say(delta);
  turn.closeBoth();
  turn.closeCalls(outcome === "aborted" ? "Aborted before it had a result." : "The turn ended before it had a result.");
  turn.state.over = true;
  if (outcome === "ok") {
    turn.show("finish-step", {});
    turn.show("finish", { finishReason: "stop" });
  } else if (outcome === "aborted") turn.show("abort", reason ? { reason } : {});
  else turn.show("error", { errorText: error ?? before.error ?? (outcome === "timeout" ? "Timed out." : "Failed.") });
  return turn;
}

function* deltasOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + DELTA, text.length);
    // A character of two units stays whole.
    if (to < text.length && /[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to += 1;
    yield text.slice(from, to);
    from = to;
  }
}
