import { sql } from "drizzle-orm";
import type { Reading, Tx } from "./database.ts";

/** What the index holds of one entry: its words, and as one word each who may see it. */
export interface Searchable {
  id: number;
  subject: string;
  body: string;
  /** Names, any characters. */
  who: readonly string[];
}

/** A name as one word of the index: whatever it is made of. */
const asWord = (name: string): string => `w${Buffer.from(name).toString("hex")}`;

/** What a person typed, as phrases: FTS5 would read `-`, `:` or a quote as its own language. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;

/** Full-text search: FTS5 without its own copy of the text. */
export const searchIndex = {
  add(tx: Tx, entry: Searchable): void {
    tx.db.run(sql`insert into search (rowid, subject, body, who)
      values (${entry.id}, ${entry.subject}, ${entry.body}, ${entry.who.map(asWord).join(" ")})`);
  },

  /**
   * Newest first: entries with all these words. With `who`, only those that carry one of the names: who may see a hit is
   * part of the index, because asking for each hit afterwards is three hundred times slower for a rare reader.
   */
  find(on: Reading, words: string, who: readonly string[] | null, before: number, limit: number): number[] {
    const terms = words.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
    if (terms.length === 0) return [];
    const text = `{subject body} : (${terms.map(quoted).join(" AND ")})`;
    const query = who ? `${text} AND who : (${who.map((name) => quoted(asWord(name))).join(" OR ")})` : text;
    const rows = on.db.all<{ id: number }>(sql`select rowid as id from search
      where search match ${query} and rowid < ${before} order by rowid desc limit ${limit}`);
    return rows.map((row) => row.id);
  },
};
