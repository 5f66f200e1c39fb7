import { z } from "zod";
import { check } from "../../kernel/http/body.ts";
import { newId } from "../../kernel/ids.ts";
import { AgentId } from "../../protocol/agent-ids.ts";
import { harmlessLine } from "../../protocol/harmless.ts";
import { Problem } from "../../protocol/problem.ts";
import { type Run, RunAbort, RunDraft, RunId, RunMessage } from "../../protocol/runs.ts";
import { PREFACE } from "../envelope/envelope.ts";
import { envelopesFor, type McpAreas, type Turn, withProgress } from "./services.ts";
import { command, machineIn, spawn } from "./spawns.ts";
import { budget, roomIn, tool, wait } from "./tool.ts";

/** Runs in one list. */
const LISTED = 20;
const TITLE = 80;

const input = z.strictObject({
  do: z.enum(["start", "list", "read", "tell", "stop", "peek", "kill"]),
  run: z.string().optional().describe("run_..., or ses_... to peek or kill."),
  agent: z.string().optional().describe("Or orchestrator:machine/provider."),
  text: z.string().optional().describe("Task, words, or why to stop."),
  wait: wait.describe("Seconds to wait for its end."),
  budget: budget(1500),
});
type Input = z.output<typeof input>;

export const runs = tool({
  name: "runs",
  description:
    "Executions of agents: start one (its result comes to your inbox), list, read, tell, stop, peek at or kill them.",
  input,
  output: z.object({ text: z.string(), run: z.string().optional(), status: z.string().optional() }),
  async run(areas, turn, asked) {
    if (asked.do === "list") return listed(areas, turn, asked);
    const machine = asked.do === "start" ? machineIn(asked.agent) : undefined;
    if (machine) return spawn(areas, turn, machine, { ...asked, prompt: words(asked.text) });
    if (asked.do === "start") return start(areas, turn, asked);
    if (asked.do === "peek" || asked.do === "kill") return command(areas, turn, asked.do, asked.run, asked);
    const id = runId(asked.run);
    if (asked.do === "read") return readRun(areas, turn, id, asked);
    return asked.do === "tell" ? tell(areas, turn, id, asked) : stop(areas, turn, id, asked);
  },
});

/** @throws Problem 422 */
const runId = (given: string | undefined): string => {
  if (given === undefined) throw Problem.invalid("run", "is missing: runs with do list names them");
  return check(RunId, given, "");
};

/** @throws Problem 422 */
function words(text: string | undefined): string {
  if (text === undefined) throw Problem.invalid("text", "is missing");
  return text;
}

async function start(areas: McpAreas, turn: Turn, { agent, text, wait, budget: tokens }: Input) {
  const { caller } = turn;
  const { service, book } = areas.runs;
  const run = await areas.kernel.db.write(async (tx) => {
    // Its own running run gets the result; without one the agent itself does.
    const isSpawn = (await book.workingFor(tx, caller.agentId, caller.sessionId)) !== undefined;
    const requester = isSpawn || agent === caller.agentId ? {} : { requester: { agentId: caller.agentId } };
    const draft = check(RunDraft, { agentId: agent, task: words(text), ...requester }, "");
    return (await service.create(tx, caller, draft, null, undefined)).made;
  });
  return wait > 0 ? readRun(areas, turn, run.id, { wait, budget: tokens }) : stateOf(run, `${headOf(run)}`);
}

async function listed(areas: McpAreas, turn: Turn, { agent, budget: tokens }: Input) {
  const filter = agent === undefined ? {} : { agent: check(AgentId, agent, "") };
  const { items } = await areas.kernel.db.read((on) =>
    areas.runs.service.list(on, turn.caller, { ...filter, limit: LISTED }),
  );
  if (items.length === 0) return { text: "No runs.", facts: { text: "No runs." } };
  const lines = items.map((run) => `${run.id} ${run.agentId} ${statusOf(run)}: ${titleOf(run)}`);
  const text = envelopesFor(areas, turn).quote(
    "runs, newest first; titles by others",
    lines.join("\n"),
    roomIn(tokens, 60),
  );
  return { text, facts: { text } };
}

