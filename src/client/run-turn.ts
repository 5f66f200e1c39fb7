import { z } from "zod";
import type { RunFinding } from "../protocol/run-control.ts";
import type { Run, RunTurn } from "../protocol/runs.ts";
import type { Heard } from "./run-ear.ts";
import type { runVerbs } from "./run-verbs.ts";
import type { Call } from "./transport.ts";

/** Prompt of one turn. */
export interface Turn {
  turnId: string;
  /** `begin`: the task. `message`: something that was said to the run. `wake`: the runs that it asked for have ended. */
  cause: "begin" | "message" | "wake";
  /** Text for the model; null where there is none but the findings. */
  text: string | null;
  /** Ids of the files that came with it. */
  files: string[];
  /** Results of the runs that it asked for. */
  findings: RunFinding[];
}

/**
 * Prompt of a turn that was taken: by what the relay keeps, which also has what was said while the turn waited; files and findings by
 * the control messages that were heard.
 */
export async function promptOf(
  verbs: ReturnType<typeof runVerbs>,
  run: Run,
  heard: readonly Heard[],
  call: Call,
): Promise<Turn> {
  const { turnId } = run;
  const told = heard.map(({ control }) => control).filter((control) => control.turnId === turnId);
  const said = await saidIn(verbs, run, call);
  const files = [...new Set([...told.flatMap((one) => one.files), ...said.flatMap((one) => one.files)])];
  const texts = said.map(({ text }) => text);
  if (isFirst(run.turns, turnId))
    return { turnId, cause: "begin", text: [run.task, ...texts].join("\n\n"), files, findings: [] };
  const text = texts.join("\n\n") || null;
  if (run.wokenAt === null) return { turnId, cause: "message", text, files, findings: [] };
  const findings = told.find((one) => one.findings)?.findings ?? (await findingsOf(verbs, run, call));
  return { turnId, cause: "wake", text, files, findings };
}

const isFirst = (turns: RunTurn[], turnId: string): boolean => turns.length <= 1 || turns[0]?.turnId === turnId;

const Said = z.object({
  type: z.literal("data-user-message"),
  data: z.object({ text: z.string(), files: z.array(z.string()).default([]) }),
});

/** Everything that was said to a turn. */
async function saidIn(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call) {
  const { items } = await verbs.events(run.id, { turn: run.turnId }, call);
  return items.flatMap(({ part }) => Said.safeParse(part).data?.data ?? []);
}

async function findingsOf(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call): Promise<RunFinding[]> {
  const { items } = await verbs.list({ requester: run.id, limit: 100 }, call);
  return items.reverse().map(({ id: runId, agentId, label, task, outcome, errorCode, error, result }) => ({
    ...{ runId, agentId, label, task, outcome, errorCode, error, result },
  }));
}
