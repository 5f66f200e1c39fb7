import { untilAnswered } from "../../client/until-answered.ts";
import type { CommandOf } from "../../protocol/commands.ts";
import type { Profile } from "../../protocol/profiles.ts";
import { prefixOf } from "../config.ts";
import { DaemonError } from "../errors.ts";
import { isInRepository } from "../git/look.ts";
import type { CommandRow } from "../journal/commands.ts";
import type { NewTurn, TurnRow } from "../journal/turns.ts";
import { profileOf, stoppedBy } from "../profiles.ts";
import { runnableOf, type Services } from "../services.ts";
import { nameOf } from "../sessions/names.ts";
import { keyOfPlace } from "../sessions/places.ts";
import { newSession, underCaps } from "../sessions/rows.ts";
import { strictest } from "../supervision/gauges.ts";
import { checkDepth } from "./depth.ts";
import { folderIn } from "./folders.ts";
import type { Done, Hands } from "./hands.ts";

/** Starts an agent, and answers once it has its first prompt. A repeat finds the turn of the first. */
export async function spawn(hands: Hands, command: CommandOf<"spawn">, row: CommandRow): Promise<Done> {
  const { services, lanes } = hands;
  const { journal, config, link } = services;
  const { provider } = command;
  runnableOf(services, provider);
  const agentId = command.agentId ?? `${prefixOf(config)}${provider}`;
  const known = journal.agents.get(agentId);
  if (known && known.provider !== provider)
    throw new DaemonError(`${agentId} is an agent of provider ${known.provider}. Name another agent.`);
  const stopped = stoppedBy(services, agentId, provider);
  if (stopped)
    throw new DaemonError(`Profile ${stopped.name} wants ${agentId} stopped. Change what it desires, and spawn again.`);
  const profile = await profileFor(services, command, agentId);
  const caps = strictest(profile?.caps, command.caps);
  await checkDepth(services, row, { agentId, caps });
  const cwd = folderIn(config.workspace, command.cwd ?? profile?.cwd ?? undefined);
  if (command.worktree) await hands.worktrees.check(cwd);
  const isByProfile =
    command.profile !== undefined && profile?.worktree === true && isInRepository(config.workspace, cwd);
  const worktree = command.worktree ?? (isByProfile || undefined);
  await link.agent(agentId, provider);
  const model = command.model ?? profile?.model ?? undefined;
  const systemPrompt = command.systemPrompt ?? profile?.systemPrompt ?? undefined;
  const turn = turnOf({ ...command, model, systemPrompt, caps, worktree }, row, {
    agentId,
    cwd: command.cwd === undefined && !worktree && isCopy(services, command, agentId) ? undefined : cwd,
  });
  const before = journal.turns.ofCommand(row.delegationId);
  if (before) return begun(hands, before);
  if (command.worktree && turn.plan.lane === "main") requireNew(services, turn);
  if (command.prompt === undefined) return open(hands, turn);
  const [stored] = journal.write(() => hands.add([turn]));
  if (!stored) throw new Error("no turn was stored");
  lanes.offer(stored);
  return begun(hands, stored);
}

/** Profile that a spawn names, else the one of its agent. @throws DaemonError for tools that would not count, RelayProblem */
async function profileFor(
  services: Services,
  { profile: name, provider }: CommandOf<"spawn">,
  agentId: string,
): Promise<Profile | undefined> {
  const own = profileOf(services, agentId, provider);
  if (name === undefined || own?.name === name) return own;
  const { link, time, life } = services;
  const named = await untilAnswered(time, () => link.box.profiles.get(name), life);
  // The start of a process reads tools from the profile of its agent alone.
  if (named.tools !== null)
    throw new DaemonError(`Profile ${name} says tools, which need the agent in it. Add ${agentId} to its agents.`);
  return named;
}

/** Whether a spawn begins as a copy, which stays in the folder of its session. */
const isCopy = ({ journal }: Services, { background, place }: CommandOf<"spawn">, agentId: string): boolean =>
  background && place !== undefined && journal.sessions.main(agentId, keyOfPlace(place)) !== undefined;

/** @throws DaemonError where the session is there, in a folder that it keeps */
function requireNew({ journal }: Services, { agentId, sessionKey }: NewTurn): void {
  const main = journal.sessions.main(agentId, sessionKey);
  if (main)
    throw new DaemonError(
      `${agentId} has session ${main.id} here already, in ${main.cwd}. Spawn it with background, or with another sessionKey.`,
    );
}

