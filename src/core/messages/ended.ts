import type { ReadTx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import type { Lineage } from "./row.ts";

/** The end of work or of a request: when, and the newest entry of the log at that moment. */
export interface End {
  endedAt: number;
  endedUpTo: number;
}

export type Ended = ReturnType<typeof createEnded>;

/** Workers go on answering what they just finished; after this time it is over for them too. */
const WORKER_MS = 60_000;

/** Messages inside ended work continue no chain. */
export function createEnded(base: Base) {
  const { clock, hooks } = base.kernel;
  const { work: works } = base.rows;
  /** The end of something that owes an answer and is no work, by the message that asked for it. */
  const ended = hooks.question<[messageId: number], End>("messages.ended");

  async function endOf(on: ReadTx, messageId: number): Promise<End | undefined> {
    const work = await works.byId(on, messageId);
    if (work?.endedAt != null) return { endedAt: work.endedAt, endedUpTo: work.endedUpTo ?? 0 };
    return ended.first(on, messageId);
  }

  return {
    ended,

    /** Answers, for one reader and within one write, whether a message is over. */
    reader(on: ReadTx, agentId: string): (row: Lineage) => Promise<boolean> {
      const ends = new Map<number, (End & { isMine: boolean }) | undefined>();

      async function look(workId: number) {
        const end = await endOf(on, workId);
        return end && { ...end, isMine: (await base.lineage(on, workId))?.fromId === agentId };
      }

      return async ({ id, workId }) => {
        if (workId === null) return false;
        if (!ends.has(workId)) ends.set(workId, await look(workId));
        const end = ends.get(workId);
        if (!end || id > end.endedUpTo) return false;
        return end.isMine || clock.now() - end.endedAt > WORKER_MS;
      };
    },
  };
}
