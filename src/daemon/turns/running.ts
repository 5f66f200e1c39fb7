import type { RunHandle } from "../../client/run-handle.ts";
import type { SessionEvent, TurnResult } from "../../harness/providers/provider.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Claim } from "./claims.ts";

/** A turn that works: from its session's beginning until the relay has its end. */
export interface RunningTurn {
  readonly turn: TurnRow;
  readonly sessionId: string;
  handle?: RunHandle;
  /** Claim of its message, where that is work. */
  claim?: Claim;
  /** Its CLI has the prompt since, by the daemon's clock; undefined before. */
  sentAt?: number;
  /** Waits for the end of a limit, or for a person at a cap: it goes on by itself, or after the next start. */
  readonly isWaiting?: boolean;
  /** Its end is stored. */
  isEnded: boolean;
  /** Settles when its CLI has it, or it has ended before. */
  readonly sent: Promise<void>;
  /** Settles when the relay has its end. Never rejects. */
  readonly done: Promise<void>;
  /** Puts words into it. `refused`: its CLI cannot, or it has not begun. */
  tell?(text: string): Promise<"steered" | "refused">;
  /** Ends its process. The turn waits at its gates, to go on. Resolves with the number of processes that did not end. */
  pause(): Promise<number>;
  /** Ends its process. The turn keeps its run and its lease, and waits until its caps let it go on. */
  keep(): void;
  /** Ends its process and begins it again, once. @returns false where it has begun again before, and nothing was done */
  restart(): boolean;
  /** Ends it by the results that its CLI has given so far, and ends its process. */
  conclude?(): void;
  /** Stops it, and ends it as refused, with a sentence: it may not do what it needs. */
  refuse(error: string): void;
  /** Stops it: `kill` says that its process goes too. */
  stop(how: "interrupt" | "kill", reason: string): void;
}

/** A turn that goes on later. */
export class Paused extends Error {
  override readonly name = "Paused";
}

/**
 * Collects the results of one turn: more may follow where the CLI took several inputs. `inputId` null: the CLI goes on with a
 * turn that was cut off, under an id of its own.
 */
export function createResults(inputId: string | null) {
  const parts: TurnResult[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<TurnResult>();
  return {
    begun: begun.promise,
    ended: ended.promise,
    /** Takes what was heard for the whole result. */
    conclude(): void {
      const isOurs = parts.some(({ inputIds: ids }) => inputId === null || ids.length === 0 || ids.includes(inputId));
      ended.resolve((isOurs && joined(parts)) || LOST);
    },
    hear(event: SessionEvent): void {
      if (SIGNS.has(event.type)) begun.resolve();
      if (event.type === "results-lost") ended.resolve(joined(parts) ?? LOST);
      if (event.type !== "result") return;
      const { inputIds, moreFollow } = event.result;
      const isOurs = inputId === null || parts.length > 0 || inputIds.length === 0 || inputIds.includes(inputId);
      parts.push(event.result);
      if (!moreFollow && isOurs) ended.resolve(joined(parts) ?? LOST);
    },
  };
}

/** Events of a turn that runs. */
const SIGNS: ReadonlySet<string> = new Set(["turn-started", "say", "said", "tool", "ask", "result"]);

const LOST: TurnResult = {
  ...{ outcome: "error", errorCode: "no-result", error: "The CLI gave no result.", text: "" },
  ...{ structured: undefined, inputIds: [], moreFollow: false, durationMs: null },
};

function joined(parts: readonly TurnResult[]): TurnResult | undefined {
  const last = parts.at(-1);
  if (!last || parts.length === 1) return last;
  const text = parts
    .map((part) => part.text.trim())
    .filter(Boolean)
    .join("\n\n");
  return { ...last, text };
}
