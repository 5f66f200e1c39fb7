/** Keys of a search, as people write them. */
export const SEARCH_KEYS = ["project", "agent", "state", "tag", "pr"] as const;
export type SearchKey = (typeof SEARCH_KEYS)[number];

/** A search: values by key, and text. It is what the address of a page holds. */
export type Search = Partial<Record<SearchKey | "q", string | undefined>>;

/** Kinds of things that a search finds, in the order in which they are shown. */
export const SEARCH_KINDS = ["agents", "sessions", "runs", "threads", "messages", "work"] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

/** Words of a search: `key:value`, `key:"a value"`, or text. */
const WORD = /(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g;

const isKey = (name: string | undefined): name is SearchKey => SEARCH_KEYS.some((key) => key === name);

/** Reads a search. A key that is none is text; of a key that stands twice the last counts. */
export function parseSearch(text: string): Search {
  const search: Search = {};
  const words: string[] = [];
  for (const [word, key, quoted, plain] of text.matchAll(WORD)) {
    const value = quoted ?? plain ?? "";
    if (isKey(key) && value !== "") search[key] = value;
    else if (!isKey(key) && !isKey(word.slice(0, word.indexOf(":")))) words.push(word);
  }
  return words.length > 0 ? { ...search, q: words.join(" ") } : search;
}

const written = (value: string): string => (/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value);

/** Writes a search as people write it. */
export const writeSearch = (search: Search): string =>
  [...SEARCH_KEYS.flatMap((key) => (search[key] ? [`${key}:${written(search[key])}`] : [])), search.q ?? ""]
    .filter(Boolean)
    .join(" ");

/** The word that is being written, at the end of a text: the key it begins with, and where it stands. */
export function lastWord(text: string): { key: SearchKey | undefined; begun: string; at: number } {
  const at = /(?:\S*"[^"]*|\S*)$/.exec(text)?.index ?? text.length;
  const word = text.slice(at);
  const [, key, begun = ""] = /^(\w+):"?(.*)$/.exec(word) ?? [];
  return isKey(key) ? { key, begun, at } : { key: undefined, begun: word, at };
}

/** The text with its last word completed. A key is followed by its value, a value by the next word. */
export function complete(text: string, choice: string): string {
  const { key, at } = lastWord(text);
  return key === undefined ? `${text.slice(0, at)}${choice}:` : `${text.slice(0, at)}${key}:${written(choice)} `;
}
