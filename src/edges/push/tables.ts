import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { TokenId } from "../../protocol/ids.ts";
import type { PushKind } from "../../protocol/push.ts";
import type { Role } from "../../protocol/tokens.ts";

/** Browsers of people that are told by push. One goes with the token or sign-in that made it. */
export const pushSubscriptions = sqliteTable(
  "push_subscriptions",
  {
    id: text("id").primaryKey(),
    /** null: of tokens without a person. */
    personId: text("person_id"),
    tokenId: text("token_id").$type<TokenId>().notNull(),
    role: text("role").$type<Role>().notNull(),
    endpoint: text("endpoint").notNull(),
    /** The browser's key and secret as JSON, sealed. */
    keys: text("keys").notNull(),
    device: text("device").notNull(),
    previews: integer("previews", { mode: "boolean" }).notNull(),
    failingSince: integer("failing_since"),
    lastSentAt: integer("last_sent_at"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("push_subscriptions_by_endpoint").on(t.endpoint),
    index("push_subscriptions_by_person").on(t.personId),
    index("push_subscriptions_by_token").on(t.tokenId),
  ],
);

/** Subject of a push: one of these. */
export interface About {
  approvalId?: string;
  messageId?: number;
  announcementId?: string;
  runId?: string;
  /** Text of something without a row of its own. */
  text?: string;
}

/** Pushes on their way to one device, and sent ones that the device may still show. */
export const pushNotes = sqliteTable(
  "push_notes",
  {
    subscriptionId: text("subscription_id").notNull(),
    /** A newer push with the same tag takes the place of an older one. */
    tag: text("tag").notNull(),
    kind: text("kind").$type<PushKind>().notNull(),
    agentId: text("agent_id"),
    path: text("path").notNull(),
    about: text("about", { mode: "json" }).$type<About>().notNull(),
    /** Time of the next try; null once it was sent. */
    nextAt: integer("next_at"),
    attempts: integer("attempts").notNull(),
    expiresAt: integer("expires_at").notNull(),
    sentAt: integer("sent_at"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.subscriptionId, t.tag] }),
    index("push_notes_pending").on(t.subscriptionId, t.nextAt).where(sql`next_at is not null`),
    index("push_notes_by_end").on(t.expiresAt),
  ],
);
