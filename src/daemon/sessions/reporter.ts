import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { Place } from "../../protocol/places.ts";
import type { SessionDraft } from "../../protocol/sessions.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Services } from "../services.ts";

export type Reporter = ReturnType<typeof createReporter>;

/** Tells the relay the newest state of sessions, one call at a time for each, also once it is back. */
export function createReporter({ journal, link, log, time, life }: Services) {
  const running = new Map<string, Promise<void>>();
  const dirty = new Set<string>();
  /** Members that are not in the journal: reasons, runs, queues. */
  const extras = new Map<string, Partial<SessionDraft>>();
  /** Members of the next report alone: the relay takes them for news each time. */
  const news = new Map<string, Partial<SessionDraft>>();

  async function send(id: string): Promise<void> {
    try {
      while (dirty.delete(id) && !life.aborted) await sendOnce(id);
    } finally {
      // In the same step as the last look: a report that came after it would be left to nobody.
      running.delete(id);
    }
  }

  async function sendOnce(id: string): Promise<void> {
    const row = journal.sessions.get(id);
    if (!row) return;
    const draft = draftOf(row, { ...extras.get(id), ...news.get(id) });
    news.delete(id);
    await untilAnswered(time, () => link.box.sessions.put(id, draft), life).catch((error) => {
      if (life.aborted) return;
      if (!(error instanceof RelayProblem)) throw error;
      log(`The relay refused the report of session ${id}: ${error.message}`);
    });
  }

  return {
    /** Reports a session. Resolves when the relay has its state of now, or has refused it. `once`: said in one report alone. */
    async report(id: string, extra?: Partial<SessionDraft>, once?: Partial<SessionDraft>): Promise<void> {
      if (once) news.set(id, { ...news.get(id), ...once });
      if (extra) extras.set(id, { ...extras.get(id), ...extra });
      dirty.add(id);
      const before = running.get(id);
      if (before) return before;
      // Begins in a later step, so that its end comes after this.
      const sending = Promise.resolve().then(() => send(id));
      running.set(id, sending);
      return sending;
    },
  };
}

export function draftOf(row: SessionRow, extra: Partial<SessionDraft> = {}): SessionDraft {
  const { agentId, provider, nativeId, name, lane, cwd, home, model, state, pid, fence, place } = row;
  return {
    ...{ agentId, provider, nativeId, name, lane, cwd, home, model, state, pid },
    place: place === null ? null : (JSON.parse(place) as Place),
    ...(fence !== null && { fence }),
    ...extra,
  };
}
