import { sql } from "drizzle-orm";
import type { Reading, Tx } from "./database.ts";

/** What the index holds of one entry: its words, and as one word each who may see it. */
export interface Searchable {
  id: number;
  subject: string;
  body: string;
  from: string;
  target: string;
}

/** Somebody as the index knows him: as the sender of an entry, or as its target. */
export interface Who {
  as: "from" | "target";
  name: string;
}

/** A name as one word of the index: whatever it is made of. */
const asWord = ({ as, name }: Who): string => `${as === "from" ? "f" : "t"}${Buffer.from(name).toString("hex")}`;

/** What a person typed, as phrases: FTS5 would read `-`, `:` or a quote as its own language. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;

const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/gu;
/** Where all of those begin: most texts need no second look. */
const MAYBE_UNSPACED = /[\u1100-\uffff]/;

/** Chinese, Japanese and Korean write no spaces that FTS5 could cut at: each of their characters becomes a word. */
const spaced = (text: string): string => (MAYBE_UNSPACED.test(text) ? text.replace(UNSPACED, " $& ") : text);

/** Full-text search: FTS5 without its own copy of the text. */
export const searchIndex = {
  add(tx: Tx, { id, subject, body, from, target }: Searchable): void {
    const who = `${asWord({ as: "from", name: from })} ${asWord({ as: "target", name: target })}`;
    tx.db.run(sql`insert into search (rowid, subject, body, who)
      values (${id}, ${spaced(subject)}, ${spaced(body)}, ${who})`);
  },

  /** Entries sent by somebody, between two places (not included), from one end. */
  sentBy(
    on: Reading,
    sender: string,
    range: { after: number; before: number; oldestFirst: boolean },
    limit: number,
  ): number[] {
    const query = `who : ${quoted(asWord({ as: "from", name: sender }))}`;
    const rows = on.db.all<{ id: number }>(sql`select rowid as id from search
      where search match ${query} and rowid > ${range.after} and rowid < ${range.before}
      order by rowid ${sql.raw(range.oldestFirst ? "asc" : "desc")} limit ${limit}`);
    return rows.map((row) => row.id);
  },

  /**
   * Newest first: entries with all these words. With `who`, only those that carry one of them: who may see a hit is
   * part of the index, because asking for each hit afterwards is three hundred times slower for a rare reader.
   */
  find(on: Reading, words: string, who: readonly Who[] | null, before: number, limit: number): number[] {
    const terms = words.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
    if (terms.length === 0) return [];
    const text = `{subject body} : (${terms.map((term) => quoted(spaced(term))).join(" AND ")})`;
    const query = who ? `${text} AND who : (${who.map((one) => quoted(asWord(one))).join(" OR ")})` : text;
    const rows = on.db.all<{ id: number }>(sql`select rowid as id from search
      where search match ${query} and rowid < ${before} order by rowid desc limit ${limit}`);
    return rows.map((row) => row.id);
  },
};
