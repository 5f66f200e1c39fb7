import { RelayProblem, RunStopped } from "../../client/errors.ts";
import { openHandle, type RunHandle } from "../../client/run-handle.ts";
import { promptOf, type Turn } from "../../client/run-turn.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Run, RunDraft } from "../../protocol/runs.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { AgentLink } from "../link.ts";
import type { Services } from "../services.ts";
import { conversationOf } from "../sessions/places.ts";
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
  return services.hub.during(turn.agentId, async (heard) => {
    const { caller, verbs } = services.link.of(turn.agentId);
    const { run, token } = await hold(services, turn, at);
    services.journal.write(() => services.journal.turns.change(turn.id, { runId: run.id, token }));
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
  const known = turn.runId ?? (await ask(() => queuedOn(link, turn)));
  return known
    ? untilTaken(services, at.signal, () => ask(() => takeBack(link, known)), isHeld)
    : ask(() => create(services, link, turn, at));
}

/** Run on the message that others asked for: the turn takes it, so that the message is answered once. */
async function queuedOn({ id, verbs }: AgentLink, { kind, messageId }: TurnRow): Promise<string | undefined> {
  if (kind !== "message" || messageId === null) return undefined;
  const { items } = await verbs.list({ agent: id, message: messageId, status: "queued", limit: 1 });
  return items[0]?.id;
}

interface Held {
  run: Run;
  token: string;
}

async function takeBack({ verbs }: AgentLink, id: string): Promise<Held> {
  const run = await verbs.get(id);
  if (run.status === "stopping" || (run.status === "ended" && run.outcome === "aborted"))
    throw new RunStopped(`${id} was asked to stop`);
  if (run.token && run.status === "running") return { run, token: run.token };
  const again = run.status === "ended" && run.errorCode === "lost";
  const taken = await verbs.take(id, { again, leaseSeconds: LEASE_SECONDS });
  return { run: { ...taken.run, turnId: taken.turnId }, token: taken.token };
}

async function create(services: Services, link: AgentLink, turn: TurnRow, at: At): Promise<Held> {
  const draft = draftOf(services, turn, at);
  const begun = (asked: RunDraft, idempotencyKey: string): Promise<Run> =>
    untilTaken(services, at.signal, () => link.verbs.create(asked, { idempotencyKey }), isHeld);
  // The session that stepped aside still works under its key, and a run that nobody ended may stand under that of this session.
  const asides = ["", ...[at.session.id, turn.id].map((id) => `#${id.slice(-6)}`)];
  let refusal: unknown;
  for (const aside of asides)
    try {
      const run = await begun({ ...draft, sessionKey: `${turn.sessionKey}${aside}` }, `turn:${turn.id}${aside}`);
      return await held(run, link);
    } catch (error) {
      if (!(error instanceof RelayProblem) || error.code !== "already-running") throw error;
      refusal = error;
    }
  throw refusal;
}

async function held(run: Run, link: AgentLink): Promise<Held> {
  return run.token && run.status !== "ended" ? { run, token: run.token } : takeBack(link, run.id);
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
