import { HOUR_MS } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Base } from "../base.ts";
import { createCaution } from "./caution.ts";
import { createMessageSweep } from "./messages.ts";
import { retentionStore } from "./store.ts";
import { createSweeps, type Sweep } from "./sweeps.ts";

const RETAIN = "retention";
/** Time from a start, or a jump of the clock, to the first run; each plans the next, an hour later. */
const FIRST_MS = 60_000;

/** Deletes what is older than the retention time: messages first, then the rows of every area by their sweeps. */
export function createRetention(base: Base) {
  const { clock, due } = base.kernel;
  const caution = createCaution(base);
  const messages = createMessageSweep(base, caution);
  const sweeps = createSweeps(base, caution);

  async function start(tx: Tx): Promise<void> {
    await due.schedule(tx, RETAIN, "log", clock.now() + HOUR_MS);
    tx.afterCommit(messages.start);
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
    /** Plans every run anew: after the clock was set back the next would be in a far future. */
    async resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
      await due.schedule(tx, RETAIN, "log", now + FIRST_MS);
      await sweeps.plan(tx, now);
      await caution.resume(tx, now, jumpedMs);
    },
    dueHandlers: { ...caution.dueHandlers, ...sweeps.dueHandlers, [RETAIN]: start },
    stop: messages.stop,
  };
}
