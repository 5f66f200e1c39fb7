import { untilAnswered } from "../../client/until-answered.ts";
import type { Exit } from "../../harness/providers/provider.ts";
import type { Profile } from "../../protocol/profiles.ts";
import type { SessionRow } from "../journal/sessions.ts";
import { turnOf } from "../journal/turns.ts";
import { isPlaceOfUser, keptIn, keptSession } from "../profiles.ts";
import type { Gate, Services } from "../services.ts";
import type { Ended, LiveSessions } from "../sessions/live.ts";
import type { Opener } from "../sessions/open.ts";
import type { Reporter } from "../sessions/reporter.ts";
import { newSession } from "../sessions/rows.ts";
import { endOfExit, failed } from "../turns/end.ts";
import type { Turns } from "../turns/turns.ts";

const FACT = "kept";
const HOUR_MS = 3_600_000;
/** Ends that count for the wait before the next start. */
const RECENT_MS = 600_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;

/** Ends of a kept process, as the journal has them. */
interface Kept {
  /** Milliseconds since 1970, of the last hour. */
  ends: number[];
  /** Reason for which it stays stopped. */
  parked: string | null;
  /** Version of the profile that it was parked under. */
  by: string;
}

interface Parts {
  live: LiveSessions;
  turns: Turns;
  reporter: Reporter;
  openFor: Opener;
  /** Resolves when a turn may begin, as far as stops and holds of the relay say. */
  gate: Gate;
}

/**
 * Keeps a process for every agent whose profile wants it running: its session of the place `user`. A process that ended begins again
 * after a wait that doubles, by the profile's `restart`. More ends in an hour than that allows stop it until somebody starts it.
 */
export function createKeeper(services: Services, { live, turns, reporter, openFor, gate }: Parts) {
  const { journal, link, time, life, log } = services;
  const busy = new Set<string>();

  const all = (): Record<string, Kept> => JSON.parse(journal.fact(FACT) ?? "{}");
  const of = (agentId: string): Kept => all()[agentId] ?? { ends: [], parked: null, by: "" };
  const store = (agentId: string, kept: Kept): void =>
    journal.write(() => journal.setFact(FACT, JSON.stringify({ ...all(), [agentId]: kept })));

  function park(agentId: string, { updatedAt }: Profile, reason: string): void {
    store(agentId, { ...of(agentId), parked: reason, by: updatedAt });
    log(`${agentId} stays stopped: ${reason}`);
  }

  /** Counts an end, and stops an agent that ends over and over. @returns false once it stays stopped */
  function mayBeginAgain(agentId: string, profile: Profile, reason: string): boolean {
    if (profile.restart.policy === "never") {
      park(agentId, profile, reason);
      return false;
    }
    const now = time.wall();
    const ends = [...of(agentId).ends.filter((at) => at > now - HOUR_MS), now];
    store(agentId, { ...of(agentId), ends });
    const { maxPerHour } = profile.restart;
    if (ends.length <= maxPerHour) return true;
    park(agentId, profile, reason);
    void tell(agentId, `${ends.length} ends in an hour, and ${maxPerHour} starts are allowed. The last one: ${reason}`);
    return false;
  }

  async function tell(agentId: string, why: string): Promise<void> {
    const draft = {
      ...{ to: "user", subject: `${agentId} stays stopped`, idempotencyKey: `kept:${agentId}:${time.wall()}` },
      body: `${agentId} stays stopped until a message or a spawn starts it, or its profile changes. ${why}`,
    };
    await untilAnswered(time, () => link.box.messages.send(draft), life).catch(noted);
  }

  function noted(error: unknown): void {
    if (!life.aborted) log(`A kept agent is left: ${error instanceof Error ? error.message : error}`);
  }

  /** Wait before the next start: it doubles with each end of the last minutes. */
  function waitOf(agentId: string): number {
    const recent = of(agentId).ends.filter((at) => at > time.wall() - RECENT_MS).length;
    return recent === 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (recent - 1));
  }

  const isThere = ({ id }: SessionRow): boolean =>
    live.isLive(id) || turns.in(id) !== undefined || live.reservation(id) !== undefined;

  /** Whether a process of the agent is missing, and may begin. One that runs again ends the stop of its agent. */
  function isMissing(agentId: string, profile: Profile): boolean {
    const main = keptSession(services, agentId);
    const isRunning = main !== undefined && isThere(main);
    const { parked, by } = of(agentId);
    const isFree = parked !== null && (by !== profile.updatedAt || isRunning);
    if (isFree) store(agentId, { ends: [], parked: null, by: profile.updatedAt });
    return !isRunning && (parked === null || isFree);
  }

  /** @returns whether it began */
  async function begin(agentId: string, profile: Profile): Promise<boolean> {
    await link.agent(agentId, profile.provider);
    const plan = { task: "", lane: "main" as const, name: profile.name };
    const turn = turnOf({ agentId, sessionKey: "main", kind: "spawn", plan }, time.wall());
    await gate(turn, life);
    const wanted = keptIn(services).find((one) => one.agentId === agentId);
    if (!wanted || !isMissing(agentId, wanted.profile)) return false;
    const known = keptSession(services, agentId);
    const row = known ?? newSession(services, turn);
    if (!live.hasRoom(row)) return false;
    if (!known) journal.write(() => journal.sessions.save(row));
    log(`${agentId} begins: profile ${profile.name} wants it running`);
    const { session } = await openFor(turn, row, false);
    await reporter.report(session.id);
    return true;
  }

  /** Begins the process of one agent, where it is missing. Another look at it meanwhile changes nothing. */
  async function keep(agentId: string, profile: Profile): Promise<void> {
    if (busy.has(agentId) || !isMissing(agentId, profile)) return;
    busy.add(agentId);
    let isAgain = false;
    try {
      await time.sleep(waitOf(agentId), life);
      isAgain = await begin(agentId, profile);
    } catch (error) {
      if (life.aborted) return;
      const { error: reason = "It could not be started." } = failed(error);
      log(`${agentId} did not begin: ${reason}`);
      isAgain = mayBeginAgain(agentId, profile, reason);
    } finally {
      busy.delete(agentId);
    }
    // The process may have ended meanwhile.
    if (isAgain) await keep(agentId, profile);
  }

  function look(): void {
    for (const { agentId, profile } of keptIn(services)) keep(agentId, profile).catch(noted);
  }

  function ended({ row, exit, by }: Ended): void {
    const kept = keptIn(services).find((one) => one.agentId === row.agentId);
    if (!kept || !isPlaceOfUser(row)) {
      look();
      return;
    }
    const { agentId, profile } = kept;
    const reason = endOfExit(exit).error ?? "The CLI ended.";
    if (by === "person") park(agentId, profile, "A person ended it.");
    else if (by === "itself" && profile.restart.policy === "onFailure" && isClean(exit)) park(agentId, profile, reason);
    else if (by === "daemon" || mayBeginAgain(agentId, profile, reason)) look();
  }

  return {
    /** Begins the processes that are missing. */
    look,
    /** The process of a session has ended. */
    ended,
  };
}

const isClean = ({ code, signal }: Exit): boolean => code === 0 && signal === null;
