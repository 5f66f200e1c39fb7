import { and, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { statement } from "../../kernel/db/prepared.ts";
import { readRows } from "../../kernel/db/reads.ts";
import { changeWhere, columns, equal, everyColumn, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { tokens } from "./tables.ts";

export type TokenRow = typeof tokens.$inferSelect;

const insert = statement((q) => q.insert(tokens).values(everyColumn(tokens)).prepare());
const byHash = rowsWhere(tokens, equal(tokens, "hash"));
const live = and(equal(tokens, "agentId"), isNull(tokens.revokedAt));
const used = changeWhere(tokens, columns("lastUsedAt"), equal(tokens, "id"));
const byId = rowsWhere(tokens, equal(tokens, "id"));
const liveOf = rowsWhere(tokens, live);

export function createAuthStore() {
  return {
    add: async (tx: Tx, row: TokenRow): Promise<void> => {
      insert(tx).run(row);
    },
    byHash: async (on: ReadTx, hash: string): Promise<TokenRow | undefined> => byHash(on).get({ hash }),
    byKey: async (on: ReadTx, createdBy: string, key: string): Promise<TokenRow | undefined> =>
      readRows(on, tokens, and(eq(tokens.createdBy, createdBy), eq(tokens.idempotencyKey, key)))[0],
    byId: async (on: ReadTx, id: string): Promise<TokenRow | undefined> => byId(on).get({ id }),
    liveFor: async (on: ReadTx, source: string): Promise<TokenRow[]> =>
      readRows(on, tokens, and(eq(tokens.source, source), isNull(tokens.revokedAt))),
    ofSession: async (on: ReadTx, sessionId: string): Promise<TokenRow[]> =>
      readRows(on, tokens, and(eq(tokens.sessionId, sessionId), sql`session_id is not null`, isNull(tokens.revokedAt))),
    ofPerson: async (on: ReadTx, person: string): Promise<TokenRow[]> =>
      readRows(on, tokens, and(eq(tokens.person, person), isNull(tokens.revokedAt))),
    /** Live sign-ins of a person; of nobody in particular for null. */
    signInsOf: async (on: ReadTx, person: string | null): Promise<TokenRow[]> =>
      readRows(
        on,
        tokens,
        and(
          person === null ? isNull(tokens.person) : eq(tokens.person, person),
          sql`sign_in = 1 and revoked_at is null`,
        ),
      ),
    /** Sign-ins of a person, ended ones too. */
    everySignInOf: async (on: ReadTx, person: string): Promise<TokenRow[]> =>
      readRows(on, tokens, and(eq(tokens.person, person), sql`sign_in = 1`)),
    hasEnrolled: async (on: ReadTx, enroller: AgentId, agentId: AgentId): Promise<boolean> =>
      on.db.get(sql`
        select 1 from tokens own join tokens by_ on by_.id = own.enrolled_by
        where own.agent_id = ${agentId} and by_.agent_id = ${enroller} limit 1`) !== undefined,
    /** Whether an orchestrator has enrolled the agent. */
    isManaged: async (on: ReadTx, agentId: AgentId): Promise<boolean> =>
      on.db.get(sql`
        select 1 from tokens own join tokens by_ on by_.id = own.enrolled_by
        where own.agent_id = ${agentId} and by_.role = 'orchestrator' limit 1`) !== undefined,
    /** Agents with the agents whose tokens registered them. */
    enrolments: async (on: ReadTx): Promise<{ enroller: AgentId; agentId: AgentId }[]> =>
      on.db.all(sql`
        select distinct by_.agent_id as enroller, own.agent_id as agentId
        from tokens own join tokens by_ on by_.id = own.enrolled_by
        where own.agent_id is not null and by_.agent_id is not null`),
    /** Whether a live token of an operator or a member was used after a time. */
    personSince: async (on: ReadTx, after: number): Promise<boolean> =>
      readRows(
        on,
        tokens,
        and(sql`role in ('operator', 'member') and revoked_at is null`, gt(tokens.lastUsedAt, after)),
        { limit: 1 },
      ).length > 0,
    liveOf: async (on: ReadTx, agentId: string): Promise<TokenRow[]> => liveOf(on).all({ agentId }),
    /** The newest live token of an orchestrator's agent: its prefix begins the ids that it enrolls. */
    enrollerOf: async (on: ReadTx, agentId: string, now: number): Promise<TokenRow | undefined> =>
      liveOf(on)
        .all({ agentId })
        .filter(({ role, expiresAt }) => role === "orchestrator" && (expiresAt === null || expiresAt > now))
        .sort((one, other) => (one.id < other.id ? 1 : -1))[0],
    /** Newest first; ids sort by time of making. */
    /** Newest first; of an agent where one is named. */
    page: async (
      on: ReadTx,
      agent: string | undefined,
      before: string | undefined,
      limit: number,
    ): Promise<TokenRow[]> =>
      readRows(
        on,
        tokens,
        and(agent ? eq(tokens.agentId, agent as AgentId) : undefined, before ? lt(tokens.id, before) : undefined),
        { orderBy: desc(tokens.id), limit },
      ),
    revoke: async (tx: Tx, id: string, at: number): Promise<void> => {
      tx.db.update(tokens).set({ revokedAt: at }).where(eq(tokens.id, id)).run();
    },
    revive: async (tx: Tx, id: string): Promise<void> => {
      tx.db.update(tokens).set({ revokedAt: null }).where(eq(tokens.id, id)).run();
    },
    used: async (tx: Tx, id: string, at: number): Promise<void> => {
      used(tx).run({ id, lastUsedAt: at });
    },
  };
}
