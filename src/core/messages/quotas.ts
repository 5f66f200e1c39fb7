import type { AgentFacts } from "../../identity/agents/row.ts";
import { type Clock, DAY_MS } from "../../kernel/clock.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import { Problem } from "../../protocol/problem.ts";
import { type QuotaRow, quotaStore } from "./store-quotas.ts";

/** Daily quotas of an agent, from midnight to midnight UTC; 0 for no limit. */
export interface QuotaLimits {
  messages: number;
  files: number;
}

export type Counted = keyof QuotaLimits;

interface Used extends QuotaRow {
  unsaved: boolean;
}

const SAVE_EVERY_MS = 1000;
const SAVE_SLICE = 200;

/** People, channels and the relay itself are not counted: their messages come from elsewhere. */
const isCounted = (kind: AgentFacts["kind"]): boolean => kind === "provider" || kind === "orchestrator";

export type Quotas = ReturnType<typeof createQuotas>;

/**
 * Counts each agent's messages and uploads of today, so that one alone cannot fill the disk. Counted in memory and written
 * once a second at most: after a crash the last second is missing.
 */
export function createQuotas(db: Db, clock: Clock, limits: QuotaLimits, onError: (error: unknown) => void) {
  const used = new Map<string, Used>();
  /** Uses in the transaction that is open: all writes of one commit are added to `used` after it. */
  const taking = new Map<string, number>();
  db.beforeBatch(async () => taking.clear());
  let cancelTimer: (() => void) | undefined;

  const today = (): number => Math.floor(clock.now() / DAY_MS);

  function usedBy(agentId: string): Used {
    const day = today();
    const known = used.get(agentId);
    if (known?.day === day) return known;
    const fresh: Used = { agentId, day, messages: 0, files: 0, unsaved: false };
    used.set(agentId, fresh);
    return fresh;
  }

  async function save(): Promise<void> {
    cancelTimer = undefined;
    const day = today();
    for (const [agentId, row] of used) if (row.day !== day) used.delete(agentId);
    const unsaved = [...used.values()].filter((row) => row.unsaved);
    for (let i = 0; i < unsaved.length; i += SAVE_SLICE) {
      const slice = unsaved.slice(i, i + SAVE_SLICE);
      for (const row of slice) row.unsaved = false;
      await db.background(async (tx) => {
        if (i === 0) await quotaStore.forget(tx, day);
        await quotaStore.put(tx, slice);
      });
    }
  }

  /** @throws Problem 429 beyond the quota of today */
  function check(by: Pick<AgentFacts, "id" | "kind">, what: Counted, count = 1): void {
    const limit = limits[what];
    if (limit === 0 || !isCounted(by.kind) || usedBy(by.id)[what] + count <= limit) return;
    throw new Problem("quota-exceeded", `${by.id} may make ${limit} ${what} a day. It can go on after midnight UTC.`, {
      retryAfterSeconds: Math.ceil(((today() + 1) * DAY_MS - clock.now()) / 1000),
    });
  }

  return {
    /** Uses of today before this start. */
    async load(): Promise<void> {
      for (const row of await db.read((on) => quotaStore.of(on, today())))
        used.set(row.agentId, { ...row, unsaved: false });
    },

    check,

    /** Takes one from the quota of today; counted once it is on disk. @throws Problem 429 when none is left */
    take(tx: Tx, by: Pick<AgentFacts, "id" | "kind">, what: Counted): void {
      if (limits[what] === 0 || !isCounted(by.kind)) return;
      const key = `${what} ${by.id}`;
      const taken = (taking.get(key) ?? 0) + 1;
      check(by, what, taken);
      taking.set(key, taken);
      tx.afterCommit(() => {
        const row = usedBy(by.id);
        row[what] += 1;
        row.unsaved = true;
        cancelTimer ??= clock.after(SAVE_EVERY_MS, () => void save().catch(onError));
      });
    },

    async stop(): Promise<void> {
      cancelTimer?.();
      await save();
    },
  };
}
