import { and, asc, desc, eq, lt, lte, sql } from "drizzle-orm";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { readRows, readValues } from "../../kernel/db/reads.ts";
import { equal, rowsWhere } from "../../kernel/db/statements.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { files, fileUses } from "./tables.ts";

export type FileRow = typeof files.$inferSelect;

export type FileStore = ReturnType<typeof createFileStore>;

const byId = rowsWhere(files, equal(files, "id"));

/** Rows of files. Their bytes are in `blobs.ts`. */
export function createFileStore() {
  return {
    byId: async (on: ReadTx, id: string): Promise<FileRow | undefined> => byId(on).get({ id }),
    add: async (tx: Tx, row: FileRow): Promise<void> => {
      tx.db.insert(files).values(row).run();
    },
    remove: async (tx: Tx, id: string): Promise<void> => {
      tx.db.delete(files).where(eq(files.id, id)).run();
    },
    /** Number and total size of files of an agent that no message carries, counted up to `limit`. */
    unusedOf: async (on: ReadTx, uploadedBy: string, limit: number): Promise<{ files: number; bytes: number }> => {
      const isUnused = and(eq(files.uploadedBy, uploadedBy), sql`unused_since is not null`);
      const sizes = readValues(on, files.size, isUnused, { limit });
      return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    },
    hasContent: async (on: ReadTx, sha256: string): Promise<boolean> =>
      on.db.select({ id: files.id }).from(files).where(eq(files.sha256, sha256)).limit(1).get() !== undefined,

    use: async (tx: Tx, fileId: string, messageId: number): Promise<void> => {
      tx.db.insert(fileUses).values({ fileId, messageId }).onConflictDoNothing().run();
      tx.db.update(files).set({ unusedSince: null }).where(eq(files.id, fileId)).run();
    },
    /** A file that no message carries counts as unused from `at` on, if not from later. */
    keepUntil: async (tx: Tx, fileId: string, at: number): Promise<void> => {
      tx.db
        .update(files)
        .set({ unusedSince: at })
        .where(and(eq(files.id, fileId), lt(files.unusedSince, at)))
        .run();
    },
    /** A file that no message carries counts as unused from now on. */
    release: async (tx: Tx, fileId: string, now: number): Promise<void> => {
      tx.db
        .update(files)
        .set({ unusedSince: now })
        .where(and(eq(files.id, fileId), sql`not exists (select 1 from file_uses u where u.file_id = ${fileId})`))
        .run();
    },
    /** Messages that carry it, newest first. */
    usesOf: async (on: ReadTx, fileId: string, limit: number): Promise<number[]> =>
      readValues(on, fileUses.messageId, eq(fileUses.fileId, fileId), { orderBy: desc(fileUses.messageId), limit }),
    /** Whether one of the newest messages that carry it was sent by the agent, or for it when it was sent. */
    reached: async (on: ReadTx, fileId: string, agentId: AgentId, limit: number): Promise<boolean> =>
      on.db.get(sql`
        select 1 from (
          select message_id as id from file_uses where file_id = ${fileId} order by message_id desc limit ${limit}) u
        join messages m on m.id = u.id
        where exists (
          select 1 from memberships s
          where s.agent_id = ${agentId} and s.target in (m.target, iif(m.from_id = ${agentId}, ${agentId}, m.target))
            and s.since_id < m.id and (s.until_id is null or s.until_id >= m.id))
        limit 1`) !== undefined,
    /** Deletes some uses by removed messages up to the floor. Answers the number of uses read, and the last message id. */
    dropUses: async (tx: Tx, after: number, floor: number, now: number, limit: number) => {
      const some = tx.db
        .select({
          fileId: fileUses.fileId,
          messageId: fileUses.messageId,
          isThere: sql<number>`exists (select 1 from messages m where m.id = ${fileUses.messageId})`,
        })
        .from(fileUses)
        .where(and(sql`${fileUses.messageId} > ${after}`, lte(fileUses.messageId, floor)))
        .orderBy(asc(fileUses.messageId))
        .limit(limit)
        .all();
      for (const { fileId, messageId } of some.filter(({ isThere }) => !isThere)) {
        tx.db
          .delete(fileUses)
          .where(and(eq(fileUses.fileId, fileId), eq(fileUses.messageId, messageId)))
          .run();
        tx.db
          .update(files)
          .set({ unusedSince: now })
          .where(and(eq(files.id, fileId), sql`not exists (select 1 from file_uses u where u.file_id = ${fileId})`))
          .run();
      }
      return { looked: some.length, reached: some.at(-1)?.messageId ?? floor };
    },
    /** Files that no message has carried since `before`, oldest first. */
    unused: async (on: ReadTx, before: number, limit: number): Promise<FileRow[]> =>
      readRows(on, files, and(sql`unused_since is not null`, lt(files.unusedSince, before)), {
        orderBy: asc(files.unusedSince),
        limit,
      }),
  };
}
