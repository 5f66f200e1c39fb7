import { HarnessError } from "../../../src/harness/errors.ts";
import type {
  Capabilities,
  Exit,
  LeftProcess,
  NativeSession,
  OpenTask,
  PermissionAnswer,
  SessionEvent,
  TurnInput,
} from "../../../src/harness/providers/provider.ts";
import { createFakeTurn, type FakeTurn, type SteerableTurn } from "./fake-turn.ts";

/** Session of a fake provider, with the test's hands on it. */
export interface FakeSession extends NativeSession {
  readonly task: OpenTask;
  readonly isRunning: boolean;
  /** Every input that it got, steered ones too. */
  readonly inputs: readonly TurnInput[];
  /** The running turn. @throws without one */
  readonly turn: FakeTurn;
  readonly isWorking: boolean;
  /** Answers that it got, by request. */
  readonly answers: Map<string, PermissionAnswer>;
  tell(event: SessionEvent): void;
  /** Dies, with what was running. */
  crash(end?: Partial<Exit>): void;
  /** Dies. The returned function tells its end, as after the look for what it left. */
  dieSlowly(): () => void;
}

export interface SessionHost {
  capabilities: Capabilities;
  play(turn: FakeTurn): void | Promise<void> | undefined;
  store(nativeId: string, text: string): void;
  /** Texts that are stored of a session. */
  stored(nativeId: string): number;
  left(): readonly LeftProcess[];
  closing(): void | Promise<void> | undefined;
  interrupted: Map<string, TurnInput>;
}

let pids = 4_000_000;

export function openFake(task: OpenTask, nativeId: string, host: SessionHost): FakeSession {
  const { capabilities } = host;
  const ended = Promise.withResolvers<Exit>();
  const inputs: TurnInput[] = [];
  let queue: TurnInput[] = [];
  let turn: SteerableTurn | null = null;
  /** Questions that wait, by request. */
  const questions = new Map<string, (answer: PermissionAnswer | null) => void>();
  let isRunning = true;
  let isNamed = false;
  const tell = (event: SessionEvent) => {
    if (isRunning) task.on(event);
  };
  const receipt = (inputIds: string[], state: "queued" | "started" | "cancelled") => {
    if (capabilities.receipts && inputIds.length > 0) tell({ type: "input", inputIds, state });
  };
  const name = () => {
    if (!isNamed) tell({ type: "native", nativeId });
    isNamed = true;
  };

  function begin(): void {
    const input = turn || !isRunning ? undefined : queue.shift();
    if (!input) return;
    name();
    host.store(nativeId, input.text);
    host.interrupted.set(nativeId, input);
    tell({ type: "state", state: "working" });
    receipt([input.id], "started");
    tell({ type: "turn-started", nativeTurnId: null, inputIds: [input.id] });
    const own = createFakeTurn(input, {
      tell,
      hasReceipts: capabilities.receipts,
      queued: () => queue.length,
      ask: (request) => {
        const { promise, resolve } = Promise.withResolvers<PermissionAnswer | null>();
        questions.set(request.requestId, resolve);
        tell({ type: "ask", request });
        tell({ type: "state", state: "asking" });
        return promise;
      },
      withdraw,
      mark: () => String(host.stored(nativeId) + 1),
      over: (answer) => {
        host.interrupted.delete(nativeId);
        if (answer !== null) host.store(nativeId, answer);
        queue.unshift(...own.takeSteered());
        turn = null;
        if (queue.length === 0) tell({ type: "state", state: "idle" });
        else begin();
      },
    });
    turn = own;
    void host.play(own);
  }

  function withdraw(): void {
    for (const [requestId, answered] of questions) {
      tell({ type: "ask-withdrawn", requestId });
      answered(null);
    }
    questions.clear();
  }

  function end(exit: Partial<Exit>): void {
    if (!isRunning) return;
    isRunning = false;
    for (const answered of questions.values()) answered(null);
    turn = null;
    queue = [];
    ended.resolve({ code: 0, signal: null, stderr: "", left: host.left(), ...exit });
  }

  /** @throws HarnessError as the contract says for a session that has exited */
  function running(): void {
    if (!isRunning) throw new HarnessError("problem", "The session has ended.");
  }

  const session: FakeSession = {
    task,
    pid: ++pids,
    startTicks: pids,
    inputs,
    answers: new Map(),
    exited: ended.promise,
    get nativeId() {
      return isNamed ? nativeId : null;
    },
    get isRunning() {
      return isRunning;
    },
    get isWorking() {
      return turn !== null;
    },
    get turn() {
      if (!turn) throw new Error("no turn of the fake session runs");
      return turn;
    },
    tell,
    async send(input) {
      running();
      inputs.push(input);
      queue.push(input);
      receipt([input.id], "queued");
      begin();
    },
    async steer(input) {
      running();
      if (!turn || !capabilities.steer) return "refused";
      inputs.push(input);
      turn.steer(input);
      receipt([input.id], "queued");
      return "steered";
    },
    async interrupt() {
      running();
      const cancelled = [...(turn?.takeSteered() ?? []), ...queue].map(({ id }) => id);
      queue = [];
      receipt(cancelled, "cancelled");
      if (capabilities.interrupt) turn?.finish("", { outcome: "aborted" });
      return { cancelled };
    },
    async answer(requestId, answer) {
      running();
      const answered = questions.get(requestId);
      if (!answered) return false;
      questions.delete(requestId);
      session.answers.set(requestId, answer);
      tell({ type: "state", state: "working" });
      answered(answer);
      return true;
    },
    async close() {
      await host.closing();
      end({});
      return await ended.promise;
    },
    dieSlowly() {
      isRunning = false;
      return () => ended.resolve({ code: null, signal: "SIGKILL", stderr: "", left: [] });
    },
    crash: (exit = {}) => end({ code: 1, ...exit }),
  };
  // An id that the caller chose is known before anything happens; others come with the first turn.
  if (capabilities.presetId || task.origin.how === "resume") name();
  tell({ type: "state", state: "idle" });
  const again = host.interrupted.get(nativeId);
  if (task.origin.how === "resume" && task.origin.continueTurn && capabilities.continueTurn && again) {
    queue.push(again);
    begin();
  }
  return session;
}
