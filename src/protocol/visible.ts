/** Text of others in which nothing hides: for the relay, the harnesses, the command line and the console alike. */

/**
 * Characters that change or hide others: controls, formats (marks of direction, tags), halves of characters, and those without a width. The
 * sign that makes an emoji of the character before it is passed over, and so is the return before a line feed.
 */
const HIDDEN =
  /(\p{Extended_Pictographic}(?:\ufe0e|\ufe0f))|(?!\t|\r?\n)[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
/** Runs that push what follows out of sight. */
const BLANK_LINES = /\n(?:[\t\p{Zs}]*\n){4,}/gu;
const BLANKS = /[\t\p{Zs}]{80,}/gu;

const codeOf = (one: string): string => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`;

/** The text with each hidden character as its code. Line feeds and tabs stay. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (one: string, emoji?: string) => emoji ?? codeOf(one));

/** The text as one line: line feeds and tabs are spelled out too. */
export const visibleLine = (text: string): string => visible(text).replace(/[\t\r\n]/g, codeOf);

/** Whether the text shows all of its characters as it is. */
export const isVisible = (text: string): boolean => visible(text) === text;

/** The visible text, with long runs of blank lines and of blanks as their number. */
export const visibleShortly = (text: string): string =>
  visible(text)
    .replace(BLANK_LINES, (run) => `\n⟨${run.split("\n").length - 2} blank lines⟩\n`)
    .replace(BLANKS, (run) => ` ⟨${run.length} blanks⟩ `);
