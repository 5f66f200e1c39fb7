import { isInRepository } from "../git/look.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnPlan, TurnRow } from "../journal/turns.ts";
import { membersBy } from "../profiles.ts";
import { newSessionId, type Runnable, runnableOf, type Services } from "../services.ts";
import { ownCaps, strictest } from "../supervision/gauges.ts";
import { nameOf } from "./names.ts";
import { placeOf } from "./places.ts";

/** Provider of an agent. */
export function providerOf(services: Services, agentId: string): Runnable {
  const known = services.journal.agents.get(agentId);
  return runnableOf(services, known?.provider ?? "");
}

/** Turn that a session is made for. */
type For = Pick<TurnRow, "agentId" | "sessionKey" | "plan" | "messageId">;

/** A session that is about to begin for a turn: new, or as a copy of `fork`. */
export function newSession(services: Services, turn: For, fork?: SessionRow): SessionRow {
  const { config, time, hostname, environment } = services;
  const { agentId, sessionKey, plan } = turn;
  const { config: own, provider } = providerOf(services, agentId);
  const mayFork = fork !== undefined && fork.nativeId !== null && provider.capabilities.fork;
  const by = membersBy(services, agentId);
  const id = newSessionId();
  const cwd = plan.cwd ?? fork?.cwd ?? by.cwd ?? config.workspace;
  const wantsTree = plan.worktree ?? ((by.worktree ?? own.worktree) && isInRepository(config.workspace, cwd));
  const place = plan.place ?? placeOf(plan.feedTo ?? sessionKey);
  return {
    ...{ id, agentId, provider: own.name, sessionKey },
    ...{ lane: plan.lane, isMain: plan.lane === "main", demotedBy: null, nativeId: null },
    name: plan.name ?? nameOf(textOf(services, turn)),
    cwd,
    home: fork?.home ?? `${hostname}:${environment.HOME ?? config.workspace}`,
    model: plan.model ?? by.model ?? own.model ?? null,
    systemPrompt: plan.systemPrompt ?? by.systemPrompt ?? null,
    ...{ state: "starting", pid: null, startTicks: null, fence: null },
    forkOf: mayFork ? fork.nativeId : null,
    // An idle session has no half of a turn.
    forkAt: mayFork && fork.state !== "idle" ? fork.mark : null,
    mark: mayFork ? fork.mark : null,
    note: null,
    place: place === null ? null : JSON.stringify(place),
    caps: capsOf(plan, fork),
    ...{ tools: null, meter: null, worktree: fork ? fork.worktree : wantsTree ? id : null },
    ...{ lastTurnAt: time.wall(), createdAt: time.wall(), endedAt: null },
  };
}

/** A session that is there, with the caps of a spawn that goes into it. */
export function underCaps({ journal }: Services, session: SessionRow, { caps }: TurnPlan): SessionRow {
  if (caps === undefined) return session;
  const now = JSON.stringify(strictest(ownCaps(session), caps));
  return now === session.caps ? session : journal.write(() => journal.sessions.change(session.id, { caps: now }));
}

/** A copy keeps the caps of its session. */
const capsOf = ({ caps }: TurnPlan, fork: SessionRow | undefined): string | null =>
  caps === undefined ? (fork?.caps ?? null) : JSON.stringify(strictest(caps, fork && ownCaps(fork)));

function textOf({ journal }: Services, { messageId, agentId, plan }: For): string {
  const letter = messageId === null ? undefined : journal.letters.get(messageId, agentId);
  return letter?.entry.body ?? plan.task;
}
