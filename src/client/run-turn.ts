import { z } from "zod";
import type { RunControl, RunFinding } from "../protocol/run-control.ts";
import type { Run, RunTurn } from "../protocol/runs.ts";
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

/** Prompt of a run's newest turn: by the control message that told of it, else by what the relay keeps. */
export async function promptOf(
  verbs: ReturnType<typeof runVerbs>,
  run: Run,
  heard: RunControl | undefined,
  call: Call,
): Promise<Turn> {
  const { turnId } = run;
  const nothing = { turnId, text: null, files: [], findings: [] };
  const told = heard?.turnId === turnId ? heard : undefined;
  const files = told?.files ?? [];
  if (isFirst(run.turns, turnId)) return { ...nothing, cause: "begin", text: run.task, files };
  if (told?.do === "wake") return { ...nothing, cause: "wake", findings: told.findings ?? [] };
  if (told) return { ...nothing, cause: "message", text: told.text ?? null, files };
  const said = await saidIn(verbs, run, call);
  if (said) return { ...nothing, cause: "message", ...said };
  return { ...nothing, cause: "wake", findings: await findingsOf(verbs, run, call) };
}

const isFirst = (turns: RunTurn[], turnId: string): boolean => turns.length <= 1 || turns[0]?.turnId === turnId;

const Said = z.object({
  type: z.literal("data-user-message"),
  data: z.object({ text: z.string(), files: z.array(z.string()).default([]) }),
});

/** The user messages that began a turn. */
async function saidIn(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call) {
  const { items } = await verbs.events(run.id, { turn: run.turnId }, call);
  const said = items.flatMap(({ part }) => Said.safeParse(part).data?.data ?? []);
  if (said.length === 0) return undefined;
  return { text: said.map(({ text }) => text).join("\n\n"), files: said.flatMap(({ files }) => files) };
}

async function findingsOf(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call): Promise<RunFinding[]> {
  const { items } = await verbs.list({ requester: run.id, limit: 100 }, call);
  return items.reverse().map(({ id: runId, agentId, label, task, outcome, errorCode, error, result }) => ({
    ...{ runId, agentId, label, task, outcome, errorCode, error, result },
  }));
}
