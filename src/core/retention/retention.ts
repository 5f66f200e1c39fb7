import { HOUR_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { RetentionState } from "../../protocol/health.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import { createCaution } from "./caution.ts";
import { createMessageSweep, type RetentionReport } from "./messages.ts";
import { retentionStore } from "./store.ts";
import { createSweeps, type Sweep } from "./sweeps.ts";

const RETAIN = "retention";
const KEY = "log";
/** Time from a start, or a jump of the clock, to the first run; each plans the next, an hour later. */
const FIRST_MS = 60_000;

/** Deletes what is older than the retention time: messages first, then the rows of every area by their sweeps. */
export function createRetention(base: Base) {
  const { clock, due } = base.kernel;
  const caution = createCaution(base);
  const messages = createMessageSweep(base, caution, noteRun);
  const sweeps = createSweeps(base, caution);

  async function start(tx: Tx, { data }: DueRow): Promise<void> {
    await due.schedule(tx, RETAIN, KEY, clock.now() + HOUR_MS, data);
    tx.afterCommit(messages.start);
  }

  /** The row of the next run also keeps what the last one did. */
  async function noteRun(tx: Tx, { deleted, refused }: RetentionReport): Promise<void> {
    const next = await due.find(tx, RETAIN, KEY);
    if (next) await due.schedule(tx, RETAIN, KEY, next.at, { ranAt: clock.now(), deleted, refused });
  }

  const own: Sweep[] = [
    {
      name: "deliveries",
      limit: 500,
      sweep(tx, { before, limit }) {
        base.rows.inbox.thinned();
        return retentionStore.thin(tx, before, limit);
      },
    },
    {
      name: "agents.deleted",
      limit: 200,
      sweep: (tx, { before, limit }) => base.identity.agents.shrinkTombstones(tx, before, limit),
    },
  ];
  sweeps.add(own);

  return {
    keptFrom: messages.keptFrom,
    weights: messages.weights,
    removing: messages.removing,
    ran: messages.ran,
    /** Takes over the sweeps of an area. */
    add: sweeps.add,
    /** The time that messages are kept for, how far they are gone, and the last run. */
    async state(on: ReadTx): Promise<Pick<RetentionState, "days" | "firstId" | "lastRun">> {
      const { ranAt, deleted, refused } = (await due.find(on, RETAIN, KEY))?.data ?? {};
      return {
        ...{ days: base.options.retentionDays, firstId: (await base.rows.messages.floor(on)) + 1 },
        lastRun:
          typeof ranAt === "number" ? { at: toTime(ranAt), deleted: Number(deleted), refused: refused === true } : null,
      };
    },
    /** Plans every run anew: after the clock was set back the next would be in a far future. */
    async resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
      const known = await due.find(tx, RETAIN, KEY);
      await due.schedule(tx, RETAIN, KEY, now + FIRST_MS, known?.data);
      await sweeps.plan(tx, now);
      await caution.resume(tx, now, jumpedMs);
    },
    dueHandlers: { ...caution.dueHandlers, ...sweeps.dueHandlers, [RETAIN]: start },
    stop: messages.stop,
  };
}
