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
  if (isFirst(run.turns, turnId)) return { turnId, cause: "begin", text: run.task, findings: [] };
  if (heard?.turnId === turnId && heard.do !== "start")
    return {
      turnId,
      cause: heard.do === "wake" ? "wake" : "message",
      text: heard.text ?? null,
      findings: heard.findings ?? [],
    };
  const said = await saidIn(verbs, run, call);
  if (said !== null) return { turnId, cause: "message", text: said, findings: [] };
  return { turnId, cause: "wake", text: null, findings: await findingsOf(verbs, run, call) };
}

const isFirst = (turns: RunTurn[], turnId: string): boolean => turns.length <= 1 || turns[0]?.turnId === turnId;

/** Text of the user messages that began a turn. */
async function saidIn(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call): Promise<string | null> {
  const { items } = await verbs.events(run.id, { turn: run.turnId }, call);
  const texts = items.flatMap(({ part }) => {
    const { type, data } = part as { type?: unknown; data?: { text?: unknown } };
    return type === "data-user-message" && typeof data?.text === "string" ? [data.text] : [];
  });
  return texts.length > 0 ? texts.join("\n\n") : null;
}

async function findingsOf(verbs: ReturnType<typeof runVerbs>, run: Run, call: Call): Promise<RunFinding[]> {
  const { items } = await verbs.list({ requester: run.id, limit: 100 }, call);
  return items.reverse().map((child) => ({
    ...{ runId: child.id, agentId: child.agentId, label: child.label, outcome: child.outcome },
    ...{ errorCode: child.errorCode, error: child.error, result: child.result?.text ?? null },
  }));
}
