import type { PermissionAnswer, PermissionRequest, SessionEvent } from "./provider.ts";
import type { Round } from "./questions.ts";

/** A question of a CLI to people, and what the CLI gets for each answer. */
export interface Ask {
  /** Empty: nobody may answer it. */
  requests: readonly PermissionRequest[];
  /** undefined: other answers are still to come. */
  resultOf(requestId: string, answer: PermissionAnswer): object | undefined;
  /** Answer where nobody answers. */
  denial: object;
}

interface AskTable<Key> {
  emit(event: SessionEvent): void;
  /** Hands an answer to the CLI. */
  respond(key: Key, result: object): Promise<void>;
  /** Gives the reason of a denial to the model. */
  explain(reason: string): void;
  unattended: boolean;
}

/** Questions of a CLI that wait for people, by the CLI's own key of each. */
export function createAskTable<Key>({ emit, respond, explain, unattended }: AskTable<Key>) {
  const open = new Map<string, { key: Key; ask: Ask }>();

  function close(key: Key): void {
    for (const [requestId, one] of open)
      if (one.key === key) {
        open.delete(requestId);
        emit({ type: "ask-withdrawn", requestId });
      }
  }

  return {
    take(key: Key, ask: Ask): void {
      if (unattended || ask.requests.length === 0) void respond(key, ask.denial).catch(() => undefined);
      else {
        for (const request of ask.requests) open.set(request.requestId, { key, ask });
        for (const request of ask.requests) emit({ type: "ask", request });
      }
    },
    /** Closes the questions of a request that is over: answered elsewhere, or its turn stopped. */
    close,
    /** Keys of the requests that wait. */
    waiting: (): Key[] => [...new Set([...open.values()].map(({ key }) => key))],
    async answer(requestId: string, answer: PermissionAnswer): Promise<boolean> {
      const one = open.get(requestId);
      if (!one) return false;
      open.delete(requestId);
      const result = one.ask.resultOf(requestId, answer);
      if (!result) return true;
      await respond(one.key, result);
      close(one.key);
      const isQuestion = one.ask.requests[0]?.subject.type === "question";
      if (answer.decision === "deny" && answer.text && !isQuestion) explain(answer.text);
      return true;
    },
  };
}

/** Question of a form. */
export const formAsk = (round: Round, denial: object, accepted: (values: Record<string, unknown>) => object): Ask => ({
  requests: round.requests,
  resultOf(requestId, answer) {
    const values = round.take(requestId, answer);
    return values === "denied" ? denial : values && accepted(values);
  },
  denial,
});
