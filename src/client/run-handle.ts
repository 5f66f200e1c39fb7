import type { z } from "zod";
import type { EVENT_DATA, EventStream } from "../protocol/run-events.ts";
import type { Run, RunFinish, UsageInput } from "../protocol/runs.ts";
import { linkedAbort } from "./abort.ts";
import { randomKey } from "./caller.ts";
import { RelayProblem, RunStopped } from "./errors.ts";
import type { EventDraft } from "./run-drafts.ts";
import type { Ears, Heard } from "./run-ear.ts";
import { keepTurn, type TurnServices } from "./run-lease.ts";
import { createSender } from "./run-sender.ts";
import type { Turn } from "./run-turn.ts";
import type { Call } from "./transport.ts";
import { untilAnswered } from "./until-answered.ts";

export type DataOf<S extends EventStream> = z.input<(typeof EVENT_DATA)[S]>;

/** Something that was said to a running turn. `messageId`: of the control message, for `input`. */
export interface RunWord {
  messageId: number;
  text: string;
  /** Ids of the files that came with it. */
  files: string[];
}

/** News of a handle, for logs. `dropped`: events that the relay never gets. */
export type RunHandleEvent = { type: "dropped"; runId: string; events: number; cause: unknown };

export interface HandleServices extends TurnServices {
  readonly ears: Ears;
  readonly onEvent?: ((event: RunHandleEvent) => void) | undefined;
}

/** A turn that was taken. */
export interface Taken {
  run: Run;
  token: string;
  turn: Turn;
  /** Heard before the handle was there. */
  heard: Heard[];
}

export type RunHandle = Awaited<ReturnType<typeof openHandle>>;

/** Holds a running turn: sends its events, renews its lease, hears what the relay says to it, and ends it. */
export async function openHandle(services: HandleServices, { run, token, turn, heard }: Taken, outer?: AbortSignal) {
  const { caller, verbs } = services;
  const { id, agentId } = run;
  const life = linkedAbort();
  const stop = linkedAbort(outer);
  const words = createWords();
  let last: Run | undefined;
  const call = { agentId, run: token };
  const sender = createSender({
    timing: caller.timing,
    append: (events) => verbs.append(id, events, { ...call, signal: life.signal, retries: 0 }),
    onRefused: lose,
    onDropped: (events, cause) => services.onEvent?.({ type: "dropped", runId: id, events, cause }),
  });

  /** The relay no longer takes this turn for running. A finish may still be taken, as late. */
  function lose(cause: unknown): void {
    if (life.signal.aborted) return;
    sender.close();
    stop.abort(cause);
  }

  function hear({ messageId, control }: Heard): void {
    if (control.id !== id || control.turnId !== turn.turnId) return;
    if (control.do === "abort") stop.abort(new RunStopped(control.text ?? "The run was asked to stop"));
    if (control.do === "message") words.add({ messageId, text: control.text ?? "", files: control.files });
  }

  const leave = await services.ears.listen(agentId, { heard: hear, failed: lose });
  // Words to a waiting turn are in its prompt already.
  const isInPrompt = ({ control }: Heard) => control.do === "message" && turn.text?.includes(control.text ?? " ");
  for (const one of heard) if (!isInPrompt(one)) hear(one);
  void keepTurn(services, { id, token, agentId }, { life: life.signal, stop, lose });

  /** Gives the turn up without ending it: no more renewals, so it is lost when its lease runs out. */
  function close(): void {
    leave();
    sender.close();
    life.abort(undefined);
    stop.dispose();
  }

  const event = <S extends EventStream>(stream: S, data: DataOf<S>): void => sender.add({ stream, data } as EventDraft);

  return {
    id,
    /** The run as it was when the turn began. */
    run,
    turnId: turn.turnId,
    /** Fence of the turn: `run` of calls that belong to it, so that runs and delegations hang below this one. */
    token,
    /** Text to work on. */
    turn,
    /** Fires when the run was asked to stop (`RunStopped`), when its turn was lost, and with the caller's signal. */
    signal: stop.signal,

    /** Says a piece of the answer. */
    say: (delta: string): void => event("assistant", { delta }),
    /** Says a piece of the model's thinking. */
    think: (delta: string): void => event("thinking", { delta }),
    /** Reports a call of a tool: its start, partial output, its result. */
    tool: {
      /** @returns the id of the call, for `update` and `result` */
      start(name: string, args?: unknown, toolCallId: string = randomKey()): string {
        event("tool", { phase: "start", toolCallId, name, args });
        return toolCallId;
      },
      update: (toolCallId: string, result: unknown): void => event("tool", { phase: "update", toolCallId, result }),
      result: (toolCallId: string, result: unknown, { isError }: { isError?: boolean } = {}): void =>
        event("tool", { phase: "result", toolCallId, result, isError }),
    },
    /** Adds to the tokens and money of the run. */
    usage: (added: UsageInput): void => event("usage", added),
    /** Reports a file that the run changed. */
    diff: (data: DataOf<"diff">): void => event("diff", data),
    /** Reports messages that went into a model turn, or were taken out of its queue. */
    input: (messageIds: number[], state: DataOf<"input">["state"] = "started"): void =>
      event("input", { messageIds, state }),
    /** Shows a line about the present step. */
    status: (text: string): void => event("status", { text }),
    /** Any event, by its stream. */
    event,

    /** Calls `listener` for everything that is said to the running turn, also for what came before. */
    onMessage: words.listen,
    /** Resolves when everything said so far is stored. */
    flush: (): Promise<void> => sender.flush(),

    /**
     * Ends the turn, until the relay answers: a restart of the relay loses no result. `outcome` is `ok` by default, after a stop
     * `aborted`. After the problem `required-result` the turn goes on; every other failure closes the handle.
     */
    async finish(end: Partial<RunFinish> = {}, { signal }: Call = {}): Promise<Run> {
      signal?.addEventListener("abort", sender.close, { once: true });
      await sender.flush();
      const outcome = stop.signal.reason instanceof RunStopped ? "aborted" : "ok";
      try {
        const ended = await untilAnswered(
          caller.timing,
          () => verbs.finish(id, { outcome, ...end }, { ...call, signal }),
          signal,
        );
        last = ended;
        close();
        return ended;
      } catch (error) {
        if (!(error instanceof RelayProblem && error.code === "required-result")) close();
        throw error;
      }
    },
    /** The run as it was when the turn had ended. */
    get ended(): Run | undefined {
      return last;
    },
    /** Whether the turn was ended or given up. */
    get isClosed(): boolean {
      return life.signal.aborted;
    },
    close,
  };
}

/** Keeps what was said until somebody listens. */
function createWords() {
  const early: RunWord[] = [];
  let listener: ((word: RunWord) => void) | undefined;
  return {
    add(word: RunWord): void {
      if (listener) listener(word);
      else early.push(word);
    },
    listen(next: (word: RunWord) => void): void {
      listener = next;
      for (const word of early.splice(0)) next(word);
    },
  };
}
