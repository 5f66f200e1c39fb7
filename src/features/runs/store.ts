import { and, asc, desc, eq, gt, isNotNull, isNull, lte, ne, sql } from "drizzle-orm";
import { bound } from "../../kernel/db/bound.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { lastIdOf } from "../../kernel/db/sequence.ts";
import {
  byTime,
  changeWhere,
  columns,
  columnsWhere,
  countWhere,
  equal,
  everyColumn,
  pick,
  rowsWhere,
} from "../../kernel/db/statements.ts";
import type { RunRow, TurnRow } from "./row.ts";
import { runs, runTurns } from "./tables.ts";

export type RunStore = ReturnType<typeof createRunStore>;

/** In the words of the partial indexes: SQLite would not use them for any other. */
const isLive = sql`status <> 'ended'`;
const holdsSession = sql`status in ('running', 'stopping')`;
/** Findings of one run that are read. */
const MAX_FINDINGS = 200;
/** Runs of one message that are read: a message to a group may have one for each member. */
const MAX_OF_MESSAGE = 500;

const byId = rowsWhere(runs, equal(runs, "id"));
const turnById = rowsWhere(runTurns, equal(runTurns, "id"));
const insertTurn = statement((q) => q.insert(runTurns).values(everyColumn(runTurns)).prepare());
const inSession = rowsWhere(runs, and(equal(runs, "agentId", "sessionKey"), isLive, holdsSession), { limit: 1 });
const newestOf = rowsWhere(runs, equal(runs, "agentId", "sessionKey"), { orderBy: desc(runs.number), limit: 1 });
const working = rowsWhere(runs, and(equal(runs, "agentId"), isLive, holdsSession), { limit: 2 });
const queued = rowsWhere(runs, and(equal(runs, "agentId"), isLive, sql`status = 'queued'`), { limit: "limit" });
const serving = rowsWhere(runs, and(equal(runs, "delegationId", "agentId"), isLive), { limit: 1 });
const notBegun = and(equal(runTurns, "runId"), gt(runTurns.number, bound("after")), isNull(runTurns.startedAt));
const waitingTurn = rowsWhere(runTurns, and(notBegun, isNull(runTurns.endedAt)), {
  orderBy: asc(runTurns.number),
  limit: 1,
});
const ofMessage = columnsWhere(
  pick(runs, "id", "status", "outcome"),
  runs,
  and(equal(runs, "messageId"), sql`message_id is not null`),
  { orderBy: desc(runs.number), limit: MAX_OF_MESSAGE },
);
const dropped = rowsWhere(runTurns, and(notBegun, isNotNull(runTurns.endedAt)), { orderBy: asc(runTurns.number) });
const lastTurn = columnsWhere({ number: runTurns.number }, runTurns, equal(runTurns, "runId"), {
  orderBy: desc(runTurns.number),
  limit: 1,
});
const times = byTime(runs, "dueAt", sql`due_at is not null`);
const touch = changeWhere(runs, columns("dueAt", "closing", "leaseSeconds"), equal(runs, "id"));
const use = changeWhere(
  runs,
  columns("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "costUsd", "byModel"),
  equal(runs, "id"),
);
const awaited = countWhere(runs, and(equal(runs, "requester"), sql`requester is not null`, isLive));
const children = countWhere(
  runs,
  and(equal(runs, "parentId"), sql`parent_id is not null`, isLive, isNull(runs.delegationId)),
);
const askedBy = countWhere(
  runs,
  and(equal(runs, "askedBy"), sql`asked_by is not null`, isLive, isNull(runs.delegationId)),
);
const below = countWhere(
  runs,
  and(equal(runs, "rootId"), isLive, isNull(runs.delegationId), sql`${runs.id} <> ${runs.rootId}`),
);

/** Runs and their turns. */
export function createRunStore() {
  return {
    /** Highest number of the list. */
    head: lastIdOf("runs"),
    /** Stores a new run; answers it with its number. */
    add: async (tx: Tx, row: Omit<RunRow, "number">): Promise<RunRow> => {
      const { number } = tx.db.insert(runs).values(row).returning({ number: runs.number }).get();
      return { ...row, number };
    },
    /** Stores everything of a run that changes. */
    save: async (tx: Tx, row: RunRow): Promise<void> => {
      const { id, number: _, task: __, ...changed } = row;
      tx.db.update(runs).set(changed).where(eq(runs.id, id)).run();
    },
    /** Stores the next time at which something happens to it, and what ends its turn then. */
    touch: async (tx: Tx, { id, dueAt, closing, leaseSeconds }: RunRow): Promise<void> => {
      touch(tx).run({ id, dueAt, closing, leaseSeconds });
    },
    saveUsage: async (tx: Tx, row: RunRow): Promise<void> => {
      const { id, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd, byModel } = row;
      use(tx).run({ id, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd, byModel });
    },
    byId: async (on: ReadTx, id: string): Promise<RunRow | undefined> => byId(on).get({ id }),

    addTurn: async (tx: Tx, row: TurnRow): Promise<void> => {
      insertTurn(tx).run({ ...row });
    },
    saveTurn: async (tx: Tx, { id, runId: _, number: __, ...changed }: TurnRow): Promise<void> => {
      tx.db.update(runTurns).set(changed).where(eq(runTurns.id, id)).run();
    },
    turn: async (on: ReadTx, id: string): Promise<TurnRow | undefined> => turnById(on).get({ id }),
    /** Number of the newest turn of a run; 0 for none. */
    lastTurn: (on: ReadTx, runId: string): number => lastTurn(on).get({ runId })?.number ?? 0,
    /** The turn that begins after the one of this number, if a message asked for it. */
    turnAfter: async (on: ReadTx, runId: string, number: number): Promise<TurnRow | undefined> =>
      waitingTurn(on).get({ runId, after: number }),

    /** Turns after the one of this number that were given up before they began. */
    droppedAfter: async (on: ReadTx, runId: string, number: number): Promise<TurnRow[]> =>
      dropped(on).all({ runId, after: number }),

    /** The run that holds a session key of an agent. */
    holder: async (on: ReadTx, agentId: string, sessionKey: string): Promise<RunRow | undefined> =>
      inSession(on).get({ agentId, sessionKey }),
    /** The newest run of a session. */
    newestOf: async (on: ReadTx, agentId: string, sessionKey: string): Promise<RunRow | undefined> =>
      newestOf(on).get({ agentId, sessionKey }),
    /** The one run of an agent that runs; undefined if there are more. */
    onlyRunning: async (on: ReadTx, agentId: string): Promise<RunRow | undefined> => {
      const [one, another] = working(on).all({ agentId });
      return another ? undefined : one;
    },
    /** Some runs whose turn waits, after one. */
    queued: async (on: ReadTx, after: number, limit: number): Promise<RunRow[]> =>
      readRows(on, runs, and(eq(runs.status, "queued"), gt(runs.number, after)), { orderBy: asc(runs.number), limit }),
    queuedOf: async (on: ReadTx, agentId: string, limit: number): Promise<RunRow[]> =>
      queued(on).all({ agentId, limit }),
    /** The live run of an agent that serves a delegation. */
    serving: async (on: ReadTx, delegationId: string, agentId: string): Promise<RunRow | undefined> =>
      serving(on).get({ delegationId, agentId }),
    /** Live runs that a run asked for, counted up to `limit`. */
    countAwaited: (on: ReadTx, runId: string, limit = 1): number => awaited(on, { requester: runId, limit }),
    /** Live runs that a run spawned, counted up to `limit`. */
    countChildren: (on: ReadTx, runId: string, limit: number): number => children(on, { parentId: runId, limit }),
    /** Live runs that an agent asked for, without those that serve delegations: these count as delegations. */
    countAskedBy: (on: ReadTx, agentId: string, limit: number): number => askedBy(on, { askedBy: agentId, limit }),
    /** Live runs of a tree below its root, without those that serve delegations. */
    countBelow: (on: ReadTx, rootId: string, limit: number): number => below(on, { rootId, limit }),
    /** Runs that name a message, newest first. */
    ofMessage: async (on: ReadTx, messageId: number) => ofMessage(on).all({ messageId }),
    /** Runs that a run asked for, oldest first. */
    findings: async (on: ReadTx, runId: string): Promise<RunRow[]> =>
      on.db
        .select()
        .from(runs)
        .where(and(eq(runs.requester, runId), sql`requester is not null`))
        .orderBy(asc(runs.number))
        .limit(MAX_FINDINGS)
        .all(),

    /** Runs that work on a message, newest first. */
    allOfMessage: async (on: ReadTx, messageId: number, limit: number): Promise<RunRow[]> =>
      on.db
        .select()
        .from(runs)
        .where(and(sql`message_id is not null`, sql`${runs.messageId} = ${messageId}`))
        .orderBy(desc(runs.number))
        .limit(limit)
        .all(),

    /** Live runs of an agent, up to a number of the list. */
    liveOf: async (on: ReadTx, agentId: string, upTo: number, limit: number): Promise<RunRow[]> =>
      on.db
        .select()
        .from(runs)
        .where(and(eq(runs.agentId, agentId), isLive, lte(runs.number, upTo)))
        .limit(limit)
        .all(),

    earliest: times.earliest,
    ripe: times.ripe,
    /** No live run ends by time before `soonest`, and none later than `now` and the whole time that it was given. */
    giveGrace: async (tx: Tx, now: number, soonest: number, confirmMs: number, wakeMs: number): Promise<void> => {
      const whole = sql`${now} + coalesce(${runs.timeoutSeconds}, 86400) * 1000`;
      tx.db
        .update(runs)
        .set({ deadlineAt: whole })
        .where(and(isLive, sql`${runs.deadlineAt} > ${whole}`))
        .run();
      const latest = sql`case ${runs.status}
        when 'running' then ${now} + ${runs.leaseSeconds} * 1000
        when 'stopping' then ${now + confirmMs}
        when 'queued' then iif(${runs.wokenAt} is null, ${runs.deadlineAt}, ${now + wakeMs})
        else ${runs.deadlineAt} end`;
      tx.db
        .update(runs)
        .set({ dueAt: latest })
        .where(and(isLive, sql`due_at is not null`, sql`${runs.dueAt} > ${latest}`))
        .run();
      tx.db
        .update(runs)
        .set({ deadlineAt: soonest })
        .where(and(isLive, sql`${runs.deadlineAt} < ${soonest}`))
        .run();
      tx.db
        .update(runs)
        .set({ dueAt: soonest })
        .where(and(isLive, sql`due_at is not null`, sql`${runs.dueAt} < ${soonest}`))
        .run();
    },

    /** Oldest message that a live run works on. */
    oldestMessage: async (on: ReadTx): Promise<number | undefined> =>
      on.db
        .select({ id: sql<number | null>`min(${runs.messageId})` })
        .from(runs)
        .where(isLive)
        .get()?.id ?? undefined,
    /** The newest turns of a run, oldest first. */
    turnsOf: async (on: ReadTx, runId: string, limit: number): Promise<TurnRow[]> =>
      readRows(on, runTurns, and(eq(runTurns.runId, runId), ne(runTurns.number, 0)), {
        orderBy: desc(runTurns.number),
        limit,
      }).reverse(),
  };
}
