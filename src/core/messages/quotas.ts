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
  /** Uses in the newest transaction that has any, without refused ones: all writes of one commit are added after it. */
  taken: { transaction: number; messages: number; files: number };
}

const withNone = (row: QuotaRow): Used => ({
  ...row,
  unsaved: false,
  taken: { transaction: 0, messages: 0, files: 0 },
});

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
  let cancelTimer: (() => void) | undefined;

  const today = (): number => Math.floor(clock.now() / DAY_MS);

  function usedBy(agentId: string): Used {
    const day = today();
    const known = used.get(agentId);
    if (known?.day === day) return known;
    const fresh = withNone({ agentId, day, messages: 0, files: 0 });
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

  const isFree = (kind: AgentFacts["kind"], what: Counted): boolean => limits[what] === 0 || !isCounted(kind);

  /** @throws Problem 429 when an agent that used so much today would be beyond its quota */
  function checkUse(row: Used, what: Counted, count: number): void {
    const limit = limits[what];
    if (row[what] + count <= limit) return;
    throw new Problem(
      "quota-exceeded",
      `${row.agentId} may make ${limit} ${what} a day. It can go on after midnight UTC.`,
      {
        retryAfterSeconds: Math.ceil(((today() + 1) * DAY_MS - clock.now()) / 1000),
      },
    );
  }

  return {
    /** Uses of today before this start. */
    async load(): Promise<void> {
      for (const row of await db.read((on) => quotaStore.of(on, today()))) used.set(row.agentId, withNone(row));
    },

    /** @throws Problem 429 beyond the quota of today */
    check(by: Pick<AgentFacts, "id" | "kind">, what: Counted): void {
      if (!isFree(by.kind, what)) checkUse(usedBy(by.id), what, 1);
    },

    /**
     * Takes one from the quota of today. Counted once it is on disk, and given back when its write is refused.
     * @throws Problem 429 when none is left
     */
    take(tx: Tx, by: Pick<AgentFacts, "id" | "kind">, what: Counted): void {
      if (isFree(by.kind, what)) return;
      const row = usedBy(by.id);
      const transaction = db.transactions();
      if (row.taken.transaction !== transaction) row.taken = { transaction, messages: 0, files: 0 };
      checkUse(row, what, row.taken[what] + 1);
      const { taken } = row;
      taken[what] += 1;
      tx.onUndo(() => {
        taken[what] -= 1;
      });
      tx.afterCommit(() => {
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
