import { sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Problem } from "../../protocol/problem.ts";
import type { ReadTx, Tx } from "./database.ts";
import { statement } from "./prepared.ts";
import { everyColumn } from "./statements.ts";

/** Entry as the index takes it: its words, and one word each for sender and target. */
export interface Searchable {
  id: number;
  subject: string;
  body: string;
  from: string;
  target: string;
}

/** Name in the index: sender of an entry, or its target. */
export interface Who {
  as: "from" | "target";
  name: string;
}

/** Encodes a name as one word of the index. */
const asWord = ({ as, name }: Who): string => `${as === "from" ? "f" : "t"}${Buffer.from(name).toString("hex")}`;

/** Quotes typed text as a phrase: FTS5 would read `-`, `:` or a quote as its own syntax. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;

const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/gu;
/** Start of all these ranges: most texts lie below and need no second look. */
const MAYBE_UNSPACED = /[\u1100-\uffff]/;

/** Makes a word of each Chinese, Japanese or Korean character: these scripts have no spaces for FTS5 to cut at. */
const spaced = (text: string): string => (MAYBE_UNSPACED.test(text) ? text.replace(UNSPACED, " $& ") : text);

/** Word of the index, as its tokenizer cuts text. */
const TOKENS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
/** Limits of a search, whose cost grows with its phrases and their words. */
const MAX_PHRASE = 8;
const MAX_PHRASES = 32;

/**
 * FTS5 query that matches all words; undefined without any. Joined words ("a-b", a run of Chinese) form a phrase; long phrases
 * are split into parts. A trailing `*` matches a prefix. Repeats count once. With `who`, only entries that carry one of these
 * names match: readers are part of the index, because checking each hit afterwards is three hundred times slower for a reader
 * with few entries. @throws Problem 422 for more than 32 different words
 */
export function matchOf(words: string, who: readonly Who[] | null): string | undefined {
  const phrases = new Set<string>();
  for (const word of words.split(/\s+/u)) {
    const parts = partsOf(spaced(word.toLowerCase()).match(TOKENS) ?? []);
    for (const [i, part] of parts.entries()) {
      const phrase = quoted(part.join(" "));
      phrases.add(i === parts.length - 1 && word.endsWith("*") ? `${phrase} *` : phrase);
    }
  }
  if (phrases.size > MAX_PHRASES) throw Problem.invalid("q", `has more than ${MAX_PHRASES} words; look for fewer`);
  if (phrases.size === 0) return undefined;
  const text = `{subject body} : (${[...phrases].join(" AND ")})`;
  return who ? `${text} AND who : (${who.map((one) => quoted(asWord(one))).join(" OR ")})` : text;
}

/** Splits a long phrase into overlapping pairs; a repeated word yields the same pair, which counts once. */
function partsOf(tokens: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (const token of tokens) {
    const part = parts.at(-1);
    const isThird = token === part?.at(-1) && token === part.at(-2);
    if (isThird) parts.push([token, token]);
    else if (part && part.length < MAX_PHRASE) part.push(token);
    else parts.push([token]);
  }
  return parts;
}

/** Made by hand in the migrations: drizzle declares no virtual tables. */
const search = sqliteTable("search", {
  rowid: integer("rowid").notNull(),
  subject: text("subject").notNull(),
  body: text("body").notNull(),
  who: text("who").notNull(),
});

/** Prepared: building the statement takes longer than running it. */
const insert = statement((q) => q.insert(search).values(everyColumn(search)).prepare());

/** Full-text search: FTS5 without its own copy of the text. */
export const searchIndex = {
  add(tx: Tx, { id, subject, body, from, target }: Searchable): void {
    const who = `${asWord({ as: "from", name: from })} ${asWord({ as: "target", name: target })}`;
    insert(tx).run({ rowid: id, subject: spaced(subject), body: spaced(body), who });
  },

  /** Entries of one sender between two places (excluded), from one end. */
  sentBy(
    on: ReadTx,
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
};
