import type { Delegation } from "../../../protocol/delegations.ts";
import type { Run } from "../../../protocol/runs.ts";
import type { List } from "../../../protocol/wire.ts";
import type { Drilled } from "../asking.ts";
import type { Fault } from "../fault.ts";
import { once } from "../fault.ts";
import type { Machine } from "./machine.ts";
import { type Heard, isError, type Question, repliesTo, textOf, wantedFor } from "./senders.ts";

/** Runs of the machines' agents, and every delegation. */
export interface Ends {
  runs: Run[];
  delegations: Delegation[];
}

export async function endsOf(drilled: Drilled, machines: readonly Machine[]): Promise<Ends> {
  const lists = await Promise.all(machines.map(({ agentId }) => everyPage<Run>(drilled, `/v1/runs?agent=${agentId}`)));
  return { runs: lists.flat(), delegations: await everyPage<Delegation>(drilled, "/v1/delegations?") };
}

/** Everything on a list. */
async function everyPage<T>({ ask }: Drilled, path: string): Promise<T[]> {
  const items: T[] = [];
  for (let page = ""; ; ) {
    const { body } = await ask<List<T>>("GET", `${path}&limit=100${page}`);
    items.push(...body.items);
    if (body.nextPage === null) return items;
    page = `&page=${body.nextPage}`;
  }
}

const OPEN: ReadonlySet<string> = new Set(["pending", "claimed"]);

export const isOver = ({ runs, delegations }: Ends): boolean =>
  runs.every(({ status }) => status === "ended") && delegations.every(({ status }) => !OPEN.has(status));

/** Compares everything that was asked with what came of it. @returns the number of answers that name a failure */
export function judgeMachines(heard: Heard, ends: Ends, killed: number): number {
  const { faults, questions } = heard;
  let failures = 0;
  for (const question of questions) failures += judgeQuestion(heard, ends, question);
  for (const { id, status } of ends.runs)
    if (status !== "ended") faults.push({ kind: "lost", what: `run ${id} is ${status}, and nobody works on it` });
  for (const { id, status } of ends.delegations)
    if (OPEN.has(status)) faults.push({ kind: "lost", what: `delegation ${id} is ${status}, and nobody is told` });
  for (const [sender, replies] of heard.replies) {
    const twice = replies.length - new Set(replies.map(({ id }) => id)).size;
    if (twice > 0) faults.push({ kind: "doubled", what: `${sender} was handed ${twice} answers twice` });
  }
  if (failures > killed)
    faults.push({ kind: "lost", what: `${failures} turns failed, and only ${killed} were killed` });
  return failures;
}

function judgeQuestion(heard: Heard, { runs, delegations }: Ends, question: Question): number {
  const { faults } = heard;
  const { number, conduct, delegationId, messageId } = question;
  const what = `q${number} (${conduct})`;
  if (conduct === "spawn") {
    if (delegationId === undefined) return 0;
    const ended = delegations.find(({ id }) => id === delegationId);
    const own = runs.filter(({ task }) => task?.startsWith(`${textOf(question)} `));
    if (ended?.status === "answered" || own.length > 1) once(faults, own.length, `${what} was run`);
    return own.filter(({ outcome }) => outcome !== "ok").length;
  }
  if (messageId === undefined) return 0;
  if (conduct === "work") return judgeWork(faults, what, question);
  const replies = repliesTo(heard, question);
  const wanted = wantedFor(heard, question);
  if (replies.length !== wanted) {
    const kind: Fault["kind"] = replies.length < wanted ? "lost" : "doubled";
    const texts = replies.map(({ body }) => body.slice(0, 120));
    faults.push({ kind, what: `${what}, message ${messageId}: ${wanted} answers, and came ${JSON.stringify(texts)}` });
  }
  if (conduct === "delegate")
    once(faults, asked(delegations, question) || (replies.some(isError) ? 1 : 0), `${what} was delegated`);
  return replies.filter(isError).length;
}

/** Work is completed once. @returns the number of attempts that failed */
function judgeWork(faults: Fault[], what: string, { work }: Question): number {
  const ends = work?.attempts.map(({ outcome }) => outcome) ?? [];
  once(faults, ends.filter((outcome) => outcome === "completed").length, `${what} was completed`);
  if (work?.state !== "done") faults.push({ kind: "lost", what: `${what} is ${work?.state ?? "not seen"}` });
  return ends.filter((outcome) => outcome === "failed").length;
}

/** Number of delegations that a question led to. */
const asked = (delegations: readonly Delegation[], question: Question): number =>
  delegations.filter(({ text }) => text === `${textOf(question)} say`).length;
