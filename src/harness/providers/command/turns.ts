import type { SessionEvent, TurnInput, TurnResult } from "../provider.ts";
import { requestOf, wordsOf } from "./asks.ts";
import type { AskLine, LineOfAgent, LineToAgent } from "./lines.ts";

interface TurnsHost {
  cwd: string;
  canSteer: boolean;
  unattended: boolean;
  on(event: SessionEvent): void;
  write(line: LineToAgent): Promise<void>;
}

interface Turn {
  inputIds: string[];
  /** Steered, and not yet said to be in it. */
  steered: string[];
  said: string;
  startedAt: number;
  hasLimit: boolean;
}

/** Turns of an agent that takes one at a time: inputs wait here, so that the agent needs no queue. */
export function createTurns({ cwd, canSteer, unattended, on, write }: TurnsHost) {
  const queue: TurnInput[] = [];
  const open = new Map<string, AskLine>();
  let turn: Turn | null = null;

  function next(): void {
    const input = turn ? undefined : queue.shift();
    if (!input) return;
    turn = { inputIds: [input.id], steered: [], said: "", startedAt: performance.now(), hasLimit: false };
    on({ type: "state", state: "working" });
    on({ type: "input", inputIds: [input.id], state: "started" });
    on({ type: "turn-started", nativeTurnId: null, inputIds: [input.id] });
    // A write that fails meets a process that has ended: its exit says so.
    void write(lineOf("turn", input)).catch(() => undefined);
  }

  function end(result: Pick<TurnResult, "outcome" | "errorCode" | "error"> & { text: string; structured?: unknown }) {
    if (!turn) return;
    const { inputIds, steered, startedAt } = turn;
    withdrawAll();
    turn = null;
    const whole = { inputIds: [...inputIds, ...steered], moreFollow: queue.length > 0 };
    const durationMs = Math.round(performance.now() - startedAt);
    on({ type: "result", result: { structured: undefined, ...result, ...whole, durationMs } });
    if (queue.length === 0) on({ type: "state", state: "idle" });
    next();
  }

  function withdraw(requestId: string): void {
    if (open.delete(requestId)) on({ type: "ask-withdrawn", requestId });
  }
  function withdrawAll(): void {
    for (const requestId of [...open.keys()]) withdraw(requestId);
  }

  function ask(line: AskLine): void {
    const request = requestOf(line, cwd);
    if (!request || unattended || !turn || open.has(line.id)) {
      const why = request ? "Nobody is there to answer. Go on without it." : "The question names nothing to decide.";
      void write({ type: "answer", ask: line.id, decision: "deny", text: why }).catch(() => undefined);
      return;
    }
    open.set(line.id, line);
    on({ type: "ask", request });
    on({ type: "state", state: "asking" });
  }

  function takeWork(line: LineOfAgent): void {
    if (!turn) return;
    if (line.type === "say") {
      turn.said += line.text;
      on({ type: "say", delta: line.text });
    } else if (line.type === "think") on({ type: "think", delta: line.text });
    else if (line.type === "status") on({ type: "status", text: line.text });
    else if (line.type === "tool") on({ ...line, phase: "start", args: line.args });
    else if (line.type === "tool-result")
      on({ type: "tool", phase: "result", id: line.id, result: line.result, isError: line.error });
    else if (line.type === "diff") {
      const { patch, ...rest } = line;
      on({ ...rest, ...(patch !== undefined && { patch }) });
    } else if (line.type === "usage") {
      const { type, ...usage } = line;
      on({ type, usage });
    } else if (line.type === "steered" && turn.steered.includes(line.id)) {
      turn.steered = turn.steered.filter((one) => one !== line.id);
      turn.inputIds.push(line.id);
      on({ type: "input", inputIds: [line.id], state: "started" });
    }
  }

  function takeEnd(line: LineOfAgent): void {
    if (line.type === "done") {
      const { text = turn?.said ?? "", value: structured } = line;
      end({ outcome: "ok", errorCode: null, error: null, text, structured });
    } else if (line.type === "failed") {
      const errorCode = line.limited || turn?.hasLimit ? "limited" : "provider";
      end({ outcome: "error", errorCode, error: line.error, text: "" });
    } else if (line.type === "stopped") end({ outcome: "aborted", errorCode: null, error: null, text: "" });
  }

  return {
    take(line: LineOfAgent): void {
      if (line.type === "ask") ask(line);
      else if (line.type === "withdraw") withdraw(line.id);
      else if (line.type === "limit") {
        if (turn) turn.hasLimit = true;
        const { window, until } = line;
        on({
          type: "limit",
          limit: { account: null, window, state: "rejected", until, utilization: null, evidence: {} },
        });
      } else {
        takeWork(line);
        takeEnd(line);
      }
    },
    send(input: TurnInput): void {
      queue.push(input);
      on({ type: "input", inputIds: [input.id], state: "queued" });
      next();
    },
    async steer(input: TurnInput): Promise<"steered" | "refused"> {
      if (!turn || !canSteer) return "refused";
      turn.steered.push(input.id);
      on({ type: "input", inputIds: [input.id], state: "queued" });
      await write(lineOf("steer", input));
      return "steered";
    },
    /** Takes back the inputs that wait. @returns their ids, and whether a turn runs */
    cancel(): { cancelled: string[]; isRunning: boolean } {
      const cancelled = queue.splice(0).map(({ id }) => id);
      if (cancelled.length > 0) on({ type: "input", inputIds: cancelled, state: "cancelled" });
      return { cancelled, isRunning: turn !== null };
    },
    /** Closes a question for its answer. @returns the text that the agent gets; undefined when the question is not open */
    answered(requestId: string, text: string | null): string | null | undefined {
      const ask = open.get(requestId);
      if (!ask) return undefined;
      open.delete(requestId);
      if (open.size === 0) on({ type: "state", state: "working" });
      return wordsOf(ask, text);
    },
    withdrawAll,
  };
}

const lineOf = (type: "turn" | "steer", { id, text, images, provenance: from }: TurnInput): LineToAgent => ({
  ...{ type, id, text, images, from },
});
