import { breathe } from "../../kernel/breathe.ts";
import type { Base } from "../base.ts";
import { toLogEntry } from "./entry.ts";

/** Rows of one read: some 2 ms. */
const PAGE = 100;
/** Half of the tail's room. */
const MOST = 5000;

/**
 * Fills the tail with the newest stored messages after a start: followers that come back go on from there, and a page from memory
 * costs a third of one from the file.
 */
export function createWarmUp({ kernel, log, rows }: Base) {
  const { db, onError } = kernel;
  let running: Promise<void> | undefined;
  let stopped = false;

  async function run(): Promise<void> {
    for (let left = MOST; left > 0 && !stopped; left -= PAGE) {
      const upTo = log.wholeFrom();
      const found = await db.read(async (on) => rows.messages.before(on, upTo, PAGE));
      const [oldest] = found.reverse();
      if (!oldest || !log.unshift(found.map(toLogEntry), { after: oldest.id - 1, upTo })) return;
      await breathe();
    }
  }

  return {
    start(): void {
      running ??= run().catch(onError);
    },
    /** Resolves when nothing is read any more. */
    settle: async (): Promise<void> => running,
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}
