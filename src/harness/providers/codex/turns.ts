import type { HarnessError } from "../../errors.ts";
import type { SessionEvent, TurnInput, TurnResult } from "../provider.ts";
import { type Answer, readStructured } from "../structured.ts";
import { codeOf, kindOf, sentenceOf } from "./failures.ts";
import { type Turn, TurnAnswer, type TurnError } from "./messages.ts";
import { type Rpc, RpcRefusal } from "./rpc.ts";

interface TurnsOptions {
  rpc: Pick<Rpc, "request">;
  threadId: string;
  schema: object | null;
  emit(event: SessionEvent): void;
  /** Takes the text of the newest message. */
  takeAnswer(): string | null;
  /** Called when the provider refuses for a time. */
  onLimit(message: string): void;
}

interface Running {
  /** null until Codex has named it. */
  id: string | null;
  /** Inputs that it consumes, and those that it was given and has not begun. */
  inputIds: string[];
  waiting: Set<string>;
  error: TurnError | null;
  /** Resolves at its end. */
  ended: Promise<void>;
  end(): void;
}

/** Turns of one thread, one at a time. Inputs during a turn wait here: Codex would fold them into it. */
export function createTurns({ rpc, threadId, schema, emit, takeAnswer, onLimit }: TurnsOptions) {
  const queue: TurnInput[] = [];
  let running: Running | null = null;
  let gone: HarnessError | null = null;
  let starting: Promise<void> = Promise.resolve();

  function begin(id: string | null): Running {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    running = { id, inputIds: [], waiting: new Set(), error: null, ended, end };
    return running;
  }

  async function start(input: TurnInput): Promise<void> {
    const turn = begin(null);
    turn.inputIds.push(input.id);
    try {
      const answer = await rpc.request("turn/start", {
        ...{ threadId, clientUserMessageId: input.id, input: partsOf(input) },
        ...(schema && { outputSchema: schema }),
      });
      turn.id ??= TurnAnswer.parse(answer).turn.id;
    } catch (error) {
      if (running === turn) running = null;
      turn.end();
      throw error;
    }
  }

  function next(): void {
    const input = queue.shift();
    if (!input) return;
    starting = start(input).catch((error: Error) => {
      if (!(error instanceof RpcRefusal)) return emit({ type: "input", inputIds: [input.id], state: "cancelled" });
      emit({ type: "result", result: failed(error, input.id, queue.length > 0) });
      next();
    });
  }

  function finish(turn: Turn): void {
    const ended = running;
    running = null;
    const { inputIds = [], waiting = [], error = null } = ended ?? {};
    const lost = [...waiting];
    if (lost.length > 0) emit({ type: "input", inputIds: lost, state: "cancelled" });
    const text = answerOf(turn) ?? takeAnswer() ?? "";
    takeAnswer();
    const answer = readStructured(text, turn.status === "completed" ? schema : null);
    const result = resultOf(turn, turn.error ?? error, answer, inputIds);
    emit({ type: "result", result: { ...result, moreFollow: queue.length > 0, mark: turn.id } });
    ended?.end();
    next();
  }

  function cancelQueue(): string[] {
    const cancelled = queue.splice(0).map(({ id }) => id);
    if (cancelled.length > 0) emit({ type: "input", inputIds: cancelled, state: "cancelled" });
    return cancelled;
  }

  return {
    isRunning: (): boolean => running !== null,
    runningId: (): string | null => running?.id ?? null,
    async send(input: TurnInput): Promise<void> {
      if (gone) throw gone;
      if (running) {
        queue.push(input);
        return emit({ type: "input", inputIds: [input.id], state: "queued" });
      }
      const begun = start(input);
      starting = begun.catch(() => undefined);
      emit({ type: "input", inputIds: [input.id], state: "queued" });
      await begun;
    },
    async steer(input: TurnInput): Promise<"steered" | "refused"> {
      if (gone) throw gone;
      await starting;
      const turn = running;
      if (!turn?.id) return "refused";
      turn.waiting.add(input.id);
      try {
        const params = { threadId, expectedTurnId: turn.id, clientUserMessageId: input.id, input: partsOf(input) };
        await rpc.request("turn/steer", params);
      } catch (error) {
        turn.waiting.delete(input.id);
        if (error instanceof RpcRefusal) return "refused";
        throw error;
      }
      // Its receipt may have come first.
      if (turn.waiting.has(input.id)) emit({ type: "input", inputIds: [input.id], state: "queued" });
      return "steered";
    },
    /** Gives the model a text that is no input. */
    remark(text: string): void {
      if (!running?.id) return;
      const input = [{ type: "text", text, text_elements: [] }];
      rpc.request("turn/steer", { threadId, expectedTurnId: running.id, input }).catch(() => undefined);
    },
    async interrupt(): Promise<string[]> {
      if (gone) throw gone;
      const cancelled = cancelQueue();
      await starting;
      const turn = running;
      if (!turn?.id) return cancelled;
      const waiting = [...turn.waiting];
      try {
        await rpc.request("turn/interrupt", { threadId, turnId: turn.id });
      } catch (error) {
        // The turn ended meanwhile.
        if (!(error instanceof RpcRefusal)) throw error;
        return cancelled;
      }
      await turn.ended;
      return [...cancelled, ...waiting.filter((id) => !turn.inputIds.includes(id))];
    },
    started({ id }: Turn): void {
      const turn = running ?? begin(id);
      turn.id = id;
      emit({ type: "turn-started", nativeTurnId: id, inputIds: [...turn.inputIds] });
    },
    /** The model has an input. */
    received(inputId: string): void {
      if (running && !running.inputIds.includes(inputId)) running.inputIds.push(inputId);
      running?.waiting.delete(inputId);
      emit({ type: "input", inputIds: [inputId], state: "started" });
    },
    failing(error: TurnError): void {
      if (running) running.error = error;
      if (codeOf(error) === "limited") onLimit(sentenceOf(error));
    },
    completed: finish,
    /** Ends all: the process has exited. */
    end(error: HarnessError): void {
      gone = error;
      queue.length = 0;
      running?.end();
      running = null;
    },
  };
}
export type Turns = ReturnType<typeof createTurns>;

const partsOf = ({ text, images }: TurnInput): object[] => [
  { type: "text", text, text_elements: [] },
  ...images.map((path) => ({ type: "localImage", path })),
];

function answerOf({ items }: Turn): string | null {
  for (const item of items.toReversed()) {
    const { type, text } = item as { type?: unknown; text?: unknown };
    if (type === "agentMessage" && typeof text === "string") return text;
  }
  return null;
}

const failed = (error: HarnessError, inputId: string, moreFollow: boolean): TurnResult => ({
  ...{ outcome: "error", errorCode: "provider", error: error.message, text: "", structured: undefined },
  ...{ inputIds: [inputId], moreFollow, durationMs: null },
});

function resultOf(
  { status, durationMs }: Turn,
  error: TurnError | null,
  answer: Answer,
  inputIds: string[],
): Omit<TurnResult, "moreFollow"> {
  const common = { ...answer, inputIds, durationMs: durationMs ?? null };
  if (status === "interrupted") return { ...common, outcome: "aborted", errorCode: null, error: null };
  if (status === "completed") return { ...common, outcome: "ok", errorCode: null, error: null };
  if (!error) return { ...common, outcome: "error", errorCode: "unknown", error: `The turn ended as ${status}.` };
  return { ...common, outcome: "error", errorCode: codeOf(error), error: `${sentenceOf(error)} [${kindOf(error)}]` };
}
