import type { ClientContext, ContentBlock, PromptResponse } from "@agentclientprotocol/sdk/unstable";
import type { HarnessError } from "../../errors.ts";
import type { SessionEvent, TurnInput, TurnResult } from "../provider.ts";
import type { AcpAgent } from "./agents.ts";
import { agentError } from "./connection.ts";

interface TurnsOptions {
  acp: AcpAgent;
  agent: ClientContext;
  sessionId: string;
  /** Text before the first input, where the agent takes no system prompt. */
  preface: string | null;
  canSteer: boolean;
  emit(event: SessionEvent): void;
  /** Text of the turn's end. */
  takeAnswer(): string;
  /** Closes the questions that wait. */
  cancelAsks(): void;
  onUsage(): void;
}

interface Running {
  inputIds: string[];
  ended: Promise<void>;
}

/** Turns of one session, one at a time. Inputs during a turn wait here. */
export function createTurns(options: TurnsOptions) {
  const { acp, agent, sessionId, emit, canSteer, cancelAsks } = options;
  const queue: TurnInput[] = [];
  let preface = options.preface;
  let running: Running | null = null;
  let end: HarnessError | null = null;

  function blocksOf({ text, images }: TurnInput): ContentBlock[] {
    const head = preface === null ? "" : `${preface}\n\n`;
    preface = null;
    const whole = plain(head + text);
    const links = images.map((path) => ({
      type: "resource_link" as const,
      name: path,
      uri: `file://${encodeURI(path)}`,
    }));
    return [{ type: "text", text: whole }, ...links];
  }

  async function play(turn: Running, input: TurnInput): Promise<void> {
    emit({ type: "state", state: "working" });
    emit({ type: "turn-started", nativeTurnId: null, inputIds: [input.id] });
    const prompt = { sessionId, prompt: blocksOf(input) };
    const outcome = await agent.request<PromptResponse>("session/prompt", prompt).then(
      (answer) => {
        usage(answer);
        return outcomeOf(acp, answer);
      },
      (error: unknown) => failure(agentError(acp, error)),
    );
    running = null;
    // A process that has ended is told by its exit.
    if (end) return;
    cancelAsks();
    const text = options.takeAnswer();
    const rest = { structured: undefined, inputIds: turn.inputIds, moreFollow: queue.length > 0, durationMs: null };
    emit({ type: "result", result: { ...outcome, text, ...rest } });
    const next = queue.shift();
    if (next) start(next);
    else emit({ type: "state", state: "idle" });
  }

  function usage({ usage: said }: PromptResponse): void {
    if (!said) return;
    options.onUsage();
    emit({
      type: "usage",
      usage: {
        ...{ inputTokens: said.inputTokens, outputTokens: said.outputTokens },
        ...{ cacheReadTokens: said.cachedReadTokens ?? 0, cacheWriteTokens: said.cachedWriteTokens ?? 0 },
      },
    });
  }

  function start(input: TurnInput): void {
    const turn: Running = { inputIds: [input.id], ended: Promise.resolve() };
    running = turn;
    turn.ended = play(turn, input);
  }

  return {
    async send(input: TurnInput): Promise<void> {
      if (end) throw end;
      if (running) queue.push(input);
      else start(input);
    },
    async steer(input: TurnInput): Promise<"steered" | "refused"> {
      if (end) throw end;
      const turn = running;
      if (!canSteer || !turn) return "refused";
      const prompt: ContentBlock[] = [{ type: "text", text: plain(input.text) }];
      // An agent that is idle leaves the text to us.
      const _meta = { steering: { idleBehavior: "promptRequired" } };
      const answer = await agent
        .request<{ outcome?: unknown }>("_session/steering", { sessionId, prompt, _meta })
        .catch(() => undefined);
      if (answer?.outcome !== "injected") return "refused";
      turn.inputIds.push(input.id);
      return "steered";
    },
    async interrupt(): Promise<string[]> {
      if (end) throw end;
      const cancelled = queue.splice(0).map(({ id }) => id);
      const turn = running;
      if (!turn) return cancelled;
      await agent.notify("session/cancel", { sessionId });
      cancelAsks();
      await turn.ended;
      return cancelled;
    },
    /** Fails what comes: the process has ended. */
    end(error: HarnessError): void {
      end = error;
      queue.length = 0;
    },
  };
}

/** Text that no agent takes for one of its commands: those begin with a sign. */
const plain = (text: string): string => (/^\s*[/!@#]/.test(text) ? `Message:\n${text}` : text);

type Outcome = Pick<TurnResult, "outcome" | "errorCode" | "error">;

const LIMITED = /usage limit|rate.?limit|quota|too many requests|\b429\b/i;

const failure = ({ message }: Error): Outcome => ({
  ...{ outcome: "error", errorCode: LIMITED.test(message) ? "limited" : "provider", error: message },
});

function outcomeOf({ title }: AcpAgent, { stopReason }: PromptResponse): Outcome {
  const failed = (errorCode: TurnResult["errorCode"], error: string): Outcome => ({
    outcome: "error",
    errorCode,
    error,
  });
  switch (stopReason) {
    case "end_turn":
      return { outcome: "ok", errorCode: null, error: null };
    case "cancelled":
      return { outcome: "aborted", errorCode: null, error: null };
    case "refusal":
      return failed("refused", `${title}'s model refused to go on.`);
    case "max_tokens":
      return failed("provider", `${title}'s model reached its longest answer.`);
    case "max_turn_requests":
      return failed("provider", `${title} reached its longest turn.`);
    default:
      return failed("unknown", `${title} stopped for a reason that is not known: ${stopReason}.`);
  }
}
