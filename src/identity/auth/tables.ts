import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { AgentId, TokenId } from "../../protocol/ids.ts";
import type { Role } from "../../protocol/tokens.ts";

export const tokens = sqliteTable(
  "tokens",
  {
    id: text("id").$type<TokenId>().primaryKey(),
    /** SHA-256 of the secret, base64url. The secret has 256 random bits, so a slow hash would add nothing. */
    hash: text("hash").notNull(),
    role: text("role").$type<Role>().notNull(),
    agentId: text("agent_id").$type<AgentId>(),
    groups: text("groups", { mode: "json" }).$type<string[]>(),
    prefix: text("prefix"),
    source: text("source"),
    /** Session that it was made for: it ends with that, and acknowledges nothing. */
    sessionId: text("session_id"),
    /** The person it belongs to. */
    person: text("person"),
    /** A browser's sign-in: it works as a cookie alone. */
    signIn: integer("sign_in", { mode: "boolean" }).notNull().default(false),
    name: text("name"),
    /** The enroll token that made it, and the instance it was made for. */
    enrolledBy: text("enrolled_by"),
    enrolledFor: text("enrolled_for"),
    createdBy: text("created_by"),
    /** Key of the request that made it; the same secret is derived from it again. */
    idempotencyKey: text("idempotency_key"),
    fingerprint: text("fingerprint"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    lastUsedAt: integer("last_used_at"),
    revokedAt: integer("revoked_at"),
  },
  (t) => [
    uniqueIndex("tokens_by_hash").on(t.hash),
    index("tokens_by_agent").on(t.agentId),
    index("tokens_of_people").on(t.lastUsedAt).where(sql`role in ('operator', 'member') and revoked_at is null`),
    index("tokens_of_session").on(t.sessionId).where(sql`session_id is not null`),
    index("tokens_by_person").on(t.person).where(sql`person is not null`),
    index("tokens_of_sign_ins").on(t.person).where(sql`sign_in = 1 and revoked_at is null`),
    index("tokens_by_source").on(t.source).where(sql`source is not null`),
    uniqueIndex("tokens_by_key").on(t.createdBy, t.idempotencyKey).where(sql`idempotency_key is not null`),
  ],
);
