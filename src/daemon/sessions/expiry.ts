import type { SessionRow } from "../journal/sessions.ts";
import type { Services } from "../services.ts";
import type { Reporter } from "./reporter.ts";
import type { Worktrees } from "./worktrees.ts";

/** Idle sessions that can go on at any time. The relay takes 1,000 of one orchestrator that are not dead. */
const MOST = 500;
const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;

interface Parts {
  reporter: Reporter;
  worktrees: Worktrees;
  /** Whether a process or a turn of a session is there. */
  isBusy(sessionId: string): boolean;
}

/**
 * Ends sessions that nobody goes on with: work beside dialogues, and threads. Those of a person and of chats stay. A look that a crash of
 * the daemon cut off has nobody to go on with it.
 */
export function createExpiry(services: Services, { reporter, worktrees, isBusy }: Parts) {
  const { journal, time, life, log } = services;

  async function end(row: SessionRow): Promise<void> {
    // Another look may have ended it meanwhile, or a message has come.
    if (life.aborted || isBusy(row.id) || journal.sessions.get(row.id)?.state !== "idle") return;
    journal.write(() => journal.sessions.change(row.id, { state: "dead", isMain: false, endedAt: time.wall() }));
    await reporter.report(row.id, { reason: "It was not gone on with." });
    await worktrees.ended(row);
  }

  async function look(): Promise<void> {
    const open = new Set(journal.turns.open().flatMap(({ sessionId, plan }) => [sessionId, plan.sessionId]));
    const idle = journal.sessions
      .live()
      .filter((row) => mayEnd(row) && row.pid === null && !open.has(row.id) && !isBusy(row.id))
      .sort((a, b) => b.lastTurnAt - a.lastTurnAt);
    const before = time.wall() - KEPT_DAYS * DAY_MS;
    const peeks = idle.filter(({ lane }) => lane === "peek");
    const others = idle.filter(({ lane }) => lane !== "peek");
    const over = [...peeks, ...others.filter((row, at) => row.lastTurnAt < before || at >= MOST)];
    if (over.length > 0) log(`Idle sessions that are ended: ${over.length}`);
    for (const row of over) await end(row);
  }

  /** Ends what is over now. */
  return async (): Promise<void> => {
    if (!journal.isOpen || life.aborted) return;
    await look().catch((error) => {
      if (!life.aborted) log(`Idle sessions were left: ${error instanceof Error ? error.message : error}`);
    });
  };
}

const mayEnd = ({ lane, sessionKey, state }: SessionRow): boolean =>
  state === "idle" && (lane !== "main" || sessionKey.startsWith("thread:"));