/** A run with its result; of a running one the text that it has said so far. */
async function readRun(areas: McpAreas, turn: Turn, id: string, { wait, budget }: Pick<Input, "wait" | "budget">) {
  const run = await whenEnded(areas, turn, id, wait);
  const said = run.result?.text ?? (run.status === "ended" ? null : await saidSoFar(areas, turn, run));
  const about = `${run.status === "ended" ? "result" : "said so far"} of ${run.id} by ${run.agentId}`;
  const parts = [run.error && `error: ${run.error}`, said].filter(Boolean);
  const quoted = envelopesFor(areas, turn).quote(about, parts.join("\n"), roomIn(budget, 80));
  return stateOf(run, parts.length > 0 ? [headOf(run), PREFACE, quoted].join("\n") : headOf(run));
}

async function whenEnded(areas: McpAreas, turn: Turn, id: string, seconds: number): Promise<Run> {
  const { caller, signal } = turn;
  const look = () => areas.kernel.db.read((on) => areas.runs.service.get(on, caller, id));
  const now = await look();
  if (seconds === 0 || now.status === "ended") return now;
  return withProgress(areas, turn, seconds, () =>
    areas.core.inbox.waits.forEntries<Run>({
      ...{ caller, signal, agentId: caller.agentId, waitMs: seconds * 1000, look },
      // The result of a run that it asked for comes to its inbox in the write that ends it.
      targets: async () => [caller.agentId],
      found: ({ status }) => status === "ended",
    }),
  );
}

/** Nothing for callers that may not follow its events. */
async function saidSoFar(areas: McpAreas, { caller }: Turn, { id }: Run): Promise<string | null> {
  return areas.kernel.db.read(async (on) => {
    const row = await areas.runs.access.requireReadable(on, caller, id);
    return (await areas.runs.access.follows(on, caller, row)) ? areas.runs.lastText(on, row, row.turnId) : null;
  });
}

async function tell(areas: McpAreas, { caller }: Turn, id: string, { text }: Input) {
  const said = check(RunMessage, { id: newId("say", areas.kernel.clock.now()), text: words(text) }, "");
  const told = await areas.kernel.db.write((tx) => areas.runs.tell.tell(tx, caller, id, said));
  const line = `${id}: ${MODES[told.mode]}`;
  return { text: line, facts: { text: line, run: id } };
}

const MODES = {
  steered: "its running turn hears it.",
  queued: "it hears it when its turn is over.",
  started: "it begins a new turn.",
};

async function stop(areas: McpAreas, { caller }: Turn, id: string, { text }: Input) {
  const body = check(RunAbort, { reason: text }, "");
  const { status, children } = await areas.kernel.db.write((tx) => areas.runs.abort.abort(tx, caller, id, body));
  const line = `${id} is ${status}${children.length > 0 ? `, with ${children.length} runs below it` : ""}.`;
  return { text: line, facts: { text: line, run: id, status } };
}

const stateOf = (run: Run, text: string) => ({ text, facts: { text, run: run.id, status: run.status } });

const statusOf = ({ status, outcome, errorCode }: Run): string =>
  outcome === null ? status : `${status} ${outcome}${errorCode ? ` (${errorCode})` : ""}`;

const titleOf = ({ label, task, encoding }: Run): string =>
  harmlessLine(label ?? (encoding === "opaque" ? "(encrypted)" : task), TITLE);

function headOf(run: Run): string {
  const { inputTokens, outputTokens, costUsd } = run.usage;
  const used =
    inputTokens + outputTokens > 0 ? ` Tokens ${inputTokens} in, ${outputTokens} out, $${costUsd.toFixed(2)}.` : "";
  const next = run.status === "ended" || run.requester === null ? "" : " Its result comes when it ends.";
  return `${run.id} of ${run.agentId} is ${statusOf(run)}${run.late ? ", late" : ""}.${used}${next}`;
}

/** Outcome of a run, for the tool `status`. */
export const runStatus = (areas: McpAreas, turn: Turn, id: string, how: Pick<Input, "wait" | "budget">) =>
  readRun(areas, turn, runId(id), how);
