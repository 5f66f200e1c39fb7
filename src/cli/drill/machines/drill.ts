import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ScratchRelay } from "../../scratch-relay.ts";
import { createDrilled, type Drilled, type Hand } from "../asking.ts";
import type { Fault } from "../fault.ts";
import { endsOf, isOver, judgeMachines } from "./judge.ts";
import { killMachines, type Victim } from "./kills.ts";
import { createMachine, type Machine } from "./machine.ts";
import { lookAround, watchWriters } from "./processes.ts";
import { type Heard, isAnswered, runAsker } from "./senders.ts";

export interface MachineOptions {
  kills: number;
  senders: number;
  /** Decides who is killed, and when. */
  seed: number;
}

export type MachineEvent =
  | { type: "killed"; kill: number; victim: Victim; asked: number; answered: number }
  | { type: "draining" }
  | { type: "judging" };

export interface MachineReport {
  kills: Record<Victim, number>;
  /** Messages and commands that were accepted. */
  asked: number;
  answered: number;
  runs: number;
  delegations: number;
  /** Turns that ended with a failure, which was told: their CLI was killed, or they were cut off too often. */
  failures: number;
  lost: number;
  doubled: number;
  /** Marked processes after all daemons had ended. */
  left: number;
  /** Times that two processes had one session. */
  writers: number;
  faults: Fault[];
}

const MACHINES = 2;
const MAX_DRAIN_MS = 120_000;
const LOOK_MS = 250;
/** Time in which a second answer would come. */
const QUIET_MS = 1_500;

/**
 * Two daemons with agents at work, and senders that ask them: says, tools that outlive their group, delegations from machine to machine, work
 * beside, spawns by command. The relay, the daemons and the CLIs are killed at any moment. At the end everything is counted.
 */
export async function drillMachines(
  relay: ScratchRelay,
  options: MachineOptions,
  onEvent: (event: MachineEvent) => void,
): Promise<MachineReport> {
  const drilled = createDrilled(relay);
  const heard: Heard = { questions: [], replies: new Map(), faults: [] };
  const kills: Record<Victim, number> = { relay: 0, daemon: 0, agent: 0 };
  const stage = { asking: true, working: true, watching: true };
  await relay.start();
  const machines: Machine[] = [];
  for (let at = 0; at < MACHINES; at++) machines.push(await createMachine(drilled, at));
  try {
    for (const machine of machines) machine.start();
    await enrolled(drilled, machines);
    const watching = watchWriters(relay.dataDir, () => !stage.watching);
    const hands = await Promise.all(Array.from({ length: options.senders }, (_, at) => hire(drilled, `sender-${at}`)));
    const ends = { stopped: () => !stage.asking, done: () => !stage.working };
    const asking = Promise.all(hands.map((hand) => runAsker(drilled, heard, { hand, machines }, ends)));
    const answered = () => heard.questions.filter((one) => one.messageId && isAnswered(heard, one)).length;
    const killing = killMachines(drilled, machines, options, {
      faults: heard.faults,
      progress: answered,
      onKill(kill, victim) {
        kills[victim]++;
        onEvent({ type: "killed", kill, victim, asked: heard.questions.length, answered: answered() });
      },
    });
    await Promise.race([killing, failureOf(asking)]);
    stage.asking = false;
    onEvent({ type: "draining" });
    await drained(drilled, heard, machines);
    onEvent({ type: "judging" });
    stage.working = false;
    await asking;
    const found = await endsOf(drilled, machines);
    // A turn that was cut off three times by kills of its daemon is given back.
    const failures = judgeMachines(heard, found, kills.agent + Math.floor(kills.daemon / 3));
    await Promise.all(machines.map((machine) => machine.stop()));
    const left = lookAround(relay.dataDir).length;
    stage.watching = false;
    const writers = [...(await watching), ...machines.flatMap(writersIn)];
    for (const what of writers) heard.faults.push({ kind: "other", what });
    if (left > 0) heard.faults.push({ kind: "other", what: `${left} marked processes are left` });
    const count = (kind: Fault["kind"]) => heard.faults.filter((fault) => fault.kind === kind).length;
    return {
      ...{ kills, asked: heard.questions.length, answered: answered(), runs: found.runs.length },
      ...{ delegations: found.delegations.length, failures, lost: count("lost"), doubled: count("doubled") },
      ...{ left, writers: writers.length, faults: heard.faults },
    };
  } finally {
    Object.assign(stage, { asking: false, working: false, watching: false });
    drilled.giveUp();
    await Promise.all(machines.map((machine) => machine.kill()));
    for (const { pid } of lookAround(relay.dataDir)) process.kill(pid, "SIGKILL");
  }
}

/** Never resolves; rejects with what the promise rejects with, while nobody awaits that. */
const failureOf = (promise: Promise<unknown>) => new Promise<never>((_, reject) => promise.catch(reject));

async function hire({ ask }: Drilled, id: string): Promise<Hand> {
  await ask("PUT", `/v1/agents/${id}`, { name: id });
  const { body } = await ask<{ token: string }>("POST", "/v1/tokens", { role: "agent", agentId: id });
  return { id, token: body.token };
}

/** Waits until each daemon has registered its agent. */
async function enrolled({ ask }: Drilled, machines: readonly Machine[]): Promise<void> {
  for (const { agentId } of machines)
    while ((await ask("GET", `/v1/agents/${agentId}`)).status !== 200) await Bun.sleep(LOOK_MS / 5);
}

/** Waits until everything is answered and over, and remains so for a while. Judging tells what is not. */
async function drained(drilled: Drilled, heard: Heard, machines: readonly Machine[]): Promise<void> {
  const end = performance.now() + MAX_DRAIN_MS;
  const isDone = async () =>
    heard.questions.every((one) => isAnswered(heard, one)) && isOver(await endsOf(drilled, machines));
  for (let quiet = 0; quiet < QUIET_MS && performance.now() < end; ) {
    await Bun.sleep(LOOK_MS);
    quiet = (await isDone()) ? quiet + LOOK_MS : 0;
  }
}

/** Pairs of writers that the agents of a machine met themselves. */
function writersIn({ id, folder }: Machine): string[] {
  const path = join(folder, "home", "writers");
  const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  return lines.map((line) => `two processes wrote one dialogue on ${id}: ${line}`);
}
