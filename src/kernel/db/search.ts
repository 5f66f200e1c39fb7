import { sql } from "drizzle-orm";
import { Problem } from "../../protocol/problem.ts";
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

/** A word of the index, as its tokenizer cuts text. */
const TOKENS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
/** The cost of a search grows with its phrases and with the words in each. */
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
};
