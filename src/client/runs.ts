import type { RunPart } from "../protocol/run-events.ts";
import type { RunDraft } from "../protocol/runs.ts";
import { linkedAbort } from "./abort.ts";
import type { Caller, Keyed } from "./caller.ts";
import { problemOf } from "./errors.ts";
import { createEars, type Heard } from "./run-ear.ts";
import { followRun, type RunFollowOptions, turnChunks } from "./run-follow.ts";
import { openHandle, type RunHandle, type RunHandleEvent, type Taken } from "./run-handle.ts";
import { during } from "./run-heard.ts";
import { type ServeOptions, serve } from "./run-serve.ts";
import { promptOf, type Turn } from "./run-turn.ts";
import { runVerbs } from "./run-verbs.ts";

/** `signal` also ends the handle's own signal. */
export type StartRun = Keyed & { onEvent?: (event: RunHandleEvent) => void };

type ResumeRun = StartRun & { again?: boolean; leaseSeconds?: number };

const LEASE_SECONDS = 120;
/** Look at a run whose next turn is awaited, also without news. */
const LOOK_MS = 30_000;

/** Verbs on runs, and the runner's side of them. */
export function runs(caller: Caller) {
  const verbs = runVerbs(caller);
  const ears = createEars(caller);
  const base = { caller, verbs, ears };

  async function hold(taken: Taken, options: StartRun, leaseSeconds: number): Promise<RunHandle> {
    return openHandle({ ...base, leaseSeconds, onEvent: options.onEvent }, taken, options.signal);
  }

  async function resume(
    id: string,
    { again, leaseSeconds = LEASE_SECONDS, ...options }: ResumeRun = {},
  ): Promise<RunHandle> {
    const { agentId } = await verbs.get(id, options);
    return during(ears, agentId, async (heard) => {
      const { run, turnId, token } = await verbs.take(id, { again, leaseSeconds }, options);
      const turn = await promptOf(verbs, { ...run, turnId }, heard, options);
      return hold({ run, token, turn, heard }, options, leaseSeconds);
    });
  }

  return {
    ...verbs,

    /**
     * Begins a run of the agent acted for and holds it. The handle sends events in batches, renews the lease and hears a stop;
     * end it with `finish`. A run that waits for its agent with the same message is taken. Problems: as `create`; `forbidden` when the
     * caller may not run it.
     */
    async start(draft: RunDraft, { onEvent, ...call }: StartRun = {}): Promise<RunHandle> {
      const { leaseSeconds = LEASE_SECONDS } = draft;
      const agentId = draft.agentId ?? (await caller.self(call));
      // Listens first: the run may be stopped as soon as it is there.
      return during(ears, agentId, async (heard) => {
        const run = await verbs.create({ ...draft, agentId, from: agentId }, call);
        const { id, token, turnId, task, status } = run;
        if (status === "ended") throw problemOf("not-open", `${id}, made before with this key, has ended`);
        if (!token) return resume(id, { ...call, onEvent, leaseSeconds });
        const turn: Turn = { turnId, cause: "begin", text: task, files: draft.files ?? [], findings: [] };
        return hold({ run, token, turn, heard }, { ...call, onEvent }, leaseSeconds);
      });
    },

    /** Takes the waiting turn of a run and holds it; `again` begins one in a run that was lost. */
    resume,

    /**
     * Waits until a run has another turn, and takes it: after something was said to it, or when the runs that it asked for have
     * ended. @returns undefined once the run has ended
     */
    next,

    /** Takes the queued turns of an agent's runs and runs the handler for each, until its signal fires. */
    serve: (options: ServeOptions): Promise<void> => serve(base, options),

    /** Follows the parts of a run, from its beginning or a place to its end. */
    follow: (id: string, options?: RunFollowOptions): AsyncGenerator<RunPart, void, void> =>
      followRun(caller, id, options),

    /** One turn as chunks of the AI SDK's UI message stream. */
    stream: (id: string, options?: { turn?: string; signal?: AbortSignal }) => turnChunks(caller, id, options),
  };

  async function next(id: string, options: ResumeRun = {}): Promise<RunHandle | undefined> {
    const { agentId } = await verbs.get(id, options);
    let news = linkedAbort(options.signal);
    const listener = {
      heard: ({ control }: Heard) => void (control.id === id && news.abort(undefined)),
      failed: (cause: unknown) => news.abort(cause),
    };
    const leave = await ears.listen(agentId, listener);
    try {
      for (;;) {
        const { status } = await verbs.get(id, options);
        if (status === "ended") return undefined;
        if (status === "queued") return await resume(id, options);
        await caller.timing.sleep(LOOK_MS, news.signal).catch(() => undefined);
        options.signal?.throwIfAborted();
        news.dispose();
        news = linkedAbort(options.signal);
      }
    } finally {
      news.dispose();
      leave();
    }
  }
}
