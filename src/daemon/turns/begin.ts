import { RelayProblem, RunStopped } from "../../client/errors.ts";
import { openHandle, type RunHandle } from "../../client/run-handle.ts";
import { during } from "../../client/run-heard.ts";
import { promptOf, type Turn } from "../../client/run-turn.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Run, RunDraft } from "../../protocol/runs.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { AgentLink } from "../link.ts";
import type { Services } from "../services.ts";
import { conversationOf, runOfTask } from "../sessions/places.ts";
import { isHeld, untilTaken } from "./held.ts";

const LEASE_SECONDS = 120;

/** Session and project of a turn. */
interface At {
  session: SessionRow;
  project: string;
  /** Ends the wait for a hold of the relay. */
  signal: AbortSignal;
}

/**
 * Begins, takes or takes back the run of a turn, and holds it.
 * @throws RunStopped when a person has ended the run meanwhile, RelayProblem `not-open` when it has ended for good
 */
export async function beginRun(services: Services, turn: TurnRow, at: At): Promise<RunHandle> {
  // A word, or a stop, may come before the handle is there.
  return during(services.hub, turn.agentId, async (heard) => {
    const { caller, verbs } = services.link.of(turn.agentId);
    const { run, token } = await hold(services, turn, at);
    services.journal.write(() => {
      const now = services.journal.turns.get(turn.id) ?? turn;
      services.journal.turns.change(turn.id, { ...asAsked(services, now, run), runId: run.id, token });
    });
    const handleServices = { caller, verbs, ears: services.hub, leaseSeconds: LEASE_SECONDS };
    const asked: Turn =
      turn.kind === "run"
        ? await untilAnswered(services.time, () => promptOf(verbs, run, [], {}), services.life)
        : { turnId: run.turnId, cause: "begin", text: turn.plan.task, files: turn.plan.files ?? [], findings: [] };
    return openHandle(handleServices, { run, token, turn: asked, heard });
  });
}

async function hold(services: Services, turn: TurnRow, at: At): Promise<Held> {
  const link = services.link.of(turn.agentId);
  const ask = <T>(call: () => Promise<T>) => untilAnswered(services.time, call, services.life);
  const known = turn.runId ?? turn.plan.waitingRun;
  return known
    ? untilTaken(services, at.signal, () => ask(() => takeBack(link, known, turn)), mayTakeLater)
    : ask(() => create(services, link, turn, at));
}

/** A run that tells its result to a requester is answered by that alone: its task gets no reply beside it. */
function asAsked({ journal }: Services, turn: TurnRow, run: Run): Pick<Partial<TurnRow>, "kind" | "plan"> {
  const letter = turn.messageId === null ? undefined : journal.letters.get(turn.messageId, turn.agentId);
  if (run.requester === null || !letter || runOfTask(letter.entry) !== run.id) return {};
  const { answerTo: _, ...plan } = turn.plan;
  return { kind: "run", plan };
}

/** Whether a run may begin later: a hold stands in the way, or another run of its session key. */
const mayTakeLater = (problem: RelayProblem): boolean => isHeld(problem) || problem.code === "already-running";

interface Held {
  run: Run;
  token: string;
}

async function takeBack({ verbs }: AgentLink, id: string, { token }: TurnRow): Promise<Held> {
  const run = await verbs.get(id);
  if (run.status === "stopping" || (run.status === "ended" && run.outcome === "aborted"))
    throw new RunStopped(`${id} was asked to stop`);
  // The asker of the run has heard of its end.
  if (run.status === "ended" && run.errorCode !== "lost" && token === null) throw new RunStopped(`${id} has ended`);
  if (run.token && run.status === "running") return { run, token: run.token };
  const again = run.status === "ended" && run.errorCode === "lost";
  const taken = await verbs.take(id, { again, leaseSeconds: LEASE_SECONDS });
  return { run: { ...taken.run, turnId: taken.turnId }, token: taken.token };
}

async function create(services: Services, link: AgentLink, turn: TurnRow, at: At): Promise<Held> {
  const draft = draftOf(services, turn, at);
  const begun = (asked: RunDraft, idempotencyKey: string, mayWait: (problem: RelayProblem) => boolean): Promise<Run> =>
    untilTaken(services, at.signal, () => link.verbs.create(asked, { idempotencyKey }), mayWait);
  // The session that stepped aside still works under its key, and a run that nobody ended may stand under that of this session.
  for (const aside of ["", `#${at.session.id.slice(-6)}`])
    try {
      const asked = { ...draft, sessionKey: `${turn.sessionKey}${aside}` };
      return await held(await begun(asked, `turn:${turn.id}${aside}`, isHeld), link, turn);
    } catch (error) {
      if (!(error instanceof RelayProblem) || error.code !== "already-running") throw error;
    }
  // A run that waits with the message has a key of its own, and begins once that is free.
  const aside = `#${turn.id.slice(-6)}`;
  const asked = { ...draft, sessionKey: `${turn.sessionKey}${aside}` };
  return held(await begun(asked, `turn:${turn.id}${aside}`, mayTakeLater), link, turn);
}

async function held(run: Run, link: AgentLink, turn: TurnRow): Promise<Held> {
  return run.token && run.status !== "ended" ? { run, token: run.token } : takeBack(link, run.id, turn);
}

function draftOf({ config, journal }: Services, turn: TurnRow, { session, project }: At): RunDraft {
  const { plan, messageId, agentId } = turn;
  const letter = messageId === null ? undefined : journal.letters.get(messageId, agentId);
  return {
    agentId,
    sessionKey: turn.sessionKey,
    task: plan.task,
    ...(messageId !== null && letter && { messageId }),
    // The orchestrator works on the command that asked for it, so the parent is one that it may name.
    ...(plan.parentId !== undefined && { parentId: plan.parentId, from: `orchestrator-${config.id}` }),
    ...(plan.name !== undefined && { label: plan.name }),
    origin: letter && conversationOf(letter.entry),
    orchestratorId: config.id,
    sessionId: session.id,
    cwd: session.cwd,
    project,
    leaseSeconds: LEASE_SECONDS,
    ...(plan.parentId === undefined && messageId === null && { cause: "message" as const }),
    ...(plan.files?.length && { files: plan.files }),
    ...(session.model !== null && { model: session.model }),
  };
}
