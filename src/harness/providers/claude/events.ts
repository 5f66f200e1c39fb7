import type { SessionEvent } from "../provider.ts";
import { isLimited, isNone, isSome, limitOf, limitOfResult, turnResult, usageOf } from "./results.ts";
import { createSpeech } from "./speech.ts";
import type { Line, Models, Result } from "./wire.ts";

const STATES = { idle: "idle", running: "working", requires_action: "asking" } as const;
/** Ability that a CLI without receipts lacks. */
const RECEIPTS = "msg_lifecycle_v1";

interface EventsHost {
  on(event: SessionEvent): void;
  account(): string | null;
  isResumed: boolean;
  /** Called after the end of a turn was told. */
  turnOver(): void;
}

/** State of a session as its lines tell it, and the events that they become. */
export function createClaudeEvents({ on, account, isResumed, turnOver }: EventsHost) {
  const speech = createSpeech(on);
  /** Inputs that the CLI has and no turn saw yet. */
  const waiting = new Set<string>();
  let current: string[] = [];
  let hasTurn = false;
  let isStopped = false;
  let hasStates = false;
  let hasReceipts = true;
  let isCompacting = false;
  let isLimitTold = false;
  let sums: Models | null = isResumed ? null : {};
  let nextResult = 0;
  /** The model's last message in the dialogue itself. */
  let last: string | undefined;

  function start(inputIds: string[]): void {
    for (const id of inputIds) waiting.delete(id);
    current.push(...inputIds);
  }

  function takeInit(line: Extract<Line, { subtype: "init" }>): void {
    hasReceipts = line.capabilities?.includes(RECEIPTS) ?? false;
    if (!hasReceipts) {
      const [first] = waiting;
      if (first) receipt(first, "started");
    }
    hasTurn = true;
    speech.begin();
    if (!hasStates) on({ type: "state", state: "working" });
    on({ type: "turn-started", nativeTurnId: null, inputIds: line.user_message_uuids ?? [...current] });
  }

  function receipt(id: string, state: "queued" | "started" | "cancelled"): void {
    if (state === "started") start([id]);
    // After a failed turn the CLI also calls its inputs cancelled, which a turn has seen.
    else if (state === "cancelled" && !waiting.delete(id)) return;
    on({ type: "input", inputIds: [id], state });
  }

  function takeResult(result: Result): void {
    const { result_index: index = nextResult } = result;
    if (index > nextResult) on({ type: "results-lost", count: index - nextResult });
    nextResult = index + 1;
    const usages = usageOf(result, sums).filter(isSome);
    if (result.modelUsage) sums = result.modelUsage;
    for (const usage of usages) on({ type: "usage", usage });
    if (isNone(result, usages.length > 0)) return;
    if (isLimited(result) && !isLimitTold) on({ type: "limit", limit: limitOfResult(result, account()) });
    const told = turnResult(result, isStopped);
    if (told.inputIds.length === 0) told.inputIds = [...current];
    if (last !== undefined) told.mark = last;
    for (const id of told.inputIds) waiting.delete(id);
    current = [];
    hasTurn = false;
    isStopped = false;
    isLimitTold = false;
    on({ type: "result", result: told });
    if (!hasStates && !told.moreFollow) on({ type: "state", state: "idle" });
    turnOver();
  }

  function takeStatus(status: string | null | undefined): void {
    const now = status === "compacting";
    if (now !== isCompacting) on({ type: "compaction", phase: now ? "start" : "end" });
    isCompacting = now;
  }

  function takeSystem(line: Extract<Line, { type: "system" }>): void {
    if (line.subtype === "init") takeInit(line);
    else if (line.subtype === "status") takeStatus(line.status);
    else if (line.subtype === "compact_boundary") takeStatus(null);
    else if (line.subtype === "session_state_changed") {
      hasStates = true;
      on({ type: "state", state: STATES[line.state] });
    } else if (line.subtype === "api_retry") {
      const { attempt, retry_delay_ms: inMs, error_status: status = null, error = "" } = line;
      on({ type: "retry", attempt, inMs, status, error });
    } else on({ type: "transcript-torn", reason: line.error_code ?? "unknown" });
  }

  return {
    take(line: Line): void {
      if (line.type === "system") takeSystem(line);
      else if (line.type === "assistant" || line.type === "user") {
        if (line.type === "assistant" && !line.parent_tool_use_id) last = line.uuid ?? last;
        speech.takeMessage(line);
      } else if (line.type === "stream_event") speech.takeDelta(line);
      else if (line.type === "result") takeResult(line);
      else if (line.type === "command_lifecycle" && line.state !== "completed") receipt(line.command_uuid, line.state);
      else if (line.type === "rate_limit_event") {
        const limit = limitOf(line, account());
        isLimitTold ||= limit.state === "rejected";
        on({ type: "limit", limit });
      } else if (line.type === "session_writes_lost")
        on({ type: "transcript-torn", reason: line.error_code ?? "unknown" });
    },
    /** Input that was written to the CLI. */
    sent(id: string): void {
      waiting.add(id);
      if (!hasReceipts) on({ type: "input", inputIds: [id], state: "queued" });
    },
    stopping(): void {
      isStopped = hasTurn;
    },
    waiting: (): string[] => [...waiting],
    isBusy: (): boolean => hasTurn || waiting.size > 0,
    /** false: the CLI folds texts into turns without a word, so they are kept back until the turn is over. */
    hasReceipts: (): boolean => hasReceipts,
  };
}
