import { everyItem } from "../../client/pages.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Profile } from "../../protocol/profiles.ts";
import { counted } from "../counted.ts";
import type { TurnRow } from "../journal/turns.ts";
import { keepProfiles, stoppedBy } from "../profiles.ts";
import type { Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Turns } from "../turns/turns.ts";

interface Parts {
  turns: Turns;
  live: LiveSessions;
}

/** Profiles of the relay: read at the start and after each change. Agents that one wants stopped begin nothing. */
export function createProfiles(services: Services, { turns, live }: Parts) {
  const { journal, link, time, life, log } = services;
  let waiting: (() => void)[] = [];
  let reading: Promise<void> = Promise.resolve();
  const isStopped = (agentId: string): boolean => stoppedBy(services, agentId) !== undefined;

  async function all(): Promise<Profile[]> {
    const found: Profile[] = [];
    for await (const one of everyItem((page) => link.box.profiles.list(page === undefined ? {} : { page })))
      found.push(one);
    return found;
  }

  async function read(): Promise<void> {
    const profiles = await untilAnswered(time, all, life);
    if (life.aborted) return;
    keepProfiles(services, profiles);
    await stopSessions();
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  /** Ends the processes of stopped agents. Their turns wait at the gate. */
  async function stopSessions(): Promise<void> {
    const ids = live.ids().filter((id) => isStopped(journal.sessions.get(id)?.agentId ?? ""));
    await Promise.all(ids.map((id) => turns.in(id)?.pause() ?? live.close(id)));
    if (ids.length > 0) log(`Profiles stopped ${counted(ids.length, "session")}`, { sessions: ids });
  }

  return {
    /** Reads all profiles, one reading after another. Where the relay refuses, those of before stay. */
    load(): Promise<void> {
      reading = reading.then(read).catch((error) => {
        if (!life.aborted) log(`Profiles were not read: ${error instanceof Error ? error.message : error}`);
      });
      return reading;
    },
    isStopped: ({ agentId }: TurnRow): boolean => isStopped(agentId),
    /** Gate for turns. */
    async gate({ agentId }: TurnRow, signal: AbortSignal): Promise<void> {
      while (isStopped(agentId)) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      signal.throwIfAborted();
    },
  };
}
