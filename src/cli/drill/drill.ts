import type { ScratchRelay } from "../scratch-relay.ts";
import { createDrilled, type Drilled, type Hand } from "./asking.ts";
import { type Promised, runReader, runSender, runWorker } from "./crew.ts";
import type { Fault } from "./fault.ts";
import { judge } from "./judge.ts";
import { judgeStory } from "./judge-story.ts";
import { killOften } from "./kills.ts";
import { runAdapter, runPerson } from "./people.ts";
import { runRunner } from "./runner.ts";
import { runServer } from "./server.ts";
import { answeredIn, type Cast, castOf, createStory, isTold, LAST, noted, type Story } from "./story.ts";

export interface DrillOptions {
  /** Number of kills; left out, as many as fit into 20 s. */
  kills?: number;
  senders: number;
  workers: number;
  readers: number;
  /** People that ask a chain of three agents. */
  people: number;
  /** Decides when the relay is killed; the same seed, the same pauses. */
  seed: number;
}

/** Progress, told as it happens. */
export type DrillEvent =
  | ({ type: "killed"; kill: number } & DrillProgress)
  /** Senders stop; workers, readers and people go on. */
  | { type: "calming" }
  | { type: "draining" }
  | { type: "judging" };

export interface DrillProgress {
  /** Messages that were accepted with a 2xx, work among them. */
  sent: number;
  completed: number;
  /** Questions of people that a chain of runs answered. */
  answered: number;
}

export interface DrillReport extends DrillProgress {
  kills: number;
  /** Messages that reached a reader's stream. */
  delivered: number;
  lost: number;
  doubled: number;
  /** Every broken promise. */
  faults: Fault[];
}

const MAX_DRAIN_MS = 60_000;

/** Flags of the relay: the crew sends faster than agents may. */
export const DRILL_FLAGS = ["--rate-limit=0", "--loop-limit=0", "--thread-rate=0", "--messages-per-day=0"];

/**
 * Kills the relay amid concurrent senders, workers, readers and runs, over and over, and then counts: every 2xx is there, nothing was
 * completed twice, every reader saw each message exactly once and in order, every result of a run arrived once where it was asked for.
 */
export async function drill(
  relay: ScratchRelay,
  options: DrillOptions,
  onEvent: (event: DrillEvent) => void,
): Promise<DrillReport> {
  const drilled = createDrilled(relay);
  const faults: Fault[] = [];
  const promised: Promised = {
    ...{ sent: new Map(), planned: new Set(), tasks: new Set(), completed: new Set() },
    ...{ seen: new Map(), acked: new Map(), story: createStory(faults), faults },
  };
  /** Goals that the crew still has. */
  const stage = { sending: true, asking: true, working: true };
  await relay.start();
  try {
    const { boss, workers, readers, cast } = await register(drilled, options);
    const senders = Promise.all(
      range(options.senders).map((i) => runSender(drilled, promised, `s${i}`, () => !stage.sending)),
    );
    const others = Promise.all([
      ...workers.map((hand) => runWorker(drilled, promised, hand, () => !stage.working)),
      ...readers.map((hand) => runReader(drilled, promised, hand, () => !stage.working)),
      ...play(drilled, promised.story, cast, {
        ...{ people: options.people, stopped: () => !stage.asking, done: () => !stage.working },
      }),
    ]);
    const killing = killOften(relay, options, {
      steps: () => promised.story.steps,
      onKill: (kill) => onEvent({ type: "killed", kill, ...progressOf(promised) }),
      onHalf() {
        stage.sending = false;
        onEvent({ type: "calming" });
      },
    });
    const kills = await Promise.race([killing, failureOf(senders), failureOf(others)]);
    // A drill of one kill has no half.
    Object.assign(stage, { sending: false, asking: false });
    onEvent({ type: "draining" });
    await senders;
    await drained(promised);
    stage.working = false;
    await others;
    onEvent({ type: "judging" });
    const [reader] = readers;
    if (reader) await judge(drilled, promised, { reader, boss });
    await judgeStory(drilled, promised.story);
    return reportOf(kills, promised);
  } finally {
    Object.assign(stage, { sending: false, asking: false, working: false });
    drilled.giveUp();
  }
}

async function register(drilled: Drilled, { workers, readers }: DrillOptions) {
  const { ask } = drilled;
  const hire = async (id: string, more: object): Promise<Hand> => {
    await ask("PUT", `/v1/agents/${id}`, { name: id, ...more });
    const { body } = await ask<{ token: string }>("POST", "/v1/tokens", { role: "agent", agentId: id });
    return { id, token: body.token };
  };
  return {
    boss: await hire("boss", {}),
    workers: await Promise.all(range(workers).map((i) => hire(`worker-${i}`, { tags: ["crew"] }))),
    readers: await Promise.all(range(readers).map((i) => hire(`reader-${i}`, { tags: ["news"] }))),
    cast: await castOf(drilled, hire),
  };
}

/** People who ask, the adapter between, and the agents that answer. */
function play(
  drilled: Drilled,
  story: Story,
  { adapter, chain }: Cast,
  { people, stopped, done }: { people: number; stopped(): boolean; done(): boolean },
): Promise<void>[] {
  const asking = range(people).map((i) => ({ conversationId: `person-${i}`, adapter }));
  return [
    ...asking.map((who) => runPerson(drilled, story, who, { stopped, done })),
    runAdapter(drilled, story, adapter, done),
    ...chain.map((hand, level) =>
      level === LAST ? runServer(drilled, story, hand, done) : runRunner(drilled, story, { hand, level }, done),
    ),
  ].map((work) => noted(story, work));
}

/** Never resolves; rejects with what the promise rejects with, while nobody awaits that. */
const failureOf = (promise: Promise<unknown>) => new Promise<never>((_, reject) => promise.catch(reject));

const progressOf = ({ sent, planned, completed, story }: Promised): DrillProgress => ({
  ...{ sent: sent.size + planned.size, completed: completed.size, answered: answeredIn(story) },
});

/** Waits until all work is completed, all readers have seen all talk, and all questions are answered. Judging tells what is not. */
async function drained({ sent, tasks, planned, completed, seen, story }: Promised): Promise<void> {
  const talk = sent.size - tasks.size + planned.size;
  const isRead = () => [...seen.values()].every((ids) => ids.length >= talk);
  const isOver = () => tasks.size === completed.size && isRead() && isTold(story);
  for (const end = performance.now() + MAX_DRAIN_MS; !isOver() && performance.now() < end; ) await Bun.sleep(20);
}

function reportOf(kills: number, promised: Promised): DrillReport {
  const { seen, faults } = promised;
  const count = (kind: Fault["kind"]) => faults.filter((fault) => fault.kind === kind).length;
  return {
    kills,
    ...progressOf(promised),
    delivered: [...seen.values()].reduce((sum, ids) => sum + ids.length, 0),
    lost: count("lost"),
    doubled: count("doubled"),
    faults,
  };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
