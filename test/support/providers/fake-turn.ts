import type {
  PermissionAnswer,
  PermissionRequest,
  ProviderLimit,
  SessionEvent,
  TurnInput,
  TurnResult,
} from "../../../src/harness/providers/provider.ts";

/** Running turn of a fake session. */
export interface FakeTurn {
  readonly inputs: readonly TurnInput[];
  /** Texts of its inputs, those that were steered into it too. */
  readonly text: string;
  readonly isOver: boolean;
  /** Tells any event. */
  tell(event: SessionEvent): void;
  say(text: string): void;
  /** A whole tool call. Text that was steered meanwhile reaches the turn at its end, as in the CLIs. */
  tool(name: string, args: unknown, result: unknown, isError?: boolean): void;
  /** Asks for a permission. Resolves with the answer, or null when it was withdrawn by an interrupt. */
  ask(request?: Partial<PermissionRequest>): Promise<PermissionAnswer | null>;
  /** Takes back the question that is open. */
  withdraw(): void;
  usage(inputTokens: number, outputTokens: number, costUsd: number): void;
  /** Meets a limit of its provider, and ends by it. */
  limited(limit: Partial<ProviderLimit>): void;
  /** Text that was steered reaches the model. */
  boundary(): void;
  /** Ends it with an answer. Later calls of a turn that is over do nothing. */
  finish(text: string, more?: Partial<TurnResult>): void;
  fail(error: string, errorCode?: TurnResult["errorCode"]): void;
  /** Ends it without a word: its result is lost. `told`: the CLI says that one is missing. */
  loseResult(told: boolean): void;
}

export interface TurnHost {
  tell(event: SessionEvent): void;
  hasReceipts: boolean;
  /** Inputs that wait behind it. */
  queued(): number;
  /** Registers the open question; the returned promise is its answer. */
  ask(request: PermissionRequest): Promise<PermissionAnswer | null>;
  withdraw(): void;
  /** End of the turn in the stored dialogue, where the fake can copy up to there. */
  mark?(): string;
  /** Called once, with the text of its end. */
  over(answer: string | null): void;
}

export interface SteerableTurn extends FakeTurn {
  steer(input: TurnInput): void;
  /** Input that was steered and has not reached the model. */
  takeSteered(): TurnInput[];
}

let requests = 0;

export function createFakeTurn(first: TurnInput, host: TurnHost): SteerableTurn {
  const inputs = [first];
  let steered: TurnInput[] = [];
  let isOver = false;
  const tell = (event: SessionEvent) => {
    if (!isOver) host.tell(event);
  };
  const end = (result: Partial<TurnResult> | null, lost = false) => {
    if (isOver) return;
    host.withdraw();
    const inputIds = inputs.map(({ id }) => id);
    const whole = { outcome: "ok" as const, errorCode: null, error: null, text: "", structured: undefined };
    const rest = { inputIds, moreFollow: host.queued() + steered.length > 0, durationMs: 1 };
    const mark = host.mark?.();
    if (result) host.tell({ type: "result", result: { ...whole, ...rest, ...(mark && { mark }), ...result } });
    if (lost) host.tell({ type: "results-lost", count: 1 });
    isOver = true;
    host.over(result?.text ?? null);
  };
  const turn: SteerableTurn = {
    inputs,
    get text() {
      return inputs.map(({ text }) => text).join("\n");
    },
    get isOver() {
      return isOver;
    },
    tell,
    say: (text) => tell({ type: "say", delta: text }),
    tool(name, args, result, isError = false) {
      const id = `tool_${++requests}`;
      tell({ type: "tool", phase: "start", id, name, args });
      tell({ type: "tool", phase: "result", id, result, isError });
      turn.boundary();
    },
    async ask(request = {}) {
      const requestId = `ask_${++requests}`;
      const line = "rm -rf build";
      return await host.ask({
        requestId,
        subject: { type: "command", line, cwd: "/", envNames: [] },
        title: `Run ${line}`,
        exact: JSON.stringify({ command: line }),
        offers: { once: true, session: true },
        oneTap: true,
        ...request,
      });
    },
    withdraw: () => host.withdraw(),
    usage: (inputTokens, outputTokens, costUsd) =>
      tell({ type: "usage", usage: { inputTokens, outputTokens, costUsd, model: "fake" } }),
    limited(limit) {
      const whole = { account: null, window: "five_hour", state: "rejected" as const, until: null, utilization: null };
      tell({ type: "limit", limit: { ...whole, evidence: {}, ...limit } });
      turn.fail("The limit of the account is reached.", "limited");
    },
    boundary() {
      if (isOver || steered.length === 0) return;
      const inputIds = steered.map(({ id }) => id);
      inputs.push(...steered);
      steered = [];
      if (host.hasReceipts) tell({ type: "input", inputIds, state: "started" });
    },
    finish: (text, more = {}) => end({ text, ...more }),
    fail: (error, errorCode = "provider") => end({ outcome: "error", errorCode, error }),
    loseResult: (told) => end(null, told),
    steer: (input) => steered.push(input),
    takeSteered: () => steered.splice(0),
  };
  return turn;
}