function turnOf(
  command: CommandOf<"spawn">,
  row: CommandRow,
  { agentId, cwd }: { agentId: string; cwd: string | undefined },
): NewTurn {
  const { prompt = "", background, place, files, model, systemPrompt, caps = {}, onInterrupt, worktree } = command;
  const { spawnedBy } = row.payload;
  const name = nameOf(prompt);
  const home = place === undefined ? "main" : keyOfPlace(place);
  const sessionKey = command.sessionKey ?? (background ? `bg:${name}` : home);
  const parentId = spawnedBy?.runId ?? undefined;
  return {
    ...{ agentId, sessionKey, kind: "spawn" },
    plan: {
      ...{ task: prompt, lane: background ? "background" : "main", name, delegationId: row.delegationId },
      ...(cwd !== undefined && { cwd }),
      ...(worktree !== undefined && { worktree }),
      ...(files?.length && { files }),
      ...(Object.keys(caps).length > 0 && { caps }),
      ...(model !== undefined && { model }),
      ...(systemPrompt !== undefined && { systemPrompt }),
      ...(onInterrupt && { onInterrupt }),
      ...(background && place !== undefined && { feedTo: home }),
      ...(parentId !== undefined ? { parentId } : spawnedBy && { tellTo: spawnedBy.agentId }),
    },
  };
}

/** A session without a prompt: its process starts and waits. */
async function open({ services, live, reporter }: Hands, turn: NewTurn): Promise<Done> {
  const { journal } = services;
  const main = journal.sessions.main(turn.agentId, turn.sessionKey);
  const row = main
    ? underCaps(services, main, turn.plan)
    : journal.write(() => journal.sessions.save(newSession(services, { ...turn, messageId: null })));
  await live.open(row);
  await reporter.report(row.id);
  return { agentId: row.agentId, sessionId: row.id, text: `${row.agentId} runs as session ${row.id}.` };
}

/** Waits until the turn has a session and a run. */
async function begun({ services, turns, lanes, worktrees }: Hands, turn: TurnRow): Promise<Done> {
  await lanes.begun(turn.id);
  await turns.get(turn.id)?.sent;
  const now = services.journal.turns.get(turn.id) ?? turn;
  if (now.end?.outcome === "error" && now.runId === null)
    throw new DaemonError(now.end.error ?? "It could not be started.");
  const ids = { ...(now.sessionId && { sessionId: now.sessionId }), ...(now.runId && { runId: now.runId }) };
  const session = services.journal.sessions.get(now.sessionId ?? "");
  const branch = session && worktrees.branchOf(session);
  const place = branch === undefined ? "" : `, in a worktree of its own on the branch ${branch}`;
  return { agentId: now.agentId, ...ids, text: `${now.agentId} works as session ${now.sessionId ?? "?"}${place}.` };
}

/** Gives a session a text: into its running turn where its CLI can, else as its next turn. */
export async function send(hands: Hands, command: CommandOf<"send">, row: CommandRow): Promise<Done> {
  const { services, lanes, turns } = hands;
  const { journal } = services;
  const session = journal.sessions.get(command.sessionId);
  if (!session || session.state === "dead") throw new DaemonError(GONE);
  const before = journal.turns.ofCommand(row.delegationId);
  if (!before && !command.files?.length && (await turns.in(session.id)?.tell?.(command.text)) === "steered")
    return {
      ...{ agentId: session.agentId, sessionId: session.id, mode: "steered" },
      text: `${session.name} has it in its running turn.`,
    };
  const plan = {
    ...{ task: command.text, lane: session.lane === "main" ? ("main" as const) : ("background" as const) },
    ...{
      sessionId: session.id,
      delegationId: row.delegationId,
      ...(command.files?.length && { files: command.files }),
    },
    ...(row.payload.spawnedBy && { tellTo: row.payload.spawnedBy.agentId }),
  };
  const { agentId, sessionKey } = session;
  const [stored] = before ? [before] : journal.write(() => hands.add([{ agentId, sessionKey, kind: "spawn", plan }]));
  if (!before && stored) lanes.offer(stored);
  return { agentId, sessionId: session.id, mode: "queued", text: `${session.name} gets it as its next turn.` };
}

export const GONE = "Session not found or already finished.";
